import { Component, type ComponentChildren } from "preact";
import { Heading, Note } from "./pieces";
import { Text } from "./text";

// A page that cannot be drawn says so, instead of leaving an empty screen behind.
export class Boundary extends Component<{ children: ComponentChildren }, { error: string | null }> {
  override state = { error: null };

  static override getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <main id="main" class="page">
        <div class="page-head"><Heading title="This page could not be drawn" /></div>
        <Note kind="bad">
          <p>The server sent something that this page does not understand. Nothing was decided or sent.</p>
          <p class="small"><code><Text>{this.state.error}</Text></code></p>
          <button type="button" class="button" onClick={() => location.reload()}>Load it again</button>
        </Note>
      </main>
    );
  }
}
