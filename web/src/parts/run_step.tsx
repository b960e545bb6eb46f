// One step, as it was opened in the picture: how it stands, when, what it said, and whom it waits for.

import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import type { GraphNode, Run, RunStep } from "../api/runs";
import type { Action, TimelineItem } from "../api/types";
import { itemsOf } from "../run_graph";
import { count, exactTime, plural } from "../words";
import { Icon } from "./icon";
import { OutcomeCard } from "./outcome";
import { Ago, JsonBlock, Loading, Note, ProblemNote, Quorum } from "./pieces";
import { SettleButton } from "./run_acts";
import { runPath, StepTag, took } from "./run_words";
import { Text } from "./text";
import { TimelineCard } from "./timeline";

// What the document says of it.
export function NodeFacts({ node, undo }: { node: GraphNode; undo: boolean }) {
  const facts: [string, string][] = [["step", node.id]];
  const add = (name: string, value: string | undefined): void => { if (value) facts.push([name, value]); };
  if (undo) add("undoes it with", node.compensate);
  else {
    add("tool", node.tool);
    add("only when", node.when);
    add("for each of", node.foreach);
    if (node.foreach) add("at once", String(node.at_once ?? 1));
    add("timeout", node.timeout);
    if ((node.tries ?? 1) > 1) add("tries", String(node.tries));
    add("undone by", node.compensate);
  }
  return (
    <dl class="step-facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="mono wrap"><Text>{value}</Text></dd></div>)}
    </dl>
  );
}

const kindWords: Record<GraphNode["kind"], string> = {
  action: "An action: decided by policy, reviewed and recorded like any other.", approve: "A hold point: people agree to going on.", pass: "Does nothing; a mark in the record.",
  group: "Steps in order.", branches: "Branches, side by side.",
};

const itemsMax = 200;

export function StepPanel({ node, undo, steps, path, run, onClose, onPath, onRun }: {
  node: GraphNode; undo: boolean;
  steps?: RunStep[]; // of this run, that belong to it
  path?: string | null; run?: Run;
  onClose: () => void; onPath?: (path: string) => void; onRun?: (run: Run) => void;
}) {
  const all = steps ?? [];
  const one = all.find((step) => step.path === path) ?? (all.length === 1 ? all[0] : undefined);
  const title = undo ? `Undo ${node.name || node.id}` : node.name || node.id;
  const [more, setMore] = useState(false);
  const shown = more ? all : all.slice(0, itemsMax);
  return (
    <section class="card step-panel" aria-label="Step">
      <header class="card-head"><h2><Text>{title}</Text></h2><span class="card-aside step-close">{one && <StepTag state={one.state} />}<button type="button" class="tool" aria-label="Close" title="Close" onClick={onClose}><Icon name="cross" size={16} /></button></span></header>
      <div class="pad stack">
        <p class="small muted">{undo ? "Done when the run fails or is cancelled after this step succeeded." : kindWords[node.kind]}</p>
        <NodeFacts node={node} undo={undo} />
        {all.length > 1 && (
          <div class="step-items" role="group" aria-label="Each time it is done">
            {shown.map((step) => (
              <button key={step.path} type="button" class={`step-item node-${step.state}`} aria-pressed={step === one} onClick={() => onPath?.(step.path)}>
                <StepTag state={step.state} /> <span class="mono"><Text>{itemsOf(step.path).map((i) => `[${i}]`).join("") || step.path}</Text></span>
              </button>
            ))}
            {shown.length < all.length && <button type="button" class="link-button" onClick={() => setMore(true)}>Show all {count(all.length)}</button>}
          </div>
        )}
        {run && all.length === 0 && <p>{run.ended_at ? "It was not begun in this run." : node.kind === "group" || node.kind === "branches" ? "Open a step inside for how it stands." : "It has not begun."}</p>}
      </div>
      {one && run && <StepDetail key={one.path} step={one} isRun={!undo && !!node.tool?.startsWith("runbook.")} run={run} onRun={onRun} />}
    </section>
  );
}

function StepDetail({ step, isRun, run, onRun }: { step: RunStep; isRun: boolean; run: Run; onRun: ((run: Run) => void) | undefined }) {
  const facts = [
    step.attempt > 1 && `attempt ${step.attempt}`,
    step.duration_ms !== undefined && `took ${took(step.duration_ms / 1000)}`,
  ].filter(Boolean);
  return (
    <div class="step-detail">
      <div class="pad stack">
        <p class="small"><span class="mono wrap"><Text>{step.path}</Text></span>{facts.length > 0 && <> · {facts.join(" · ")}</>}</p>
        {step.began_at && <p class="small muted">Began <Ago at={step.began_at} exact />{step.ended_at && <>, ended <time dateTime={step.ended_at}>{exactTime(step.ended_at)}</time></>}.</p>}
        {step.reason && <Note kind={step.state === "failed" ? "bad" : step.state === "unknown" ? "warn" : "plain"}><Text lines>{step.reason}</Text></Note>}
        {step.state === "pending" && (
          <Note kind="warn">
            <p><strong>Waits for people.</strong></p>
            <Quorum needed={step.needed} words />
          </Note>
        )}
        {step.state === "unknown" && !step.resolved_by && (
          <Note kind="warn">
            <p><strong>Nobody knows how it ended.</strong> It was begun, and no outcome came back. It is not done again by itself: look at the target, then say how it ended.</p>
            {run.may.resolve && <SettleButton run={run} step={step} onRun={(next) => onRun?.(next)} />}
          </Note>
        )}
        {step.resolved_by && <p>How it ended was said by <strong><Text>{step.resolved_by}</Text></strong>.</p>}
        {step.action && (
          <p class="buttons"><a class={step.state === "pending" ? "button button-accent" : "button"} href={`/a/${encodeURIComponent(step.action)}`}>
            <Icon name={step.state === "pending" ? "person" : "next"} size={16} /> {step.state === "pending" ? "To its review" : "Its action"}</a>
            {isRun && <a class="button" href={runPath(step.action)}><Icon name="run" size={16} /> Its own run</a>}</p>
        )}
        {step.outputs !== undefined && step.outputs !== null && Object.keys(step.outputs).length > 0 && (
          <details><summary>Outputs</summary><JsonBlock value={step.outputs} label="Outputs" /></details>
        )}
      </div>
      {step.action && step.state !== "pending" && step.state !== "skipped" && <Logs id={step.action} version={`${step.state} ${step.attempt}`} />}
    </div>
  );
}

// What its action wrote, and what happened to it. Read when it is opened, and again when the step has gone on.
function Logs({ id, version }: { id: string; version: string }) {
  const [found, setFound] = useState<{ action: Action; timeline: TimelineItem[] } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let latest = true;
    Promise.all([api.action(id), api.timeline(id).catch(() => null)]).then(
      ([action, timeline]) => { if (latest) { setFound({ action, timeline: timeline?.items ?? [] }); setProblem(null); } },
      (error: unknown) => { if (latest) setProblem(asProblem(error)); });
    return () => { latest = false; };
  }, [id, version, tries]);
  if (problem) {
    return problem.status === 404
      ? <p class="pad small muted">Its action is not for you to read.</p>
      : <div class="pad"><ProblemNote problem={problem} retry={() => setTries(tries + 1)} /></div>;
  }
  if (!found) return <Loading what="what it said" />;
  const { action, timeline } = found;
  return (
    <div class="step-logs">
      {action.outcome ? <OutcomeCard outcome={action.outcome} /> : <p class="pad small muted">It has said nothing yet.</p>}
      {action.votes && action.votes.length > 0 && (
        <p class="pad small">{action.votes.map((vote, i) => <span key={i}>{i > 0 && ", "}<strong><Text>{vote.reviewer}</Text></strong> {vote.decision === "approve" ? "approved" : "denied"}{vote.note && <>: “<Text>{vote.note}</Text>”</>}</span>)}</p>
      )}
      {timeline.length > 0 && <details class="pad"><summary>{plural(timeline.length, "event")} of its action</summary><TimelineCard items={timeline} /></details>}
    </div>
  );
}
