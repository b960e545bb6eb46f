// One action that nobody asked for: what policy would say of it, rule by rule.

import { useEffect, useState } from "preact/hooks";
import { asProblem, Problem } from "../api/client";
import { api } from "../api/routes";
import type { Agent, Evaluated, Explained, ExplainedRule, KnownTool, ToolParam } from "../api/types";
import { argsText, choicesOf, kindOf, objectProblem } from "../args";
import { documentsOf, draft, isDirty } from "../draft";
import { useStore } from "../store";
import { effectWords, plural } from "../words";
import { Note, ProblemNote } from "./pieces";
import { Text } from "./text";

export function ExplainPanel() {
  const now = useStore(draft);
  const tools = now.inForce?.tools.known ?? [];
  const [agents, setAgents] = useState<Agent[] | null>(null);
  const [agent, setAgent] = useState("");
  const [toolName, setTool] = useState("");
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [raw, setRaw] = useState<string | null>(null); // the arguments as JSON, when they are written so
  const [reason, setReason] = useState("");
  const [claims, setClaims] = useState("{}");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [said, setSaid] = useState<{ explained: Explained; drafted: boolean } | null>(null);
  useEffect(() => {
    api.agents().then((page) => setAgents(page.items), (error: unknown) => setProblem(asProblem(error)));
  }, []);

  const tool = tools.find((one) => one.name === toolName) ?? tools[0];
  const who = agent || agents?.[0]?.name || "";
  const args = raw ?? argsText(tool?.params ?? [], typed);
  const wrong = raw === null ? "" : objectProblem(raw);
  const wrongClaims = objectProblem(claims);

  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || wrong || wrongClaims || !tool || !who) return;
    setBusy(true);
    setProblem(null);
    try {
      const explained = await api.explain({ agent: who, tool: tool.name, reason }, args, claims, documentsOf(draft.get()));
      setSaid({ explained, drafted: isDirty(draft.get()) });
    } catch (error) {
      const it = asProblem(error, "That did not work");
      setSaid(null);
      setProblem(it.pointer ? new Problem(it.status, it.code, it.title, `${it.detail} (at ${it.pointer})`) : it);
    }
    setBusy(false);
  };
  if (now.inForce && tools.length === 0) return <Note>No tool is configured.</Note>;
  if (agents?.length === 0) return <Note>There is no agent yet.</Note>;

  return (
    <div class="stack">
      <p class="small muted">Nothing is asked for, run or recorded. {isDirty(now) ? "The draft decides." : "The documents in force decide."}</p>
      <form class="explain-form" onSubmit={(event) => void run(event)}>
        <label class="field-label">Agent
          <select value={who} onChange={(event) => setAgent(event.currentTarget.value)}>
            {(agents ?? []).map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
          </select>
        </label>
        <label class="field-label">Tool
          <select value={tool?.name ?? ""} onChange={(event) => { setTool(event.currentTarget.value); setTyped({}); setRaw(null); }}>
            {tools.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
          </select>
        </label>
        {tool && <Target tool={tool} />}
        {raw === null
          ? (tool?.params ?? []).map((param) => (
              <ArgField key={param.name} param={param} value={typed[param.name] ?? ""} onValue={(value) => setTyped({ ...typed, [param.name]: value })} />
            ))
          : (
            <label class="field-label wide">Arguments, as JSON
              <textarea class="mono" rows={5} spellcheck={false} value={raw} aria-invalid={!!wrong} onInput={(event) => setRaw(event.currentTarget.value)} />
              {wrong && <span class="small bad">{wrong}</span>}
            </label>
          )}
        <p class="wide"><button type="button" class="link-button" onClick={() => setRaw(raw === null ? args : null)}>
          {raw === null ? "Write the arguments as JSON" : "Back to fields"}</button></p>
        <label class="field-label wide">Reason, as the agent would give it
          <input type="text" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <details class="wide">
          <summary>Claims</summary>
          <label class="field-label">What the agent says of itself, as JSON
            <textarea class="mono" rows={3} spellcheck={false} value={claims} aria-invalid={!!wrongClaims} onInput={(event) => setClaims(event.currentTarget.value)} />
            {wrongClaims && <span class="small bad">{wrongClaims}</span>}
          </label>
        </details>
        <p class="wide"><button type="submit" class="button button-accent" disabled={busy || !!wrong || !!wrongClaims}>{busy ? "Explaining…" : "Explain"}</button></p>
      </form>
      {problem && <ProblemNote problem={problem} />}
      <div role="status">{said && <Answer explained={said.explained} drafted={said.drafted} />}</div>
    </div>
  );
}

function Target({ tool }: { tool: KnownTool }) {
  const { kind, name, env } = tool.resource ?? {};
  return <p class="small muted wide"><Text>{[tool.operation, "on", kind, name, env && `(${env})`].filter(Boolean).join(" ")}</Text></p>;
}

function ArgField({ param, value, onValue }: { param: ToolParam; value: string; onValue: (value: string) => void }) {
  const kind = kindOf(param);
  const about = typeof param.schema.description === "string" ? param.schema.description : "";
  const optional = param.required ? "" : " (optional)";
  return (
    <label class={kind === "line" || kind === "json" ? "field-label wide" : "field-label"}>
      <span><code><Text>{param.name}</Text></code>{optional}{about && <> <Text>{about}</Text></>}</span>
      {kind === "choice" ? (
        <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          <option value=""></option>
          {choicesOf(param).map((choice) => <option key={String(choice)} value={JSON.stringify(choice)}>{String(choice)}</option>)}
        </select>
      ) : kind === "number" ? (
        <input type="text" inputMode="numeric" value={value} onInput={(event) => onValue(event.currentTarget.value)} />
      ) : (
        <textarea class="mono" rows={value.includes("\n") || value.length > 80 ? 5 : 1} spellcheck={false} value={value}
          placeholder={kind === "json" ? "JSON" : ""} onInput={(event) => onValue(event.currentTarget.value)} />
      )}
    </label>
  );
}

function Answer({ explained, drafted }: { explained: Explained; drafted: boolean }) {
  if (explained.ok === false) return <Note kind="bad">The draft has mistakes: mend them first.</Note>;
  const { verdict } = explained;
  if (!verdict) return null;
  const rules = explained.rules ?? [];
  const selected = rules.filter((rule) => rule.selected);
  const others = rules.filter((rule) => !rule.selected);
  return (
    <div class="stack explained">
      <h3 class={`verdict verdict-${verdict.effect}`}>{drafted ? "The draft" : "Policy"} {effectWords[verdict.effect] ?? verdict.effect}</h3>
      {(verdict.reasons ?? []).length > 0 && <ul class="reasons">{verdict.reasons!.map((reason, i) => <li key={i}><Text lines>{reason}</Text></li>)}</ul>}
      {verdict.decided_by && <p class="small muted">Decided by <code><Text>{verdict.decided_by}</Text></code>.</p>}
      {(explained.risk?.score ?? 0) > 0 && <p class="small">Risk {explained.risk!.score}: <Text>{explained.risk!.why.join("; ")}</Text></p>}
      {selected.length > 0 && <ol class="rules">{selected.map((rule) => <Rule key={rule.rule} rule={rule} />)}</ol>}
      {others.length > 0 && (
        <details>
          <summary>{plural(others.length, "rule does", "rules do")} not speak of this action</summary>
          <ul class="rules-other small">
            {others.map((rule) => <li key={rule.rule}><code><Text>{rule.rule}</Text></code> is for another <Text>{rule.not_selected_by ?? "action"}</Text></li>)}
          </ul>
        </details>
      )}
      <Known title="Variables" values={explained.variables} />
    </div>
  );
}

function outcome(rule: ExplainedRule): [words: string, kind: string] {
  if ([rule.when, rule.unless, ...(rule.tiers ?? []).map((tier) => tier.when)].some((one) => one?.error !== undefined)
    && rule.matched) return ["could not be answered, so it denies", "bad"];
  if (rule.matched) return [rule.shadow ? "would match (it is only tried out)" : "matches", "yes"];
  if (rule.unless?.value === true) return ["is excepted here", "no"];
  return ["does not match", "no"];
}

function Rule({ rule }: { rule: ExplainedRule }) {
  const [words, kind] = outcome(rule);
  return (
    <li class={`rule-line rule-${kind}`}>
      <p><code class="rule"><Text>{rule.rule}</Text></code> <strong>{words}</strong></p>
      {rule.description && <p class="small muted"><Text>{rule.description}</Text></p>}
      {rule.contribution && <p class="small"><Text lines>{rule.contribution}</Text></p>}
      {rule.when && <Condition word="when" one={rule.when} />}
      {rule.unless && <Condition word="unless" one={rule.unless} />}
      {(rule.tiers ?? []).map((tier, i) => <Condition key={i} word={`tier ${i + 1}, ${tier.effect}`} one={tier.when} />)}
    </li>
  );
}

const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));

function Condition({ word, one }: { word: string; one: Evaluated }) {
  return (
    <div class="condition small">
      <p><span class="muted">{word}</span> <code><Text lines>{one.source}</Text></code> → <strong class={one.error === undefined ? "" : "bad"}>
        <Text>{one.error === undefined ? shown(one.value) : `error: ${one.error}`}</Text></strong></p>
      {Object.entries(one.reads ?? {}).map(([path, value]) => <p key={path} class="muted"><code><Text>{`${path} = ${shown(value)}`}</Text></code></p>)}
    </div>
  );
}

function Known({ title, values }: { title: string; values: Explained["variables"] }) {
  const entries = Object.entries(values ?? {});
  if (entries.length === 0) return null;
  return (
    <details>
      <summary>{title}</summary>
      <ul class="rules-other small">{entries.map(([name, value]) => <li key={name}><code><Text>{`${name} = ${shown(value)}`}</Text></code></li>)}</ul>
    </details>
  );
}
