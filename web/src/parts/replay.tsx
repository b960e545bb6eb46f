// The draft against what was decided already: what would have turned, and which way.

import { useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import type { Me, ReplayFlip, ReplayReport, ReplaySide } from "../api/types";
import { draft, textOf } from "../draft";
import { count, exactTime, plural } from "../words";
import { Note, ProblemNote } from "./pieces";
import { Text } from "./text";

const spans: [value: string, words: string][] = [["24h", "the last day"], ["7d", "the last week"], ["30d", "the last 30 days"], ["", "the beginning"]];
const limit = 100_000;
const examples = 5;

const turns: Record<string, string> = { looser: "Looser", stricter: "Stricter", other: "Neither" };
const effects: Record<string, string> = { allow: "allowed", deny: "denied", require: "people asked", defer: "deferred", modify: "changed" };
const cannot: Record<string, string> = {
  no_inputs: "recorded before inputs were", erased: "erased", unreadable: "unreadable", unknown_tool: "of a tool that nobody configured",
  built_in: "changes of configuration", changed_arguments: "with arguments that nobody classified",
};

export function ReplayPanel({ me }: { me: Me }) {
  const [since, setSince] = useState("7d");
  const [against, setAgainst] = useState("recorded");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [shown, setShown] = useState<{ report: ReplayReport | null; of: string } | null>(null);
  if (!me.admin && !me.auditor) {
    return <Note>Administrators and auditors may look at all decisions, and so replay them. The case of a proposal shows its figures to those who decide about it.</Note>;
  }
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    const policy = textOf(draft.get(), "policy.yaml");
    try {
      const said = await api.replay({ policy, against, limit, examples, ...(since ? { since } : {}) });
      setShown({ report: said.replay ?? null, of: policy });
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
    }
    setBusy(false);
  };
  const stale = shown !== null && shown.of !== textOf(draft.get(), "policy.yaml");
  return (
    <div class="stack">
      <p class="small muted">Takes recorded decisions again by the policy in the editor, each from exactly what it was made from: arguments,
        facts, groups, time, history.</p>
      <form class="inline-form" onSubmit={(event) => void run(event)}>
        <label class="field-label">Decisions since
          <select value={since} onChange={(event) => setSince(event.currentTarget.value)}>
            {spans.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
          </select>
        </label>
        <label class="field-label">Compared with
          <select value={against} onChange={(event) => setAgainst(event.currentTarget.value)}>
            <option value="recorded">what was decided then</option>
            <option value="active">what the policy in force says</option>
          </select>
        </label>
        <button type="submit" class="button button-accent" disabled={busy}>{busy ? "Replaying…" : "Replay"}</button>
      </form>
      {problem && <ProblemNote problem={problem} />}
      {stale && <Note kind="warn">The policy in the editor has changed since. These figures are of the text before.</Note>}
      <div role="status">
        {shown && !shown.report && <Note kind="bad">The policy has mistakes: mend them first.</Note>}
        {shown?.report && <Report report={shown.report} />}
      </div>
    </div>
  );
}

function Report({ report }: { report: ReplayReport }) {
  const figures: [string, number, string][] = [
    ["unchanged", report.unchanged, ""], ["looser", report.looser, report.looser ? "figure-bad" : ""],
    ["stricter", report.stricter, report.stricter ? "figure-warn" : ""], ["neither", report.other, report.other ? "figure-warn" : ""],
  ];
  return (
    <div class="stack replay-report">
      <p><strong>{plural(report.repeated, "decision")} taken again</strong>
        {report.oldest && <span class="muted">, back to {exactTime(report.oldest)}</span>}
        {report.limited && <span class="muted">; there are more, but no more than {count(limit)} are looked at</span>}.</p>
      <dl class="figures">
        {figures.map(([words, value, kind]) => (
          <div key={words} class={`figure ${kind}`}><dt>{words}</dt><dd class="digits">{count(value)}</dd></div>
        ))}
      </dl>
      {report.errors > 0 && <Note kind="warn">{plural(report.errors, "decision is", "decisions are")} denied by an error of this policy.</Note>}
      {report.not_repeatable > 0 && (
        <p class="small muted">{plural(report.not_repeatable, "more cannot", "more cannot")} be taken again: {Object.entries(report.not_repeatable_because)
          .map(([why, n]) => `${count(n)} ${cannot[why] ?? why}`).join(", ")}.</p>
      )}
      {report.flips.map((flip) => <Flip key={`${flip.turn} ${flip.from} ${flip.to}`} flip={flip} />)}
      {report.flips.length === 0 && report.repeated > 0 && <Note kind="good">Nothing turns.</Note>}
    </div>
  );
}

const sideWords = (side: ReplaySide): string =>
  [effects[side.effect] ?? side.effect, side.decided_by && `by ${side.decided_by}`].filter(Boolean).join(" ") + (side.asks ? `, ${side.asks}` : "");

function Flip({ flip }: { flip: ReplayFlip }) {
  return (
    <section class={`flip flip-${flip.turn}`} aria-label={`${flip.turn}: ${flip.from} to ${flip.to}`}>
      <h3>{turns[flip.turn] ?? flip.turn}: {effects[flip.from] ?? flip.from} → {effects[flip.to] ?? flip.to} <span class="muted digits">{plural(flip.count, "decision")}</span></h3>
      <ul class="flip-examples">
        {flip.examples.map((one) => (
          <li key={one.id}>
            <a href={`/a/${encodeURIComponent(one.id)}`}><Text>{one.tool}</Text> by <Text>{one.agent}</Text></a>
            <span class="small muted"> {exactTime(one.time)}</span>
            <p class="small">before: <Text>{sideWords(one.before)}</Text><br />after: <Text>{sideWords(one.after)}</Text></p>
          </li>
        ))}
      </ul>
      {flip.count > flip.examples.length && <p class="small muted">and {count(flip.count - flip.examples.length)} more</p>}
    </section>
  );
}
