// The ledger, checked here: in this browser, by WebCrypto, against what this browser remembers.

import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import type { LedgerEntry, LedgerHead } from "../api/types";
import { moveRow, useKeys } from "../keys";
import { CheckList } from "../parts/checks";
import { EntryProof } from "../parts/entry_proof";
import { Icon } from "../parts/icon";
import { Card, Copy, Empty, Heading, Loading, Note, ProblemNote } from "../parts/pieces";
import { Text } from "../parts/text";
import { returned, useReadAt } from "../reach";
import { go, place } from "../router";
import { useStore } from "../store";
import { fromBase64 } from "../verify/bytes";
import { checkConsistency, checkSignature, type Check } from "../verify/log";
import { memory } from "../verify/memory";
import { parseCheckpoint } from "../verify/note";
import { toHex } from "../verify/bytes";
import { count, exactTime, plural } from "../words";
import "../style/ledger.css";

const pageSize = 25;

export interface LeafWords {
  type: string;
  time: string;
  stream: string;
}

export function leafWords(leaf: string): LeafWords {
  try {
    const value = JSON.parse(new TextDecoder().decode(fromBase64(leaf))) as Record<string, unknown>;
    const word = (...names: string[]): string => {
      const found = names.map((name) => value[name]).find((x) => typeof x === "string");
      return typeof found === "string" ? found : "";
    };
    return { type: word("type"), time: word("time", "at"), stream: word("stream") };
  } catch {
    return { type: "not JSON", time: "", stream: "" };
  }
}

// Checks the head against its key and against what was seen before; remembers it only when both hold.
async function checkHead(head: LedgerHead): Promise<Check[]> {
  try {
    const checkpoint = parseCheckpoint(head.checkpoint);
    const signature = await checkSignature(checkpoint, head.vkey);
    const consistency = await checkConsistency(
      memory.seen(head.origin), checkpoint, head.vkey,
      async (from, to) => (await api.consistency(from, to)).proof);
    if (signature.outcome !== "bad" && consistency.outcome !== "bad") {
      memory.remember(head.origin, {
        size: checkpoint.size, root: toHex(checkpoint.root), vkey: head.vkey,
        at: new Date().toISOString(),
      });
    }
    return [signature, consistency];
  } catch (error) {
    return [{
      name: "The checkpoint can be read", outcome: "bad",
      detail: error instanceof Error ? error.message : String(error),
    }];
  }
}

export function LedgerPage() {
  const { search } = useStore(place);
  const entryText = new URLSearchParams(search).get("entry");
  const entry = entryText !== null && /^\d{1,15}$/.test(entryText) ? Number(entryText) : null;
  const [head, setHead] = useState<LedgerHead | null>(null);
  const [checks, setChecks] = useState<Check[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const load = async (): Promise<void> => {
    setProblem(null);
    try {
      const now = await api.ledger();
      setHead(now);
      setChecks(null);
      setChecks(await checkHead(now));
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const back = useStore(returned);
  useEffect(() => void load(), [back]);
  useReadAt(head);
  useKeys({ j: () => moveRow(1), k: () => moveRow(-1) });

  return (
    <main id="main" class="page">
      <div class="page-head">
        <Heading title="Ledger" />
        {head && <button type="button" class="button" onClick={() => void load()}>Check again</button>}
      </div>
      <p class="lede">Every decision, vote and outcome, in a tree that only grows. What is checked here is checked
        in this browser.</p>
      {problem && <ProblemNote problem={problem} retry={() => void load()} />}
      {!head && !problem && <Loading what="the ledger" />}
      {head && (
        <>
          <HeadCard head={head} checks={checks} onForget={() => { memory.forget(head.origin); void load(); }} />
          {entry !== null && <EntryProof key={entry} index={entry} head={head} />}
          <Entries head={head} selected={entry} />
        </>
      )}
    </main>
  );
}

function HeadCard({ head, checks, onForget }: {
  head: LedgerHead; checks: Check[] | null; onForget: () => void;
}) {
  const alarm = checks?.some((check) => check.outcome === "bad") ?? false;
  return (
    <Card title="Checkpoint" aside={<span class="card-aside">{plural(head.size, "entry", "entries")}</span>}>
      <div class="pad stack">
        <CheckList checks={checks} waiting="Checking the checkpoint" />
        {alarm && (
          <Note kind="bad">
            <p><strong>This ledger does not fit what it should be.</strong> Keep this page open, tell whoever runs
              Keyturn, and compare with a witness or with an earlier copy. This browser goes on remembering what it
              saw before.</p>
            <button type="button" class="button button-small" onClick={onForget}>Forget what this browser saw</button>
          </Note>
        )}
        <KeyCompare head={head} />
        <details>
          <summary>The checkpoint's text</summary>
          <pre class="code" tabIndex={0} role="region" aria-label="Checkpoint"><Text lines>{head.checkpoint}</Text></pre>
        </details>
      </div>
    </Card>
  );
}

function KeyCompare({ head }: { head: LedgerHead }) {
  const [pasted, setPasted] = useState(() => memory.trustedKey(head.origin));
  const text = pasted.trim();
  const same = text === head.vkey.trim();
  const change = (value: string): void => {
    setPasted(value);
    memory.setTrustedKey(head.origin, value.trim());
  };
  return (
    <div class="key-compare">
      <p class="small"><strong>The ledger's key</strong>, as this server gives it:</p>
      <p class="key-line"><code class="wrap"><Text>{head.vkey}</Text></code> <Copy text={head.vkey} what="the key" /></p>
      <label class="field-label">
        <span>The key that you were given another way (the last line of <code>keyturn init</code>)</span>
        <input type="text" class="mono" spellcheck={false} autocomplete="off" value={pasted}
          onInput={(event) => change(event.currentTarget.value)} />
      </label>
      <p class={text && !same ? "small bad" : "small muted"} aria-live="polite">
        {!text
          ? "A key that comes from the same server proves little: a server that lies would show its own. Compare it."
          : same
            ? "They are the same. This browser remembers the key that you gave."
            : "They differ. Do not trust what this page says about this ledger."}
      </p>
    </div>
  );
}

function Entries({ head, selected }: { head: LedgerHead; selected: number | null }) {
  const newest = Math.max(0, head.size - pageSize);
  const [from, setFrom] = useState(
    selected === null ? newest : Math.min(newest, Math.max(0, selected - Math.floor(pageSize / 2))));
  const [items, setItems] = useState<LedgerEntry[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let alive = true;
    api.entries(from, Math.min(pageSize, Math.max(1, head.size - from))).then(
      (page) => {
        if (!alive) return;
        setItems([...page.items].sort((a, b) => b.index - a.index));
        setProblem(null);
      },
      (error: unknown) => { if (alive) setProblem(asProblem(error)); });
    return () => { alive = false; };
  }, [from, head]);

  return (
    <Card title="Entries" aside={<Jump size={head.size} />}>
      {problem && <div class="pad"><ProblemNote problem={problem} /></div>}
      {!items && !problem && <Loading what="entries" />}
      {items?.length === 0 && <Empty title="No entries yet" />}
      {items && items.length > 0 && (
        <ol class="entries">
          {items.map((item) => {
            const words = leafWords(item.leaf);
            return (
              <li key={item.index}>
                <a data-row href={`/ledger?entry=${item.index}`} class={item.index === selected ? "entry current" : "entry"}
                  aria-current={item.index === selected ? "true" : undefined}>
                  <span class="entry-index digits">{count(item.index)}</span>
                  <span class="entry-type"><Text>{words.type || "?"}</Text></span>
                  <span class="entry-stream mono"><Text>{words.stream}</Text></span>
                  <span class="entry-time muted">{words.time && exactTime(words.time)}</span>
                </a>
              </li>
            );
          })}
        </ol>
      )}
      {head.size > pageSize && (
        <nav class="pager" aria-label="Pages of entries">
          <button type="button" class="button button-small" disabled={from >= newest}
            onClick={() => setFrom(Math.min(newest, from + pageSize))}>
            <Icon name="back" size={14} /> Newer
          </button>
          <span class="digits">{count(from)} to {count(Math.min(head.size, from + pageSize) - 1)}</span>
          <button type="button" class="button button-small" disabled={from === 0}
            onClick={() => setFrom(Math.max(0, from - pageSize))}>
            Older <Icon name="next" size={14} />
          </button>
        </nav>
      )}
    </Card>
  );
}

function Jump({ size }: { size: number }) {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const value = new FormData(event.currentTarget as HTMLFormElement).get("entry");
    if (typeof value === "string" && /^\d+$/.test(value) && Number(value) < size) go(`/ledger?entry=${value}`);
  };
  return (
    <form class="jump" onSubmit={submit}>
      <label>
        <span class="hidden">Go to entry</span>
        <input type="number" name="entry" min={0} max={Math.max(0, size - 1)} placeholder="entry" required />
      </label>
      <button type="submit" class="button button-small">Verify</button>
    </form>
  );
}
