// A list that is read once, searched here, and read again after each act.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import type { Page } from "../api/types";
import { returned, useReadAt } from "../reach";
import { useStore } from "../store";
import { count, plural } from "../words";
import { Card, Loading, ProblemNote } from "./pieces";

const shownMax = 100; // more are found by searching

export interface Listed<T> {
  items: T[] | null;
  problem: Problem | null;
  load: () => Promise<void>;
}

export function useListed<T>(read: () => Promise<Page<T>>): Listed<T> {
  const [items, setItems] = useState<T[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const back = useStore(returned);
  const load = useCallback(() => read().then(
    (page) => { setItems(page.items); setProblem(null); }, (error: unknown) => setProblem(asProblem(error))), []);
  useEffect(() => void load(), [back]);
  useReadAt(items);
  return { items, problem, load };
}

// All words of the search are somewhere in it.
export const matches = (text: string, search: string): boolean => {
  const lower = text.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => lower.includes(word));
};

export function Listing<T>({ title, one, many, about, listed: { items, problem, load }, search, onSearch, textOf, children, aside, foot }: {
  title: string; one: string; many?: string; about: string; listed: Listed<T>; search: string; onSearch: (words: string) => void;
  textOf: (item: T) => string; // what is searched
  children: (item: T) => ComponentChildren; aside?: ComponentChildren; foot?: ComponentChildren;
}) {
  const found = (items ?? []).filter((item) => matches(textOf(item), search));
  return (
    <Card title={title} aside={aside}>
      <div class="pad stack">
        <p class="small muted">{about}</p>
        <label class="field-label">
          Search
          <input type="search" value={search} autocomplete="off" onInput={(event) => onSearch(event.currentTarget.value)} />
        </label>
        {problem && <ProblemNote problem={problem} retry={() => void load()} />}
        <p class="small muted" role="status">
          {items && (search ? `${count(found.length)} of ${plural(items.length, one, many)}` : plural(items.length, one, many))}
          {found.length > shownMax && `; the first ${shownMax} are shown`}
        </p>
      </div>
      {!items && !problem && <Loading what={many ?? `${one}s`} />}
      <ul class="things" aria-label={title}>{found.slice(0, shownMax).map(children)}</ul>
      {foot}
    </Card>
  );
}
