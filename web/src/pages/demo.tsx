// The demo: real actions by a demo agent, and colleagues that are plainly simulated.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import { listen } from "../api/stream";
import type { Action, Colleague, Decision, Scenario } from "../api/types";
import { Batch } from "../batch";
import { gist } from "../list";
import { Card, Empty, Heading, Loading, Note, ProblemNote, Quorum, ResourceName, StateTag } from "../parts/pieces";
import { Text } from "../parts/text";
import { returned, useReadAt } from "../reach";
import { useStore } from "../store";
import { count, plural, towards } from "../words";
import "../style/demo.css";

const waitingShownMax = 3; // a colleague

// What became of a scenario: the action, or why there is none.
interface Result {
  id?: string;
  problem?: Problem;
}

interface Demo {
  colleagues: Colleague[];
  actions: ReadonlyMap<string, Action>;
}

async function readDemo(results: Result[]): Promise<Demo> {
  const [{ colleagues }, pending] = await Promise.all([
    api.demoState(), api.list({ state: "pending", limit: 200 }),
  ]);
  const actions = new Map(pending.items.map((action) => [action.id, action]));
  await Promise.all(results.map(async ({ id }) => {
    if (id && !actions.has(id)) actions.set(id, await api.action(id));
  }));
  return { colleagues, actions };
}

export function DemoPage() {
  const [demo, setDemo] = useState<Demo | null>(null);
  const [scenarios, setScenarios] = useState<Scenario[]>([]);
  const [results, setResults] = useState<Record<string, Result>>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState("");

  const load = useCallback(async () => {
    try {
      setDemo(await readDemo(Object.values(results)));
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, [results]);
  const again = useRef(load);
  again.current = load;
  const back = useStore(returned);
  useEffect(() => void load(), [load, back]);
  useReadAt(demo);
  useEffect(() => {
    const batch = new Batch(() => void again.current());
    const stop = listen("/v1/actions/stream", ["action"], {
      onEvent: (_type, data) => batch.add(JSON.parse(data) as Action), onLink: () => {},
    });
    return () => {
      stop();
      batch.stop();
    };
  }, []);
  useEffect(() => {
    api.demoScenarios().then(setScenarios, (error: unknown) => setProblem(asProblem(error)));
  }, []);

  const run = async (scenario: Scenario): Promise<void> => {
    setBusy(scenario.id);
    let result: Result;
    try {
      result = await api.demoRun(scenario.id);
    } catch (error) {
      result = { problem: asProblem(error) };
    }
    setResults((old) => ({ ...old, [scenario.id]: result }));
    setBusy("");
  };
  const vote = async (colleague: Colleague, id: string, decision: Decision): Promise<void> => {
    setBusy(id);
    try {
      await api.demoVote(colleague.id, id, decision);
      setSaid(`The simulated colleague ${nameOf(colleague)} ${decision === "approve" ? "approved" : "denied"}.`);
      await load();
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy("");
  };
  const colleagues = demo?.colleagues ?? [];
  const asked = colleagues.filter((colleague) => colleague.pending.length > 0);
  const idle = colleagues.filter((colleague) => colleague.pending.length === 0);

  return (
    <main id="main" class="page">
      <div class="page-head"><Heading title="Demo" /></div>
      <p class="lede">A demo agent asks for real things on a private database. You are real; the colleagues here are not.</p>
      {problem && <ProblemNote problem={problem} retry={() => void load()} />}
      <h2 class="rows-title">Let the agent ask</h2>
      <ul class="scenarios">
        {scenarios.map((scenario) => (
          <ScenarioCard key={scenario.id} scenario={scenario} busy={busy} result={results[scenario.id]}
            actions={demo?.actions} onRun={() => void run(scenario)} />
        ))}
      </ul>
      <h2 class="rows-title">Simulated colleagues</h2>
      <p class="live" role="status" aria-live="polite">{said}</p>
      {!demo && !problem && <Loading what="the colleagues" />}
      {demo && colleagues.length === 0 && <Empty title="No simulated colleagues" />}
      {asked.map((colleague) => (
        <ColleagueCard key={colleague.id} colleague={colleague} actions={demo?.actions} busy={busy}
          onVote={(id, decision) => void vote(colleague, id, decision)} />
      ))}
      {idle.length > 0 && <p class="muted">Nothing waits for <Text>{idle.map(nameOf).join(", ")}</Text>.</p>}
    </main>
  );
}

const nameOf = (colleague: Colleague): string => colleague.name ?? colleague.id;

function ScenarioCard({ scenario, busy, result, actions, onRun }: {
  scenario: Scenario; busy: string; result: Result | undefined; actions: Demo["actions"] | undefined; onRun: () => void;
}) {
  const title = scenario.title || scenario.id;
  return (
    <li class="card scenario">
      <h3><Text>{title}</Text></h3>
      <p><Text>{scenario.text}</Text></p>
      <button type="button" class="button" disabled={busy !== ""} onClick={onRun}>
        {busy === scenario.id ? "Asking…" : result ? "Ask again" : "Ask"}<span class="hidden">: {title}</span>
      </button>
      <div class="scenario-result" role="status">
        {result && <Became result={result} action={actions?.get(result.id ?? "")} />}
      </div>
    </li>
  );
}

function Became({ result, action }: { result: Result; action: Action | undefined }) {
  const { problem, id } = result;
  if (problem) {
    if (problem.status === 0 || problem.status >= 500) return <ProblemNote problem={problem} />;
    return (
      <Note kind="warn">
        <strong>Refused.</strong>
        <p><Text>{problem.detail}</Text></p>
        <p class="small muted">code <code>{problem.code}</code></p>
      </Note>
    );
  }
  const needed = (action?.needed ?? []).filter((need) => need.have < need.count);
  return (
    <>
      {action && <StateTag state={action.state} />}
      {action?.state === "pending" && (
        <p class="small">It waits for {needed.map((need, i) => (
          <span key={need.group}>{i > 0 && " and "}{count(need.count - need.have)} of <strong><Text>{need.group}</Text></strong></span>
        ))}. Nothing has run.</p>
      )}
      {action?.state === "denied" && (action.verdict?.reasons ?? []).map((reason) => (
        <p class="small" key={reason}><Text>{reason}</Text></p>
      ))}
      {action?.outcome?.row_count !== undefined && <p class="small">It ran: {plural(action.outcome.row_count, "row")}.</p>}
      <a class="small" href={`/a/${encodeURIComponent(id ?? "")}`}>Open the action</a>
    </>
  );
}

function ColleagueCard({ colleague, actions, busy, onVote }: {
  colleague: Colleague; actions: Demo["actions"] | undefined; busy: string;
  onVote: (id: string, decision: Decision) => void;
}) {
  const more = colleague.pending.length - waitingShownMax;
  return (
    <Card title={nameOf(colleague)} aside={<span class="tag tag-simulated">simulated</span>}>
      <ul class="colleague-list">
        {colleague.pending.slice(0, waitingShownMax).map((id) => {
          const action = actions?.get(id);
          const words = action ? `${action.operation} ${action.resource?.name ?? action.tool}` : id;
          const button = (decision: Decision, word: string) => (
            <button type="button" class="button" disabled={busy !== ""} onClick={() => onVote(id, decision)}>
              {word} as SIMULATED colleague<span class="hidden"> {nameOf(colleague)}: {words}</span>
            </button>
          );
          return (
            <li key={id}>
              <div class="stack">
                <a href={`/a/${encodeURIComponent(id)}`}>
                  {action
                    ? <><span class="operation"><Text>{action.operation}</Text></span> {towards(action.operation)} <ResourceName resource={action.resource} /></>
                    : <code><Text>{id}</Text></code>}
                </a>
                {action && <span class="row-gist mono"><Text>{gist(action.args)}</Text></span>}
                {action?.reason && <span class="muted small">“<Text>{action.reason}</Text>”</span>}
                <Quorum needed={action?.needed} />
              </div>
              <div class="colleague-votes">{button("approve", "Approve")}{button("deny", "Deny")}</div>
            </li>
          );
        })}
      </ul>
      {more > 0 && <p class="pad small muted">{plural(more, "more request waits", "more requests wait")} for {nameOf(colleague)}.</p>}
    </Card>
  );
}
