import { useEffect, useState } from "preact/hooks";
import { asProblem, Problem } from "../api/client";
import { api } from "../api/routes";
import type { LedgerHead } from "../api/types";
import { toHex } from "../verify/bytes";
import { checkInclusion, type Inclusion } from "../verify/log";
import { CheckList } from "./checks";
import { Card, JsonBlock, ProblemNote } from "./pieces";
import { Text } from "./text";

async function prove(index: number, head: LedgerHead): Promise<Inclusion> {
  const [entries, proof] = await Promise.all([
    api.entries(index, 1), api.proof(index, head.size),
  ]);
  const entry = entries.items.find((item) => item.index === index);
  if (!entry) throw new Problem(404, "", "No such entry", `The ledger has ${head.size} entries; the first is 0.`);
  // Against the checkpoint that this page checked: the log may have grown since, and signed a newer one.
  return checkInclusion(index, entry.leaf, { ...proof, checkpoint: head.checkpoint }, head.vkey);
}

export function EntryProof({ index, head }: { index: number; head: LedgerHead }) {
  const [result, setResult] = useState<Inclusion | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let alive = true;
    prove(index, head).then(
      (found) => { if (alive) setResult(found); },
      (error: unknown) => {
        if (alive) {
          setProblem(asProblem(error));
        }
      });
    return () => { alive = false; };
  }, [index, head]);

  const proven = !!result && result.checks.every((check) => check.outcome === "good");
  const broken = !!result && result.checks.some((check) => check.outcome === "bad");
  return (
    <Card title={`Entry ${index}`} id="entry"
      aside={result && (
        <span class={proven ? "seal seal-good" : broken ? "seal seal-bad" : "seal"} role="status">
          {proven ? "proven to be in the ledger" : broken ? "NOT proven" : "partly checked"}
        </span>
      )}>
      <div class="pad stack">
        {problem ? <ProblemNote problem={problem} />
          : <CheckList checks={result?.checks ?? null} waiting="Verifying in this browser" />}
        {result && <Leaf bytes={result.leaf} />}
        {result && result.steps.length > 0 && (
          <details>
            <summary>The path from the entry to the root, {result.steps.length} steps</summary>
            <ol class="path">
              {result.steps.map((step, i) => (
                <li key={i}>
                  <span class="path-side">sibling on the {step.side}</span>
                  <code class="wrap">{toHex(step.sibling)}</code>
                  <span class="path-gives">gives</span>
                  <code class="wrap">{toHex(step.hash)}</code>
                </li>
              ))}
            </ol>
          </details>
        )}
        {proven && (
          <p class="small muted">This proves that the entry is in the ledger and unchanged. It does not prove that what
            the entry says was true, nor that every action went through Keyturn.</p>
        )}
      </div>
    </Card>
  );
}

function Leaf({ bytes }: { bytes: Uint8Array }) {
  const text = new TextDecoder().decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return <pre class="code" tabIndex={0} role="region" aria-label="Entry"><Text lines>{text}</Text></pre>;
  }
  const stream = value && typeof value === "object" ? (value as { stream?: unknown }).stream : undefined;
  const action = typeof stream === "string" ? /^action\/(act_[^/]+)$/.exec(stream)?.[1] : undefined;
  return (
    <>
      {action && (
        <p class="small"><a href={`/a/${encodeURIComponent(action)}`}>Open the action that it is about</a></p>
      )}
      <JsonBlock value={value} label="Entry" />
    </>
  );
}
