// Incidents and broken glass: what is open, what was, and opening one.

import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { emergencies, type Emergencies, type Kind } from "../api/emergencies";
import { api } from "../api/routes";
import type { Me } from "../api/types";
import { useAct } from "../parts/act";
import { Choices } from "../parts/choices";
import { agentsOf, CloseButton, kindWords, mayClose } from "../parts/emergencies";
import { Icon } from "../parts/icon";
import { Ago, Card, Heading, Loading, ProblemNote } from "../parts/pieces";
import { Text } from "../parts/text";
import { useReadAt } from "../reach";
import { pulse, refreshSession } from "../session";
import { useStore } from "../store";
import { plural, shortTime } from "../words";

const kinds: Kind[] = ["incident", "breakglass"];

export function EmergenciesPage({ me }: { me: Me }) {
  const [lists, setLists] = useState<Emergencies[] | null>(null);
  const [unread, setUnread] = useState<Problem | null>(null);
  const { busy, problem: failed, act } = useAct();
  const problem = failed ?? unread;
  const beat = useStore(pulse);
  useEffect(() => {
    let latest = true;
    Promise.all(kinds.map(emergencies.list)).then(
      (found) => { if (latest) { setLists(found); setUnread(null); } }, (error: unknown) => latest && setUnread(asProblem(error)));
    return () => { latest = false; };
  }, [beat]);
  useReadAt(lists);
  const all = (lists ?? []).flatMap((list) => list.items)
    .sort((a, b) => Number(b.in_force) - Number(a.in_force) || b.opened_at.localeCompare(a.opened_at));
  const mayOpen = kinds.filter((_kind, i) => lists?.[i]?.may_open);
  return (
    <main id="main" class="page page-narrow">
      <div class="page-head"><Heading title="Emergencies" /></div>
      <p class="lede">While one is open, policy may decide otherwise for its agents. Everything is recorded; what broken glass made possible is looked at afterwards.</p>
      {problem && <div class="pad"><ProblemNote problem={problem} /></div>}
      {!lists && !problem && <Loading what="the emergencies" />}
      {lists && (
        <Card title="What is open, and what was">
          {all.length === 0 && <p class="pad muted">There was none.</p>}
          <ul class="things" aria-label="Emergencies">
            {all.map((one) => (
              <li key={one.id} class={one.in_force ? "in-force" : undefined}>
                <div>
                  <p><strong>{kindWords[one.kind]}</strong> for <strong><Text>{agentsOf(one)}</Text></strong>
                    <span class="tag">{one.in_force ? "open" : "over"}</span></p>
                  {one.reason && <p>“<Text>{one.reason}</Text>”</p>}
                  <p class="small muted">
                    <Text>{one.opener}</Text> <Ago at={one.opened_at} exact /> · {one.in_force ? "until" : "ended"}{" "}
                    {shortTime(one.until, Date.now())}{one.closed_by && <>, closed by <Text>{one.closed_by}</Text></>}
                    {" "}· used {plural(one.uses, "time")} · <code>{one.id}</code>
                  </p>
                </div>
                {mayClose(one, me, mayOpen.includes(one.kind)) && <CloseButton one={one} busy={busy} act={act} />}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {mayOpen.map((kind) => <OpenForm key={kind} kind={kind} />)}
      {lists && !mayOpen.length && <p class="muted">Policy does not name you among those who open one.</p>}
    </main>
  );
}

const titles: Record<Kind, string> = { incident: "Open an incident", breakglass: "Break the glass" };
const lives = ["10m", "30m", "1h", "4h", "8h", "1d"];

function OpenForm({ kind }: { kind: Kind }) {
  const [agents, setAgents] = useState<string[]>([]);
  const [chosen, setChosen] = useState<string[]>([]);
  const [reason, setReason] = useState("");
  const [lasts, setLasts] = useState("");
  const { busy, problem, act } = useAct();
  const glass = kind === "breakglass";
  useEffect(() => void api.agents().then((page) => setAgents(page.items.map((agent) => agent.name)), () => {}), []);
  const open = (event: Event): void => {
    event.preventDefault();
    void act(async () => {
      await emergencies.open(kind, chosen, lasts, reason.trim());
      setReason("");
      setChosen([]);
      await refreshSession();
    });
  };
  return (
    <Card title={titles[kind]}>
      <form class="pad stack" onSubmit={open}>
        {problem && <ProblemNote problem={problem} />}
        <Choices legend={glass ? "For which agents" : "For which agents (none: all)"} names={agents} chosen={chosen} onChange={setChosen} />
        <label class="field-label">
          Why
          <textarea rows={2} required maxLength={4000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <label class="field-label">
          For how long
          <select value={lasts} onChange={(event) => setLasts(event.currentTarget.value)}>
            <option value="">as long as policy lets it</option>
            {lives.map((life) => <option key={life} value={life}>{life}</option>)}
          </select>
        </label>
        <button type="submit" class="button button-deny" disabled={busy || !reason.trim() || (glass && !chosen.length)}>
          <Icon name={glass ? "passkey" : "warn"} size={18} /> {titles[kind]}{glass && " with passkey"}
        </button>
      </form>
    </Card>
  );
}
