// One runbook: what it does as a picture, a form that starts it, and its runs.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { runs, type Runbook } from "../api/runs";
import { Icon } from "../parts/icon";
import { Card, Empty, Heading, Loading, ProblemNote } from "../parts/pieces";
import { focusNode, RunPicture } from "../parts/run_picture";
import { RunRows } from "../parts/run_rows";
import { StartCard } from "../parts/run_start";
import { StepPanel } from "../parts/run_step";
import { Text } from "../parts/text";
import { returned } from "../reach";
import { allNodes, triggerWords } from "../run_graph";
import { useStore } from "../store";
import { count, exactTime, plural } from "../words";
import { noRunsWords, reviewWords, Shown, type WhichRuns } from "./runbooks";

export function RunbookPage({ name }: { name: string }) {
  const [found, setFound] = useState<Runbook | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const back = useStore(returned);
  const load = useCallback(() => runs.runbook(name).then(
    (one) => { setFound(one); setProblem(null); }, (error: unknown) => setProblem(asProblem(error))), [name]);
  useEffect(() => void load(), [back, load]);
  return (
    <main id="main" class="page">
      <p class="crumb"><a href="/runbooks"><Icon name="back" size={14} /> Runbooks</a></p>
      {found ? <Whole key={found.digest} runbook={found} />
        : problem?.status === 404 ? (
          <>
            <Heading title="No such runbook" />
            <Empty title="Nothing to see here"><p>There is no runbook <code><Text>{name}</Text></code> in the configuration in force.</p></Empty>
          </>
        ) : problem ? <><Heading title="Runbook" /><ProblemNote problem={problem} retry={() => void load()} /></>
          : <><Heading title="Runbook" /><Loading what="it" /></>}
    </main>
  );
}

function Whole({ runbook }: { runbook: Runbook }) {
  const [selected, setSelected] = useState<string | null>(null);
  const [shown, setShown] = useState<WhichRuns>("all");
  const graph = runbook.graph ?? [];
  const nodes = useMemo(() => new Map(allNodes(graph).map((node) => [node.id, node])), [graph]);
  const undo = selected?.endsWith("~compensate") ?? false;
  const node = nodes.get(undo ? selected!.slice(0, -"~compensate".length) : selected ?? "");
  return (
    <>
      <div class="page-head"><Heading title={runbook.name}><span class="mono"><Text>{runbook.name}</Text></span></Heading><a class="button button-accent" href="#start" onClick={(event) => {
        event.preventDefault();
        const start = document.getElementById("start");
        start?.scrollIntoView({ block: "start" });
        start?.querySelector<HTMLElement>("input, select, textarea")?.focus({ preventScroll: true });
      }}><Icon name="run" size={16} /> Start it</a></div>
      {runbook.description && <p class="lede"><Text lines>{runbook.description}</Text></p>}
      <p class="run-about small muted">
        {plural(runbook.steps, "step")} · {reviewWords[runbook.review] ?? runbook.review}{runbook.revision !== undefined && ` · revision ${count(runbook.revision)}`} · tool <span class="mono"><Text>{runbook.tool}</Text></span>
        {(runbook.triggers ?? []).map((trigger, i) => <span key={i}> · started <Text>{triggerWords(trigger)}</Text>{trigger.next && `, next ${exactTime(trigger.next)}`}</span>)}
      </p>
      <div class={node ? "run-grid" : "run-grid run-grid-alone"}>
        <Card title="What it does">
          <RunPicture graph={graph} about={`Steps of ${runbook.name}`} selected={selected} onSelect={(key) => setSelected(key === selected ? null : key)} />
        </Card>
        {node && <aside class="run-rail"><StepPanel key={selected} node={node} undo={undo} onClose={() => { setSelected(null); focusNode(selected!); }} /></aside>}
      </div>
      <StartCard runbook={runbook} />
      <Card title="Its runs" aside={<Shown shown={shown} onShown={setShown} />}>
        <RunRows named={false} query={{ runbook: runbook.name, ...(shown !== "all" && { state: shown }) }} empty={shown === "all" ? "It was not run yet." : noRunsWords(shown)} />
      </Card>
    </>
  );
}
