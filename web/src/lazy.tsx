// Pages that nobody needs to decide: each is fetched when it is first opened, or when a link to it is pointed at. And parts
// of pages, fetched when they are first drawn.

import type { ComponentType, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Heading, Loading, Note } from "./parts/pieces";
import { returned } from "./reach";
import { useStore } from "./store";

export interface LazyPage<Props> {
  Page: (props: Props) => VNode;
  fetch: () => Promise<void>; // rejects when it cannot be had now; the next call tries again
}

function later<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  let found: ComponentType<Props> | null = null;
  let under: Promise<void> | null = null;
  const fetch = (): Promise<void> =>
    under ??= load().then((page) => { found = page; }, (error: unknown) => { under = null; throw error; });
  const use = (): { Found: ComponentType<Props> | null; failed: boolean } => {
    const [failed, setFailed] = useState(false);
    const [, setThere] = useState(found !== null);
    const back = useStore(returned);
    useEffect(() => {
      if (found) return;
      let alive = true;
      fetch().then(() => { if (alive) setThere(true); }, () => { if (alive) setFailed(true); });
      return () => { alive = false; };
    }, [back]);
    return { Found: found, failed };
  };
  return { fetch, use };
}

export function lazy<Props extends object>(
  title: string, load: () => Promise<ComponentType<Props>>,
): LazyPage<Props> {
  const { fetch, use } = later(load);
  function Page(props: Props) {
    const { Found, failed } = use();
    if (Found) return <Found {...props} />;
    return (
      <main id="main" class="page">
        <div class="page-head"><Heading title={title} /></div>
        {failed ? <NotFetched what="This page" /> : <Loading what="this page" />}
      </main>
    );
  }
  return { Page, fetch };
}

// Nothing is there until it is; that it cannot be had is said in its place.
export function lazyPart<Props extends object>(load: () => Promise<ComponentType<Props>>): (props: Props) => VNode | null {
  const { use } = later(load);
  return (props) => {
    const { Found, failed } = use();
    return Found ? <Found {...props} /> : failed ? <NotFetched what="A part of this page" /> : null;
  };
}

// A reload, not only another try: some browsers remember that a module was not to be had, and after an update of the
// server the page itself must be a newer one.
function NotFetched({ what }: { what: string }) {
  return (
    <div role="alert">
      <Note kind="bad">
        <p><strong>{what} could not be loaded.</strong> The connection is lost, or Keyturn was updated since you opened it. Nothing
          was decided or sent.</p>
        <button type="button" class="button" onClick={() => location.reload()}>Load it again</button>
      </Note>
    </div>
  );
}
