import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  activity, activityHeights, followActivity, moreActivity, openActivity, refreshActivity,
} from "../activity";
import type { ActivityQuery } from "../api/routes";
import { partyId, type Me, type State } from "../api/types";
import { useKeys } from "../keys";
import { Icon } from "../parts/icon";
import { Empty, Heading, Loading, ProblemNote } from "../parts/pieces";
import { ActionRows, Reading } from "../parts/rows";
import { go, place } from "../router";
import { comingBack, useSpot } from "../spot";
import { useStore } from "../store";
import { plural, stateWords } from "../words";

const fields = ["q", "state", "tool", "actor", "from", "to"] as const;
type Field = (typeof fields)[number];
type Filter = Partial<Record<Field, string>>;

const typingPauseMs = 200;

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

// Reads what the address asks for; coming back to it keeps what is there.
function useActivity(search: string, query: ActivityQuery): void {
  const latest = useRef(query);
  latest.current = query;
  const [back] = useState(comingBack); // before the spot is taken up
  const first = useRef(true);
  useEffect(() => {
    const now = activity.get();
    const keep = first.current && back && now.search === search;
    first.current = false;
    if (keep) {
      void refreshActivity(query);
      return;
    }
    const timer = window.setTimeout(() => void openActivity(search, query), now.search === null ? 0 : typingPauseMs);
    return () => window.clearTimeout(timer);
  }, [search]);
  useEffect(() => followActivity(() => latest.current), []);
}

export function ActivityPage({ me }: { me: Me }) {
  const { search } = useStore(place);
  const filter = filterOf(search);
  const query = queryOf(filter);
  useActivity(search, query);
  const now = useStore(activity);
  useSpot(now.search === search && now.items.length > 0);
  const filtered = Object.keys(filter).length > 0;
  const again = (): Promise<void> => openActivity(search, query);
  const need = useCallback((upTo: number) => {
    const { items, problem } = activity.get();
    if (items.length < upTo && !problem) void moreActivity(query);
  }, [search]);

  return (
    <main id="main" class="page">
      <div class="page-head"><Heading title="Activity" /></div>
      <Filters filter={filter} search={search} onSubmit={() => void again()} />
      {now.problem && <ProblemNote problem={now.problem} retry={() => void again()} />}
      {now.search === null && !now.problem && <Loading what="what happened" />}
      <p class="newer" role="status">
        {now.newer.size > 0 && (
          <button type="button" class="button button-accent" onClick={() => void again().then(() =>
            window.scrollTo({ top: 0, behavior: "instant" }))}>
            {plural(now.newer.size, "newer action")}: show
          </button>
        )}
      </p>
      {now.search !== null && now.items.length === 0 && !now.problem && <NothingHere filtered={filtered} demo={me.demo} />}
      {now.items.length > 0 && (
        <>
          <ActionRows key={now.search ?? ""} items={now.items} total={now.next === null ? now.items.length : -1} me={me}
            label="Activity" heights={activityHeights} showState keys need={need} />
          {now.next === null
            ? <p class="more"><span class="muted small">That is all of it.</span></p>
            : <Reading shown={now.items.length} total={null} busy={now.reading}
                problem={now.problem} retry={() => void moreActivity(query)} />}
        </>
      )}
    </main>
  );
}

const namesMax = 50;
const namesIn = (names: string[]): string[] => [...new Set(names)].sort().slice(0, namesMax);

function NothingHere({ filtered, demo }: { filtered: boolean; demo: boolean }) {
  if (filtered) {
    return <Empty title="Nothing matches"><p><a href="/activity">Take all filters away</a></p></Empty>;
  }
  return (
    <Empty title="Nothing has happened yet">
      <p>The first action that an agent asks for appears here.{demo && <> <a href="/demo">Let the demo agent ask</a>.</>}</p>
    </Empty>
  );
}

function Filters({ filter, search, onSubmit }: { filter: Filter; search: string; onSubmit: () => void }) {
  const searchField = useRef<HTMLInputElement>(null);
  const { items } = useStore(activity);
  const tools = useMemo(() => namesIn(items.map((action) => action.tool)), [items]);
  const askers = useMemo(() => namesIn(items.map((action) => partyId(action.requester))), [items]);
  const more = Object.keys(filter).filter((field) => field !== "q").length;
  const [open, setOpen] = useState(more > 0); // matters on narrow screens only
  useKeys({ "/": () => searchField.current?.focus() });
  useEffect(() => {
    if (new URLSearchParams(search).has("focus")) searchField.current?.focus();
  }, []);
  const change = (field: Field, value: string): void => {
    const params = new URLSearchParams(search);
    params.delete("focus");
    if (value) params.set(field, value);
    else params.delete(field);
    const text = params.toString();
    go(text ? `/activity?${text}` : "/activity", true);
  };
  const input = (field: Field, label: string, type: "text" | "date", known: string[] = []) => (
    <label class="field-label">
      {label}
      <input type={type} value={filter[field] ?? ""} list={known.length ? `known-${field}` : undefined}
        placeholder={type === "text" ? "its whole name" : undefined} autocomplete="off"
        onInput={(event) => change(field, event.currentTarget.value)} />
      {known.length > 0 && (
        <datalist id={`known-${field}`}>{known.map((name) => <option key={name} value={name} />)}</datalist>
      )}
    </label>
  );
  return (
    <form class={open ? "filters open" : "filters"} role="search"
      onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>
      <label class="filter-search">
        <span class="hidden">Search</span>
        <Icon name="search" size={18} />
        <input type="search" ref={searchField} placeholder="Search tool, resource, who, id"
          value={filter.q ?? ""} onInput={(event) => change("q", event.currentTarget.value)} />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <button type="button" class="button button-small filter-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "Fewer filters" : more > 0 ? `Filters (${more})` : "Filters"}
      </button>
      <label class="field-label">
        State
        <select value={filter.state ?? ""} onChange={(event) => change("state", event.currentTarget.value)}>
          <option value="">Any</option>
          {(Object.keys(stateWords) as State[]).map((state) => (
            <option key={state} value={state}>{stateWords[state]}</option>
          ))}
        </select>
      </label>
      {input("tool", "Tool", "text", tools)}
      {input("actor", "Who asked", "text", askers)}
      {input("from", "From", "date")}
      {input("to", "To", "date")}
      {more > 0 && <p class="filter-clear small"><a href="/activity">Take all filters away</a></p>}
    </form>
  );
}
