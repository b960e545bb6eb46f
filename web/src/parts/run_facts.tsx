// What a run says of itself beside its steps: what it waits for, who settled what, and the last that a program said.

import { useEffect, useState } from "preact/hooks";
import { api } from "../api/routes";
import type { Resolution, Run, Settled } from "../api/runs";
import { Ago, Card } from "./pieces";
import { runPath } from "./run_words";
import { Text } from "./text";

// A lock, or its turn among the runs of its runbook, and who has it.
export function Turn({ waits }: { waits: NonNullable<Run["waits_for"]>[number] }) {
  return (
    <p>
      It waits for {waits.lock ? <>the lock <strong class="mono"><Text>{waits.lock}</Text></strong></> : <strong>its turn</strong>}
      {waits.held_by.length > 0 && <>, {waits.lock ? "which is held by" : "behind"} {waits.held_by.map((id, i) => <span key={id}>{i > 0 && " and "}<a href={runPath(id)}>run <code><Text>{id}</Text></code></a></span>)}</>}.
    </p>
  );
}

const settledWords: Record<Settled, string> = { succeeded: "it succeeded", failed: "it failed", again: "do it again" };

export function Resolutions({ all, onOpen }: { all: Resolution[]; onOpen: (path: string) => void }) {
  if (all.length === 0) return null;
  return (
    <Card title="Settled by people">
      <div class="pad stack">
        {all.map((one) => (
          <p key={`${one.step} ${one.attempt}`}>
            <strong><Text>{one.by}</Text></strong> said of <button type="button" class="link-button" onClick={() => onOpen(one.step)}><Text>{one.step}</Text></button>
            {one.attempt > 1 && `, attempt ${one.attempt}`}: <strong>{settledWords[one.outcome] ?? one.outcome}</strong>. “<Text lines>{one.note}</Text>” <span class="small muted"><Ago at={one.at} exact /></span>
          </p>
        ))}
      </div>
    </Card>
  );
}

const linesMax = 5;

// The end of what it wrote on stderr, where its action may be read.
export function LastWords({ id }: { id: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    let latest = true;
    api.action(id).then((action) => {
      if (latest) setSaid((action.outcome?.stderr ?? "").trimEnd().split("\n").slice(-linesMax).join("\n"));
    }, () => {});
    return () => { latest = false; };
  }, [id]);
  return said ? <pre class="code last-words" tabIndex={0} role="region" aria-label="The last it said"><Text lines>{said}</Text></pre> : null;
}
