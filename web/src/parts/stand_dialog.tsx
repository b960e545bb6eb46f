// Proposing a standing approval from an action that people approved: what stays equal, what may vary and how far, how often, how long.

import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import { standing, type Permission } from "../api/standing";
import { partyId, type Action, type Json } from "../api/types";
import { go } from "../router";
import { boundText, draftOf, fieldOf, isPlain, livesUpTo, type Drafted } from "../stands";
import { count } from "../words";
import { useAct } from "./act";
import { Dialog } from "./dialog";
import { Loading, Note, ProblemNote, ResourceName } from "./pieces";
import { Text } from "./text";

export function StandDialog({ action, onClose }: { action: Action; onClose: () => void }) {
  const [all, setAll] = useState<Permission[] | null>(null);
  const [unread, setUnread] = useState<Problem | null>(null);
  const agent = partyId(action.requester);
  useEffect(() => {
    api.explain({ agent, tool: action.tool, reason: action.reason ?? "" }, JSON.stringify(action.args), "{}", {})
      .then((said) => setAll(said.standing ?? []), (error: unknown) => setUnread(asProblem(error)));
  }, []);
  const permitting = (all ?? []).filter((one) => one.permits);
  return (
    <Dialog title="Agree to the like of it" onClose={onClose} wide>
      <div class="stack">
        <p>Whoever would be asked about such a request is asked once. When they agree, <strong><Text>{agent}</Text></strong> may{" "}
          <Text>{action.operation}</Text> with <span class="mono"><Text>{action.tool}</Text></span> on <ResourceName resource={action.resource} /> again without asking
          them, as often and as long as you propose here, and only so.</p>
        {unread && <ProblemNote problem={unread} />}
        {!all && !unread && <Loading what="what policy permits" />}
        {all && !permitting.length && (
          <Note kind="warn">
            <p><strong>Policy permits no standing approval for this.</strong> It does in its section <a href="/policy"><code>standing</code></a>.</p>
            {all.filter((one) => one.selected).map((one) => <p key={one.permission} class="small">The condition of <code><Text>{one.permission}</Text></code> does not hold now.</p>)}
          </Note>
        )}
      </div>
      {permitting.length > 0
        ? <Wishing action={action} permitting={permitting} onClose={onClose} />
        : <div class="dialog-buttons"><button type="button" class="button" onClick={onClose}>Close</button></div>}
    </Dialog>
  );
}

type Problems = { problem: Problem | null; at: string };

// What the server said of this field, under it.
function Said({ field, problems: { problem, at } }: { field: string; problems: Problems }) {
  return problem && at === field ? <span class="small bad" role="alert" id={`said-${field}`}><Text>{problem.message}</Text></span> : null;
}

const invalid = (field: string, { at }: Problems) =>
  (at === field ? { "aria-invalid": true, "aria-describedby": `said-${field}` } as const : {});

function Wishing({ action, permitting, onClose }: { action: Action; permitting: Permission[]; onClose: () => void }) {
  const args = Object.entries(action.args as Record<string, Json>);
  const [chosen, setChosen] = useState(permitting[0]!.permission);
  const permission = permitting.find((one) => one.permission === chosen)!;
  const [drafts, setDrafts] = useState<Record<string, Drafted>>({});
  const lives = livesUpTo(permission.lasts ?? "1h");
  const [uses, setUses] = useState(String(Math.min(permission.uses ?? 1, 10)));
  const [wantedLife, setLasts] = useState("1d");
  const lasts = lives.includes(wantedLife) ? wantedLife : lives.at(-1)!;
  const [reason, setReason] = useState("");
  const { busy, problem, act } = useAct();
  const at = fieldOf(problem?.pointer);
  const mayVary = (name: string): boolean => !!permission.bounds?.includes(name);
  const known = at && (!at.startsWith("bounds.") || (mayVary(at.slice(7)) && at.slice(7) in drafts)) ? at : "";
  const problems: Problems = { problem, at: known };
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus(), [problem]);
  const bounds = args.filter(([name]) => mayVary(name) && drafts[name]).map(([name, value]) => [name, boundText(drafts[name]!, isPlain(value))] as const);
  const ready = !!reason.trim() && /^[1-9]\d*$/.test(uses) && bounds.every(([, text]) => text !== null);
  const send = (event: Event): void => {
    event.preventDefault();
    if (!ready) return;
    void act(async () => {
      const asked = await standing.propose({ action: action.id, uses: Number(uses), lasts, reason: reason.trim() },
        `{${bounds.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`);
      go(`/a/${encodeURIComponent(asked.id)}`);
    });
  };
  return (
    <form ref={form} class="stack stand-form" onSubmit={send}>
      {permitting.length > 1 && (
        <label class="field-label">As policy permits in
          <select value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
            {permitting.map((one) => <option key={one.permission} value={one.permission}>{one.permission}</option>)}
          </select>
        </label>
      )}
      {permission.description && <p class="small muted"><Text>{permission.description}</Text></p>}
      {args.length > 0 && <h3>Its parameters</h3>}
      {args.map(([name, value]) => (
        <Param key={name} name={name} value={value} vary={mayVary(name)} drafted={drafts[name]} problems={problems}
          onDraft={(drafted) => setDrafts(({ [name]: _old, ...rest }) => (drafted ? { ...rest, [name]: drafted } : rest))} />
      ))}
      <div class="stand-terms">
        <label class="field-label">How often (policy permits {count(permission.uses ?? 1)})
          <input type="number" min={1} step={1} required value={uses} {...invalid("uses", problems)} onInput={(event) => setUses(event.currentTarget.value)} />
          <Said field="uses" problems={problems} />
        </label>
        <label class="field-label">For how long
          <select value={lasts} {...invalid("lasts", problems)} onChange={(event) => setLasts(event.currentTarget.value)}>
            {lives.map((life) => <option key={life} value={life}>{life}</option>)}
          </select>
          <Said field="lasts" problems={problems} />
        </label>
      </div>
      <label class="field-label">Why
        <textarea rows={2} required maxLength={4000} value={reason} {...invalid("reason", problems)} onInput={(event) => setReason(event.currentTarget.value)} />
        <Said field="reason" problems={problems} />
      </label>
      {problem && !known && <ProblemNote problem={problem} />}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>Leave it</button>
        <button type="submit" class="button button-accent" disabled={busy || !ready}>{busy ? "Proposing…" : "Propose it"}</button>
      </div>
    </form>
  );
}

function Param({ name, value, vary, drafted, problems, onDraft }: {
  name: string; value: Json; vary: boolean; drafted: Drafted | undefined; problems: Problems; onDraft: (drafted: Drafted | null) => void;
}) {
  const field = `bounds.${name}`;
  const bad = invalid(field, problems);
  return (
    <fieldset class="stand-param">
      <legend><span class="mono"><Text>{name}</Text></span></legend>
      <p class="small">approved: <span class="mono wrap"><Text>{JSON.stringify(value)}</Text></span></p>
      {!vary && <p class="small muted">stays exactly that</p>}
      {vary && (
        <label class="field-label"><span><span class="hidden">{name}: </span>Its value</span>
          <select value={drafted ? "vary" : "equal"} onChange={(event) => onDraft(event.currentTarget.value === "vary" ? draftOf(value) : null)}>
            <option value="equal">stays exactly that</option>
            <option value="vary">{draftOf(value).kind === "range" ? "may be from … to …" : "may be one of …"}</option>
          </select>
        </label>
      )}
      {vary && drafted?.kind === "range" && (
        <div class="stand-terms">
          <label class="field-label"><span><span class="hidden">{name} </span>from</span>
            <input type="text" inputMode="decimal" required autocomplete="off" value={drafted.min} {...bad} onInput={(event) => onDraft({ ...drafted, min: event.currentTarget.value })} />
          </label>
          <label class="field-label"><span><span class="hidden">{name} </span>to</span>
            <input type="text" inputMode="decimal" required autocomplete="off" value={drafted.max} {...bad} onInput={(event) => onDraft({ ...drafted, max: event.currentTarget.value })} />
          </label>
        </div>
      )}
      {vary && drafted?.kind === "one_of" && (
        <label class="field-label"><span><span class="hidden">{name}: </span>one of these, a line each{isPlain(value) ? "" : ", as JSON"}</span>
          <textarea class="mono" rows={3} required spellcheck={false} value={drafted.text} {...bad} onInput={(event) => onDraft({ ...drafted, text: event.currentTarget.value })} />
        </label>
      )}
      {vary && drafted && boundText(drafted, isPlain(value)) === null && <p class="small bad">{drafted.kind === "range" ? "Two numbers are needed." : isPlain(value) ? "At least one value is needed." : "Each line is one JSON value."}</p>}
      <Said field={field} problems={problems} />
    </fieldset>
  );
}
