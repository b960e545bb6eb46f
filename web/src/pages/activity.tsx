import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client";
import { api, type ActivityQuery } from "../api/routes";
import type { Action, Me, State } from "../api/types";
import { useKeys } from "../keys";
import { Icon } from "../parts/icon";
import { Empty, Heading, Loading, ProblemNote } from "../parts/pieces";
import { ActionRow } from "../parts/row";
import { go, place } from "../router";
import { useStore } from "../store";
import { stateWords } from "../words";

const fields = ["q", "state", "tool", "actor", "from", "to"] as const;
type Field = (typeof fields)[number];
type Filter = Partial<Record<Field, string>>;

function filterOf(search: string): Filter {
  const params = new URLSearchParams(search);
  const filter: Filter = {};
  for (const field of fields) {
    const value = params.get(field);
    if (value) filter[field] = value;
  }
  return filter;
}

// Days as people pick them, in their own time zone, to instants as the contract wants them.
function queryOf(filter: Filter): ActivityQuery {
  const { from, to, ...rest } = filter;
  const instant = (day: string, plusDays: number): string | undefined => {
    const at = new Date(`${day}T00:00:00`);
    if (Number.isNaN(at.getTime())) return undefined;
    at.setDate(at.getDate() + plusDays);
    return at.toISOString().replace(/\.\d+Z$/, "Z");
  };
  const query: ActivityQuery = { ...rest };
  const first = from ? instant(from, 0) : undefined;
  const last = to ? instant(to, 1) : undefined;
  if (first) query.from = first;
  if (last) query.to = last;
  return query;
}

export function ActivityPage({ me }: { me: Me }) {
  const { search } = useStore(place);
  const filter = filterOf(search);
  const [items, setItems] = useState<Action[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [again, setAgain] = useState(0);
  const searchField = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => searchField.current?.focus() });

  useEffect(() => {
    if (new URLSearchParams(search).has("focus")) searchField.current?.focus();
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    const timer = window.setTimeout(() => {
      api.list(queryOf(filter), stop.signal).then(
        (page) => {
          setItems(page.items);
          setNext(page.next ?? null);
          setProblem(null);
        },
        (error: unknown) => {
          if (!stop.signal.aborted) setProblem(asProblem(error));
        });
    }, items === null ? 0 : 200);
    return () => {
      window.clearTimeout(timer);
      stop.abort();
    };
  }, [search, again]);

  const more = async (): Promise<void> => {
    if (!next) return;
    try {
      const page = await api.list({ ...queryOf(filter), after: next });
      setItems((old) => [...(old ?? []), ...page.items]);
      setNext(page.next ?? null);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };

  const change = (field: Field, value: string): void => {
    const params = new URLSearchParams(search);
    params.delete("focus");
    if (value) params.set(field, value);
    else params.delete(field);
    const text = params.toString();
    go(text ? `/activity?${text}` : "/activity", true);
  };
  const filtered = Object.keys(filter).length > 0;

  return (
    <main id="main" class="page">
      <div class="page-head"><Heading title="Activity" /></div>
      <form class="filters" role="search" onSubmit={(event) => { event.preventDefault(); setAgain(again + 1); }}>
        <label class="filter-search">
          <span class="hidden">Search</span>
          <Icon name="search" size={18} />
          <input type="search" ref={searchField} placeholder="Search reasons, tools, resources" value={filter.q ?? ""}
            onInput={(event) => change("q", event.currentTarget.value)} />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <label class="field-label">
          State
          <select value={filter.state ?? ""} onChange={(event) => change("state", event.currentTarget.value)}>
            <option value="">Any</option>
            {(Object.keys(stateWords) as State[]).map((state) => (
              <option key={state} value={state}>{stateWords[state]}</option>
            ))}
          </select>
        </label>
        <label class="field-label">
          Tool
          <input type="text" value={filter.tool ?? ""} onInput={(event) => change("tool", event.currentTarget.value)} />
        </label>
        <label class="field-label">
          Who
          <input type="text" value={filter.actor ?? ""} onInput={(event) => change("actor", event.currentTarget.value)} />
        </label>
        <label class="field-label">
          From
          <input type="date" value={filter.from ?? ""} onInput={(event) => change("from", event.currentTarget.value)} />
        </label>
        <label class="field-label">
          To
          <input type="date" value={filter.to ?? ""} onInput={(event) => change("to", event.currentTarget.value)} />
        </label>
      </form>
      {problem && <ProblemNote problem={problem} retry={() => setAgain(again + 1)} />}
      {items === null && !problem && <Loading what="what happened" />}
      {items?.length === 0 && (
        <Empty title={filtered ? "Nothing matches" : "Nothing has happened yet"}>
          {filtered
            ? <p><a href="/activity">Take all filters away</a></p>
            : <p>The first action that an agent asks for appears here.</p>}
        </Empty>
      )}
      {items && items.length > 0 && (
        <>
          <ul class="rows rows-dense">
            {items.map((action) => <ActionRow key={action.id} action={action} me={me} showState />)}
          </ul>
          <p class="more">
            {next
              ? <button type="button" class="button" onClick={() => void more()}>Show older ones</button>
              : <span class="muted small">That is all of it.</span>}
          </p>
        </>
      )}
    </main>
  );
}

const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem(0, "", "Unexpected answer", String(error));
