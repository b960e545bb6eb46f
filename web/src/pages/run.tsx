// One run: how it stands, as a picture that lives, whom it waits for, and what each step said.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { asProblem, parseExact, type Problem } from "../api/client";
import { runs, runStream, type Run, type RunStep } from "../api/runs";
import { listen } from "../api/stream";
import { Icon } from "../parts/icon";
import { Ago, Card, Empty, Heading, JsonBlock, Loading, Note, ProblemNote } from "../parts/pieces";
import { RunActs } from "../parts/run_acts";
import { LastWords, Resolutions, Turn } from "../parts/run_facts";
import { focusNode, RunPicture } from "../parts/run_picture";
import { StepPanel } from "../parts/run_step";
import { TimingCard } from "../parts/run_timing";
import { RunTag, runbookPath, runPath, Starter, Took } from "../parts/run_words";
import { Text } from "../parts/text";
import { returned } from "../reach";
import { go, place } from "../router";
import { pulse } from "../session";
import { allNodes, placeOf, standings } from "../run_graph";
import { useStore } from "../store";
import { count } from "../words";

// The stream tells the whole run each time. It is closed while the tab is hidden, and when the run has ended.
function useRun(id: string): { run: Run | null; problem: Problem | null; reload: () => void; take: (run: Run) => void } {
  const [run, setRun] = useState<Run | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const alive = useRef(id);
  alive.current = id;
  const over = run !== null && !run.open;
  const beat = useStore(pulse);
  const take = useCallback((next: Run) => {
    if (alive.current !== id) return;
    setRun(next);
    setProblem(null);
  }, [id]);
  const reload = useCallback(() => {
    runs.one(id).then(take, (error: unknown) => { if (alive.current === id) setProblem(asProblem(error)); });
  }, [id, take]);
  useEffect(() => {
    setRun(null);
    setProblem(null);
    reload();
    return returned.watch(reload); // a read can have failed while the stream stood
  }, [id, reload]);
  useEffect(() => {
    if (over) return;
    let stop: (() => void) | undefined;
    const told = (_type: string, data: string): void => {
      try {
        take(parseExact(data) as Run);
      } catch {
        reload();
      }
    };
    const follow = (): void => {
      stop?.();
      stop = undefined;
      if (document.visibilityState !== "hidden") stop = listen(runStream(id), ["run"], { onEvent: told, onLink: () => {} });
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      stop?.();
    };
  }, [id, over]);
  // A vote for one of its steps is no news of the run.
  useEffect(() => { if (beat > 0 && !over) reload(); }, [beat]);
  return { run: run?.id === id ? run : null, problem, reload, take };
}

export function RunPage({ id }: { id: string }) {
  const { run, problem, reload, take } = useRun(id);
  return (
    <main id="main" class="page run-page">
      {run ? <Whole run={run} problem={problem} reload={reload} onRun={take} /> : (
        <>
          <p class="crumb"><a href="/runbooks"><Icon name="back" size={14} /> Runbooks</a></p>
          {problem?.status === 404 ? (
            <>
              <Heading title="No such run" />
              <Empty title="Nothing to see here"><p>There is no run <code><Text>{id}</Text></code>, or it is not yours to read.</p></Empty>
            </>
          ) : problem ? <><Heading title="The run could not be read" /><ProblemNote problem={problem} retry={reload} /></>
            : <><Heading title="Run" /><Loading what="the run" /></>}
        </>
      )}
    </main>
  );
}

// What is to be looked at, of those that it waits for.
const waitingFor = (run: Run): RunStep[] => (run.steps ?? []).filter((step) => step.state === "pending" || (step.state === "unknown" && !step.resolved_by));

function Whole({ run, problem, reload, onRun }: { run: Run; problem: Problem | null; reload: () => void; onRun: (run: Run) => void }) {
  const { search } = useStore(place);
  const [said, setSaid] = useState("");
  const over = !run.open;
  const graph = run.graph ?? [];
  const shape = JSON.stringify(graph);
  const nodes = useMemo(() => new Map(allNodes(graph).map((node) => [node.id, node])), [shape]);
  const stands = useMemo(() => standings(graph, run.steps ?? [], over), [run]);
  const path = new URLSearchParams(search).get("step"); // of a step, or the key of a node
  const key = path === null ? null : placeOf(path);
  const undo = key?.endsWith("~compensate") ?? false;
  const node = nodes.get(undo ? key!.slice(0, -"~compensate".length) : key ?? "");
  const open = (step: string): void => go(`/runs/${encodeURIComponent(run.id)}${step ? `?${new URLSearchParams({ step })}` : ""}`, true);
  const done = (next: Run, words = ""): void => {
    setSaid(words);
    onRun(next);
  };
  return (
    <>
      <p class="crumb"><a href={runbookPath(run.runbook)}><Icon name="back" size={14} /> <span class="mono"><Text>{run.runbook}</Text></span></a></p>
      <header class="run-head">
        <div class="case-status"><RunTag state={run.state} /> <Took run={run} /></div>
        <Heading title={`Run of ${run.runbook}`}>Run of <span class="mono operation"><Text>{run.runbook}</Text></span></Heading>
        <p class="case-by">started by <Starter run={run} /> <Ago at={run.started_at ?? run.asked_at} exact /> · <a href={`/a/${encodeURIComponent(run.id)}`}>its action <code><Text>{run.id}</Text></code></a></p>
        {run.part_of && <p class="case-by">A step of <a href={runPath(run.part_of.run, run.part_of.step)}>another run</a>: <span class="mono"><Text>{run.part_of.step}</Text></span></p>}
        {run.asked_for && <blockquote class="reason"><Text lines>{run.asked_for}</Text></blockquote>}
        {run.paused_by && run.paused && <p>Paused by <strong><Text>{run.paused_by}</Text></strong>{run.paused_with && <>, with <a href={runPath(run.paused_with)}>the run that it is a step of</a></>}.</p>}
        {run.cancelled_by && <p>Cancelled by <strong><Text>{run.cancelled_by}</Text></strong>{run.cancel_reason && <>: “<Text>{run.cancel_reason}</Text>”</>}</p>}
      </header>
      {problem && <ProblemNote problem={problem} retry={reload} />}
      <p class="live" role="status" aria-live="polite">{said}</p>
      <Why run={run} onOpen={open} />
      <Waiting run={run} onOpen={open} />
      <RunActs run={run} onRun={done} />
      {graph.length > 0 && <div class={node ? "run-grid" : "run-grid run-grid-alone"}>
        <Card title="Steps" aside={<Legend />}>
          <RunPicture graph={graph} about={`Steps of this run of ${run.runbook}`} standings={stands} state={run.state} selected={key}
            onSelect={(to) => open(to === key ? "" : stands.get(to)?.steps.length === 1 ? stands.get(to)!.steps[0]!.path : to)} />
        </Card>
        {node && (
          <aside class="run-rail" aria-label="The step that is open">
            <StepPanel key={key} node={node} undo={undo} steps={stands.get(key!)?.steps ?? []} path={path} run={run} onPath={open} onClose={() => { open(""); focusNode(key!); }} onRun={(next) => done(next, "How it ended is recorded.")} />
          </aside>
        )}
      </div>}
      <TimingCard run={run} selected={path} onPath={open} />
      <Resolutions all={run.resolutions ?? []} onOpen={open} />
      <div class="run-values">
        {run.inputs !== undefined && <Card title="Inputs"><JsonBlock value={run.inputs} label="Inputs" /></Card>}
        {run.outputs !== undefined && run.outputs !== null && Object.keys(run.outputs).length > 0 && <Card title="Outputs"><JsonBlock value={run.outputs} label="Outputs" /></Card>}
      </div>
      {run.digest && <p class="small muted wrap">Of the runbook with digest <code><Text>{run.digest}</Text></code>, which it began with and goes on with.</p>}
    </>
  );
}

const shownMax = 5;

// Why it failed, with the step that did.
function Why({ run, onOpen }: { run: Run; onOpen: (path: string) => void }) {
  if (!run.reason || run.state === "succeeded" || run.cancelled_by) return null;
  const step = (run.steps ?? []).find((one) => one.state === "failed" && !one.path.endsWith("~compensate"));
  return (
    <Note kind="bad">
      <p><Text lines>{run.reason}</Text></p>
      {step && <p>At step <button type="button" class="link-button" onClick={() => onOpen(step.path)}><Text>{step.name || step.path}</Text></button></p>}
      {step?.action && <LastWords id={step.action} />}
    </Note>
  );
}

// What it waits for, before everything else.
function Waiting({ run, onOpen }: { run: Run; onOpen: (path: string) => void }) {
  const waits = waitingFor(run);
  const asked = run.state === "pending" || run.state === "deferred";
  const turn = run.waits_for ?? [];
  if (!asked && waits.length === 0 && turn.length === 0 && !run.held_up) return null;
  return (
    <Note kind="warn">
      {asked && <p><strong>It has not begun:</strong> people have to agree to its start. <a href={`/a/${encodeURIComponent(run.id)}`}>To its review</a></p>}
      {turn.map((one, i) => <Turn key={i} waits={one} />)}
      {run.held_up && <p><strong><Text>{run.held_up.step}</Text></strong> cannot be asked for yet, and is tried again by itself: <Text>{run.held_up.message}</Text></p>}
      {waits.slice(0, shownMax).map((step) => (
        <p key={step.path}>
          {step.state === "pending" ? (
            <>
              <strong><Text>{step.name || step.path}</Text></strong> waits for{" "}
              {(step.needed ?? []).filter((need) => need.have < need.count).map((need, i) => <span key={need.group}>{i > 0 && " and "}{count(need.count - need.have)} of <strong><Text>{need.group}</Text></strong></span>)}
              {!(step.needed ?? []).some((need) => need.have < need.count) && "people"}
              {step.action && <>. <a href={`/a/${encodeURIComponent(step.action)}`}>To its review</a></>}
            </>
          ) : <>Nobody knows how <strong><Text>{step.name || step.path}</Text></strong> ended. <button type="button" class="link-button" onClick={() => onOpen(step.path)}>Look at it</button></>}
        </p>
      ))}
      {waits.length > shownMax && <p>And {count(waits.length - shownMax)} more.</p>}
    </Note>
  );
}

const Legend = () => <span class="small muted wide-only">open a step for what it said; arrow keys go from one to the next</span>;
