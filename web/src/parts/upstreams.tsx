// MCP servers: their tools, what they say otherwise by now, and proposing to accept that.

import { useState } from "preact/hooks";
import { proposeUpstream, type Upstream, type UpstreamTool, upstreams } from "../api/upstreams";
import type { Me } from "../api/types";
import { go } from "../router";
import { plural } from "../words";
import { Confirm } from "./confirm";
import { Listing, useListed } from "./listing";
import { Ago } from "./pieces";
import { Text } from "./text";

const stateWords: Record<UpstreamTool["state"], string> = { pinned: "accepted", new: "new", changed: "changed", gone: "gone" };

const differs = (one: Upstream): UpstreamTool[] => one.tools.filter((tool) => tool.offered);

const placeOf = (one: Upstream): string =>
  one.kind === "http" ? one.url ?? "" : one.kind === "command" ? (one.command ?? []).join(" ") : "runs beside the agent";

const saysOf = (tool: UpstreamTool): string => {
  const says = (tool.offered?.definition ?? tool.definition)?.description;
  return typeof says === "string" ? says : "";
};

export function UpstreamsTab({ me, search, onSearch }: { me: Me; search: string; onSearch: (words: string) => void }) {
  const listed = useListed(upstreams);
  const [accepting, setAccepting] = useState<Upstream | null>(null);
  return (
    <>
      <Listing title="MCP servers" one="server" listed={listed} search={search} onSearch={onSearch}
        about="Servers whose tools agents call through Keyturn. What a tool is, its server says; a definition that differs from the accepted one is not used before two administrators have seen both."
        textOf={(one) => [one.name, placeOf(one), ...one.tools.flatMap((tool) => [tool.name, stateWords[tool.state], saysOf(tool)])].join(" ")}>
        {(one) => (
          <li key={one.name} class="group">
            <div>
              <p><strong><Text>{one.name}</Text></strong> <span class="muted"><Text>{placeOf(one)}</Text></span>
                {differs(one).length > 0 && <span class="tag tag-bad">{plural(differs(one).length, "change")} to be accepted</span>}</p>
              {one.tools.length === 0 && <p class="small muted">Nobody has used it yet: its clients' address here is <code><Text>{one.path}</Text></code>.</p>}
              <ul class="members">
                {one.tools.map((tool) => <Tool key={tool.name} tool={tool} />)}
              </ul>
            </div>
            {me.admin && differs(one).length > 0 && (
              <p class="buttons">
                <button type="button" class="button button-small" onClick={() => setAccepting(one)}>Propose to accept…<span class="hidden"> what {one.name} says</span></button>
              </p>
            )}
          </li>
        )}
      </Listing>
      {listed.items?.length === 0 && <p class="muted">There is no MCP server: <code>tools.yaml</code> has no section <code>upstreams</code>.</p>}
      {accepting && <Accept upstream={accepting} onClose={() => setAccepting(null)} />}
    </>
  );
}

function Tool({ tool }: { tool: UpstreamTool }) {
  const says = saysOf(tool);
  return (
    <li>
      <code><Text>{tool.name}</Text></code> {tool.operation && <span class="muted"><Text>{tool.operation}</Text></span>}
      {tool.offered && <span class="tag tag-bad">{stateWords[tool.state]} <Ago at={tool.offered.since} exact /></span>}
      {!tool.offered && !tool.tool && <span class="tag">not offered: its name</span>}
      {says && <p class="small muted wrap"><Text lines>{says}</Text></p>}
    </li>
  );
}

function Accept({ upstream, onClose }: { upstream: Upstream; onClose: () => void }) {
  const changed = differs(upstream);
  const send = async (reason: string): Promise<void> => {
    const tools = Object.fromEntries(changed.map((tool) => [tool.name, tool.offered?.digest ?? ""]));
    const action = await proposeUpstream(upstream.name, tools, reason);
    go(`/a/${encodeURIComponent(action.id)}`);
  };
  return (
    <Confirm title={`Accept what ${upstream.name} says of its tools?`} act="Propose" keep="Leave it" why="Why (it stands in the record)" onAct={send} onClose={onClose}>
      <p>Two administrators who are not related agree. On the next page you and they see each definition beside the accepted one: <Text>{changed.map((tool) => tool.name).join(", ")}</Text>.</p>
    </Confirm>
  );
}
