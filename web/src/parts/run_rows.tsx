// Runs as a list, the newest first: read by pages, and read again when something happens.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { runs, type RunQuery, type RunSummary } from "../api/runs";
import { returned, useReadAt } from "../reach";
import { pulse } from "../session";
import { useStore } from "../store";
import { gist } from "../list";
import { plural } from "../words";
import { Ago, Loading, ProblemNote } from "./pieces";
import { RunTag, runPath, Starter, Took } from "./run_words";
import { Text } from "./text";

const pageSize = 25;

interface Listed {
  items: RunSummary[] | null;
  next: string | null;
  busy: boolean;
  problem: Problem | null;
}

const unread: Listed = { items: null, next: null, busy: false, problem: null };

function useRuns(query: RunQuery): Listed & { more: () => void; again: () => void } {
  const wanted = JSON.stringify(query);
  const [now, setNow] = useState<Listed & { of: string }>({ ...unread, of: wanted });
  const mark = useRef(0);
  const shown = useRef(pageSize);
  const back = useStore(returned);
  const beat = useStore(pulse);
  // As many as are shown, from the newest.
  const read = useCallback(async () => {
    const mine = ++mark.current;
    try {
      let items: RunSummary[] = [];
      let next: string | null = null;
      do {
        const page: { items: RunSummary[]; next?: string | null } = await runs.list({ ...JSON.parse(wanted) as RunQuery, limit: pageSize, ...(next ? { after: next } : {}) });
        items = [...items, ...page.items];
        next = page.next ?? null;
      } while (next && items.length < shown.current);
      if (mine === mark.current) setNow({ of: wanted, items, next, busy: false, problem: null });
    } catch (error) {
      if (mine === mark.current) setNow((old) => ({ ...old, of: wanted, items: old.of === wanted ? old.items : null, busy: false, problem: asProblem(error) }));
    }
  }, [wanted]);
  const last = useRef(wanted);
  useEffect(() => {
    if (last.current !== wanted) shown.current = pageSize;
    last.current = wanted;
    void read();
  }, [wanted, back, beat]);
  const more = (): void => {
    shown.current += pageSize;
    setNow((old) => ({ ...old, busy: true }));
    void read();
  };
  return { ...(now.of === wanted ? now : unread), more, again: () => void read() };
}

export function RunRows({ query, named, empty }: {
  query: RunQuery;
  named: boolean; // of several runbooks: each row says which
  empty: string;
}) {
  const { items, next, busy, problem, more, again } = useRuns(query);
  useReadAt(items);
  if (!items) return problem ? <div class="pad"><ProblemNote problem={problem} retry={again} /></div> : <Loading what="runs" />;
  return (
    <>
      {problem && <div class="pad"><ProblemNote problem={problem} retry={again} /></div>}
      {items.length === 0 ? <p class="pad muted">{empty}</p> : (
        <ul class="run-rows" aria-label="Runs">{items.map((run) => <Row key={run.id} run={run} named={named} />)}</ul>
      )}
      <p class="more" role="status">
        {next ? <button type="button" class="button" disabled={busy} onClick={more}>{busy ? "Reading…" : "Older runs"}</button>
          : items.length > pageSize && <span class="muted small">These are all {plural(items.length, "run")}.</span>}
      </p>
    </>
  );
}

function Row({ run, named }: { run: RunSummary; named: boolean }) {
  const inputs = gist(run.inputs);
  return (
    <li>
      <a class="run-row" data-row href={runPath(run.id)}>
        <span class="run-row-state"><RunTag state={run.state} /></span>
        <span class="run-row-main">
          {named && <strong class="mono"><Text>{run.runbook}</Text></strong>}
          <span class="small">started by <Starter run={run} />{run.part_of && <>, in another run</>}</span>
          {(run.asked_for || inputs) && <span class="small run-row-why">{run.asked_for && <>“<Text>{run.asked_for}</Text>” </>}{inputs && <span class="mono"><Text>{inputs}</Text></span>}</span>}
          {run.reason && <span class="small muted"><Text>{run.reason}</Text></span>}
          {(run.waits?.length ?? 0) > 0 && <span class="small waits">people are asked at <span class="mono"><Text>{run.waits!.join(", ")}</Text></span></span>}
          {(run.waits_for?.length ?? 0) > 0 && <span class="small waits">{run.waits_for!.map((one, i) => <span key={i}>{i > 0 && ", "}for {one.lock ? <>lock <span class="mono"><Text>{one.lock}</Text></span></> : "its turn"}</span>)}</span>}
          {run.held_up && <span class="small waits"><span class="mono"><Text>{run.held_up.step}</Text></span> cannot be asked for yet: <Text>{run.held_up.message}</Text></span>}
          {(run.asks?.length ?? 0) > 0 && <span class="small bad">how did it end? <span class="mono"><Text>{run.asks!.join(", ")}</Text></span></span>}
        </span>
        <span class="run-row-time small muted"><span><Ago at={run.started_at ?? run.asked_at} /></span><Took run={run} /></span>
      </a>
    </li>
  );
}
