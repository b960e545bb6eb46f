// The small parts that every page uses.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { adviceFor } from "../advice";
import type { Problem } from "../api/client";
import type { Action, Needed, Party, Resource, State, Vote } from "../api/types";
import { heldOf, partyId, partyName } from "../api/types";
import { ago, exactTime, plural, shortTime, span, stateWords, towards, useNow } from "../words";
import { Icon, Keyhole, type IconName } from "./icon";
import { Text } from "./text";

const stateIcons: Record<State, IconName> = {
  deferred: "pause", pending: "clock", approved: "check", executing: "run", succeeded: "check",
  failed: "warn", unknown: "question", denied: "cross", expired: "clock", cancelled: "back",
};

export function StateTag({ state }: { state: State }) {
  return (
    <span class={`state state-${state}`}>
      <Icon name={stateIcons[state] ?? "question"} size={14} />
      {stateWords[state] ?? state}
    </span>
  );
}

export function Who({ party }: { party: Party | undefined | null }) {
  const id = partyId(party);
  const name = partyName(party);
  return (
    <span class="who">
      <Text>{name || "unknown"}</Text>
      {name !== id && <span class="who-id"> (<Text>{id}</Text>)</span>}
    </span>
  );
}

export const Voter = ({ vote }: { vote: Vote }) =>
  <><Text>{vote.reviewer}</Text>{vote.instead_of && <>, in place of <Text>{vote.instead_of}</Text></>}</>;

export function ResourceName({ resource }: { resource: Resource | null | undefined }) {
  if (!resource) return <span class="muted">no resource</span>;
  return (
    <span class="resource">
      {resource.kind && <span class="resource-kind"><Text>{resource.kind}</Text> </span>}
      <strong><Text>{resource.name ?? "unnamed"}</Text></strong>
      {resource.env && <> <EnvTag env={resource.env} /></>}
    </span>
  );
}

// What is asked: an operation towards something, or, of a hold point, to go on with its runbook.
export function Wish({ action }: { action: Action }) {
  const held = heldOf(action);
  return held
    ? <><span class="operation">go on</span> with <strong class="mono"><Text>{held}</Text></strong></>
    : <><span class="operation"><Text>{action.operation}</Text></span> {towards(action.operation)} <ResourceName resource={action.resource} /></>;
}

export function EnvTag({ env }: { env: string }) {
  return <span class={env === "prod" ? "env env-prod" : "env"}><Text>{env}</Text></span>;
}

// Needed and given, a keyhole a place.
export function Quorum({ needed, words = false }: { needed: Needed[] | undefined; words?: boolean }) {
  if (!needed?.length) return null;
  return (
    <ul class="quorum" aria-label="Approvals needed">
      {needed.map((need) => (
        <li key={need.group}>
          <span class="keyholes">
            {Array.from({ length: Math.min(need.count, 8) }, (_, i) => (
              <Keyhole key={i} turned={i < need.have} />
            ))}
          </span>
          <span class="quorum-group"><Text>{need.group}</Text></span>
          <span class="quorum-count">
            {need.have} of {need.count}
            {words && need.have < need.count &&
              <span class="muted"> · {plural(need.count - need.have, "more person", "more people")}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

// `exact`: the clock's time beside it, for where nobody can hover.
export function Ago({ at, exact = false }: { at: string; exact?: boolean }) {
  const now = useNow(5_000);
  return (
    <time dateTime={at} title={exactTime(at)} data-exact={exactTime(at)}>
      <span>{ago(at, now)}{exact && <span class="exact"> ({shortTime(at, now)})</span>}</span>
    </time>
  );
}

export function Expiry({ at, from, exact = false }: { at: string; from?: string; exact?: boolean }) {
  const now = useNow(1_000);
  const left = (Date.parse(at) - now) / 1000;
  const whole = from ? (Date.parse(at) - Date.parse(from)) / 1000 : 0;
  const soon = left < 600 || (whole > 0 && left / whole < 0.15);
  return (
    <span class={soon ? "expiry soon" : "expiry"} title={exactTime(at)}>
      <Icon name="clock" size={14} />
      <span data-exact={`${left > 0 ? "expires" : "expired"} ${exactTime(at)}`}>
        <span>{left > 0 ? <>expires in <span class="digits">{span(left)}</span></> : "expired"}</span>
        {exact && <span class="exact"> ({shortTime(at, now)})</span>}
      </span>
    </span>
  );
}

export function ProblemNote({ problem, retry }: { problem: Problem; retry?: (() => void) | undefined }) {
  const advice = adviceFor(problem);
  return (
    <div class="note note-bad" role="alert">
      <Icon name="warn" />
      <div>
        <strong><Text>{problem.title}</Text></strong>
        {problem.detail && <p><Text>{problem.detail}</Text></p>}
        {advice && <p>{advice}</p>}
        {problem.code && <p class="muted small">code <code>{problem.code}</code></p>}
        {(retry || problem.retryAfterS) && <Retry problem={problem} retry={retry} />}
      </div>
    </div>
  );
}

// Not before the server wants to hear of it again.
function Retry({ problem, retry }: { problem: Problem; retry: (() => void) | undefined }) {
  const until = useMemo(() => Date.now() + (problem.retryAfterS ?? 0) * 1000, [problem]);
  const left = Math.ceil((until - useNow(1_000)) / 1000);
  if (!retry) return left > 0 ? <p class="small muted">Again in {span(left)}.</p> : <p class="small muted">You can try again now.</p>;
  return <button type="button" class="button" disabled={left > 0} onClick={retry}>{left > 0 ? `Try again in ${span(left)}` : "Try again"}</button>;
}

export function Note({ kind = "plain", children }: {
  kind?: "plain" | "warn" | "bad" | "good"; children: ComponentChildren;
}) {
  return (
    <div class={`note note-${kind}`}>
      <Icon name={kind === "good" ? "check" : kind === "plain" ? "help" : "warn"} />
      <div>{children}</div>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Keyhole turned size={56} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return <p class="loading" role="status">Loading {what}…</p>;
}

export function Card({ title, children, id, aside }: {
  title: string; children: ComponentChildren; id?: string; aside?: ComponentChildren;
}) {
  return (
    <section class="card" id={id} aria-label={title}>
      <header class="card-head"><h2>{title}</h2>{aside}</header>
      {children}
    </section>
  );
}

// The page's heading: takes the focus when the page is entered, so that a screen reader starts there.
export function Heading({ title, children, quiet = false }: {
  title: string; children?: ComponentChildren; quiet?: boolean;
}) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Keyturn`;
  }, [title]);
  useEffect(() => {
    if (!quiet) ref.current?.focus({ preventScroll: true });
  }, []);
  return <h1 ref={ref} tabIndex={-1}>{children ?? title}</h1>;
}

export function Copy({ text, what, word = "Copy" }: { text: string; what: string; word?: string }) {
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not copied: select it by hand");
    }
    window.setTimeout(() => setSaid(""), 2_500);
  };
  return (
    <>
      <button type="button" class="button button-small" onClick={() => void copy()}>
        {said || word}{word === "Copy" && <span class="hidden"> {what}</span>}
      </button>
      <span class="hidden" role="status">{said}</span>
    </>
  );
}

// JSON as a person reads it: keys as they came, strings made visible.
export function JsonBlock({ value, label }: { value: unknown; label: string }) {
  return (
    <pre class="code" tabIndex={0} role="region" aria-label={`${label}, as JSON`}>
      <Text lines>{JSON.stringify(value, null, 2) ?? "nothing"}</Text>
    </pre>
  );
}
