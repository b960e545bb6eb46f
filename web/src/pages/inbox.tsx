import { useMemo, useState } from "preact/hooks";
import type { Action, Me } from "../api/types";
import { inbox, loadInbox } from "../inbox";
import { Empty, Heading, Loading, ProblemNote } from "../parts/pieces";
import { ActionRow } from "../parts/row";
import { useStore } from "../store";
import { plural, weight } from "../words";

type Order = "risk" | "oldest" | "expiry";
const orders: [Order, string][] = [["risk", "Riskiest"], ["oldest", "Oldest"], ["expiry", "Expiring"]];

const byAge = (a: Action, b: Action): number => Date.parse(a.created_at) - Date.parse(b.created_at);
const expires = (a: Action): number => (a.expires_at ? Date.parse(a.expires_at) : Infinity);

const compare: Record<Order, (a: Action, b: Action) => number> = {
  risk: (a, b) => weight(b) - weight(a) || byAge(a, b),
  oldest: byAge,
  expiry: (a, b) => expires(a) - expires(b) || byAge(a, b),
};

export function InboxPage({ me }: { me: Me }) {
  const { items, loaded, problem, more } = useStore(inbox);
  const [order, setOrder] = useState<Order>("risk");
  const sorted = useMemo(() => [...items.values()].sort(compare[order]), [items, order]);
  const open = sorted.filter((action) => !action.votes?.some((vote) => vote.reviewer === me.id));
  const voted = sorted.filter((action) => !open.includes(action));

  return (
    <main id="main" class="page">
      <div class="page-head">
        <Heading title="Inbox" />
        {sorted.length > 1 && (
          <fieldset class="segmented">
            <legend class="hidden">Order</legend>
            {orders.map(([value, word]) => (
              <label key={value}>
                <input type="radio" name="order" checked={order === value} onChange={() => setOrder(value)} />
                <span>{word}</span>
              </label>
            ))}
          </fieldset>
        )}
      </div>
      {problem && <ProblemNote problem={problem} retry={() => void loadInbox()} />}
      {!loaded && <Loading what="what waits for you" />}
      {loaded && !problem && open.length === 0 && (
        <Empty title="Nothing waits for you">
          <p>New requests appear here by themselves.{" "}
            <a href="/activity">Look at what happened before</a>.</p>
        </Empty>
      )}
      {open.length > 0 && (
        <>
          <p class="lede">{plural(open.length, "request waits", "requests wait")}{more ? " at least," : ""} for your decision.</p>
          <ul class="rows">{open.map((action) => <ActionRow key={action.id} action={action} me={me} />)}</ul>
        </>
      )}
      {voted.length > 0 && (
        <>
          <h2 class="rows-title">You voted; others are still needed</h2>
          <ul class="rows">{voted.map((action) => <ActionRow key={action.id} action={action} me={me} />)}</ul>
        </>
      )}
    </main>
  );
}
