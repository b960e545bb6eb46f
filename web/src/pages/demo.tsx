// The demo: real actions by a demo agent, and colleagues that are plainly simulated.

import { useCallback, useEffect, useState } from "preact/hooks";
import { Problem } from "../api/client";
import { api } from "../api/routes";
import type { Action, Colleague, Decision, Scenario } from "../api/types";
import { inbox } from "../inbox";
import { Card, Empty, Heading, Loading, Note, ProblemNote, Quorum, ResourceName } from "../parts/pieces";
import { Text } from "../parts/text";
import { useStore } from "../store";
import { towards } from "../words";

const known: Record<string, [title: string, text: string]> = {
  select: ["Read a few orders", "A SELECT. Policy allows it; it runs at once."],
  drop: ["Drop a table", "DROP TABLE orders_2019. It needs you and a colleague."],
  delete: ["Delete without WHERE", "The policy denies it, whoever asks."],
  lie: ["Lie about being a read", "An UPDATE that calls itself a read. Keyturn classifies it itself, and catches it."],
};

const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem(0, "", "That did not work", String(error));

export function DemoPage() {
  const [colleagues, setColleagues] = useState<Colleague[] | null>(null);
  const [scenarios, setScenarios] = useState<Scenario[]>([]);
  const [actions, setActions] = useState<Map<string, Action>>(new Map());
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, setAsked] = useState<{ id: string; scenario: string } | null>(null);
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState("");
  const waiting = useStore(inbox);

  const load = useCallback(async () => {
    try {
      const state = await api.demoState();
      const ids = [...new Set(state.colleagues.flatMap((colleague) => colleague.pending))];
      const read = await Promise.all(ids.map((id) => api.action(id).catch(() => null)));
      setActions(new Map(read.flatMap((action) => (action ? [[action.id, action]] : []))));
      setColleagues(state.colleagues);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, []);
  useEffect(() => void load(), [load, waiting.items]);
  useEffect(() => {
    api.demoScenarios().then(setScenarios, () => setScenarios(
      Object.keys(known).map((id) => ({ id, title: "", text: "" }))));
  }, []);

  const act = async (key: string, work: () => Promise<void>): Promise<void> => {
    setBusy(key);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy("");
      await load();
    }
  };
  const run = (scenario: Scenario): Promise<void> => act(scenario.id, async () => {
    const { id } = await api.demoRun(scenario.id);
    setAsked({ id, scenario: scenario.title || known[scenario.id]?.[0] || scenario.id });
  });
  const vote = (colleague: Colleague, id: string, decision: Decision): Promise<void> =>
    act(`${colleague.id} ${id} ${decision}`, async () => {
      await api.demoVote(colleague.id, id, decision);
      setSaid(`The simulated colleague ${colleague.name ?? colleague.id} ${decision === "approve" ? "approved" : "denied"}.`);
    });

  return (
    <main id="main" class="page">
      <div class="page-head"><Heading title="Demo" /></div>
      <p class="lede">A demo agent asks for real things on a private database. You are real; the colleagues here are not.</p>
      {problem && <ProblemNote problem={problem} />}
      <p class="live" role="status" aria-live="polite">{said}</p>
      {asked && (
        <Note kind="good">
          <p>The demo agent asked: {asked.scenario}. <a href={`/a/${encodeURIComponent(asked.id)}`}>Open the action</a></p>
        </Note>
      )}
      <h2 class="rows-title">Let the agent ask</h2>
      <ul class="scenarios">
        {scenarios.map((scenario) => (
          <li key={scenario.id} class="card scenario">
            <h3><Text>{scenario.title || known[scenario.id]?.[0] || scenario.id}</Text></h3>
            <p><Text>{scenario.text || known[scenario.id]?.[1] || ""}</Text></p>
            <button type="button" class="button" disabled={busy !== ""} onClick={() => void run(scenario)}>
              {busy === scenario.id ? "Asking…" : "Ask"}<span class="hidden">: {scenario.title || scenario.id}</span>
            </button>
          </li>
        ))}
      </ul>
      <h2 class="rows-title">Simulated colleagues</h2>
      {!colleagues && !problem && <Loading what="the colleagues" />}
      {colleagues?.length === 0 && <Empty title="No simulated colleagues" />}
      {(colleagues ?? []).map((colleague) => (
        <Card key={colleague.id} title={colleague.name ?? colleague.id}
          aside={<span class="tag tag-simulated">simulated</span>}>
          {colleague.pending.length === 0 && <p class="pad muted">Nothing waits for this colleague.</p>}
          <ul class="colleague-list">
            {colleague.pending.map((id) => {
              const action = actions.get(id);
              const words = action ? `${action.operation} ${action.resource?.name ?? action.tool}` : id;
              return (
                <li key={id}>
                  <div class="stack">
                    <a href={`/a/${encodeURIComponent(id)}`}>
                      {action
                        ? <><span class="operation"><Text>{action.operation}</Text></span> {towards(action.operation)} <ResourceName resource={action.resource} /></>
                        : <code><Text>{id}</Text></code>}
                    </a>
                    {action?.reason && <span class="muted small">“<Text>{action.reason}</Text>”</span>}
                    <Quorum needed={action?.needed} />
                  </div>
                  <div class="colleague-votes">
                    <button type="button" class="button" disabled={busy !== ""}
                      onClick={() => void vote(colleague, id, "approve")}>
                      Approve as SIMULATED colleague<span class="hidden"> {colleague.name ?? colleague.id}: {words}</span>
                    </button>
                    <button type="button" class="button" disabled={busy !== ""}
                      onClick={() => void vote(colleague, id, "deny")}>
                      Deny as SIMULATED colleague<span class="hidden"> {colleague.name ?? colleague.id}: {words}</span>
                    </button>
                  </div>
                </li>
              );
            })}
          </ul>
        </Card>
      ))}
    </main>
  );
}
