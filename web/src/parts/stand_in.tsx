// Who fills my place while I am away, and whose I fill.

import { useEffect, useState } from "preact/hooks";
import { emergencies, type Delegation, type Person } from "../api/emergencies";
import type { Action, Me } from "../api/types";
import { refreshSession } from "../session";
import { shortTime } from "../words";
import { returned } from "../reach";
import { useStore } from "../store";
import { useAct } from "./act";
import { Choices } from "./choices";
import { Card, ProblemNote } from "./pieces";
import { Text } from "./text";

export function StandInCard({ me }: { me: Me }) {
  const [items, setItems] = useState<Delegation[]>([]);
  const [people, setPeople] = useState<Person[]>([]);
  const { busy, problem, act } = useAct();
  const load = async (): Promise<void> => {
    const { items } = await emergencies.delegations();
    setItems(items.filter((one) => (one.from === me.id || one.to === me.id) && Date.parse(one.until) > Date.now()));
  };
  const back = useStore(returned);
  useEffect(() => {
    void act(load);
    emergencies.people().then((page) => setPeople(page.items), () => {}); // then there is nobody to choose
  }, [back]);
  const others = people.filter((one) => one.active && !one.service_of && one.id !== me.id);
  return (
    <Card title="Out of office">
      <div class="pad stack">
        {problem && <ProblemNote problem={problem} />}
        {me.away_until
          ? (
            <>
              <p>You are out of office until <strong>{shortTime(me.away_until, Date.now())}</strong>.</p>
              <button type="button" class="button" disabled={busy} onClick={() => void act(() => emergencies.away().finally(refreshSession))}>I am back</button>
            </>
          )
          : <UntilForm word="Out of office" busy={busy} onSend={(until) => act(() => emergencies.away(until).finally(refreshSession))} />}
      </div>
      <ul class="things" aria-label="Who stands in">
        {items.map((one) => (
          <li key={one.id}>
            <div>
              <p>{one.from === me.id
                ? <><strong><Text>{one.to}</Text></strong> stands in for you</>
                : <>You stand in for <strong><Text>{one.from}</Text></strong></>}</p>
              <p class="small muted">
                {one.groups.length ? <>in <Text>{one.groups.join(", ")}</Text></> : "in all groups"}
                {!one.in_force && <> · from {shortTime(one.start, Date.now())}</>} · until {shortTime(one.until, Date.now())}
              </p>
            </div>
            <button type="button" class="button button-small" disabled={busy}
              onClick={() => void act(() => emergencies.endDelegation(one.id).finally(load))}>
              End<span class="hidden"> {one.from === me.id ? one.to : one.from}</span>
            </button>
          </li>
        ))}
      </ul>
      {(me.groups?.length ?? 0) > 0 && others.length > 0 && <AddForm groups={me.groups!} others={others} onAdded={load} />}
    </Card>
  );
}

function UntilForm({ word, busy, onSend, ready = true, children }: {
  word: string; busy: boolean; onSend: (until: string) => unknown; ready?: boolean; children?: preact.ComponentChildren;
}) {
  const [until, setUntil] = useState("");
  const send = (event: Event): void => {
    event.preventDefault();
    void onSend(new Date(until).toISOString());
  };
  return (
    <form class="token-form until-form" onSubmit={send}>
      {children}
      <label class="field-label">
        {word} until
        <input type="datetime-local" required value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button" disabled={busy || !until || !ready}>{word}</button>
    </form>
  );
}

function AddForm({ groups, others, onAdded }: { groups: string[]; others: Person[]; onAdded: () => Promise<void> }) {
  const [to, setTo] = useState("");
  const [chosen, setChosen] = useState(groups);
  const { busy, problem, act } = useAct();
  return (
    <div class="pad stack">
      {problem && <ProblemNote problem={problem} />}
      <UntilForm word="Stands in" busy={busy} ready={!!to && chosen.length > 0}
        onSend={(until) => act(() => emergencies.delegate({ to, groups: chosen, until }).then(onAdded))}>
        <label class="field-label">
          Who fills your place
          <select value={to} onChange={(event) => setTo(event.currentTarget.value)}>
            <option value="" />
            {others.map(({ id, name }) => <option key={id} value={id}>{name && name !== id ? `${name} (${id})` : id}</option>)}
          </select>
        </label>
        <Choices legend="In your groups" names={groups} chosen={chosen} onChange={setChosen} />
      </UntilForm>
    </div>
  );
}

// Whose places I could fill here: "" is my own. As far as this page can tell; the server decides.
export function usePlaces(action: Action, me: Me): string[] {
  const [from, setFrom] = useState<Delegation[]>([]);
  useEffect(() => void emergencies.delegations().then((page) => setFrom(page.items), () => {}), [action.id]);
  const asked = (action.needed ?? []).map((need) => need.group);
  const others = from
    .filter((one) => one.to === me.id && one.in_force && (!one.groups.length || one.groups.some((group) => asked.includes(group))))
    .map((one) => one.from);
  return [...(asked.some((group) => me.groups?.includes(group)) ? [""] : []), ...new Set(others)];
}
