import type { Me } from "../api/types";
import { inbox, inboxHeights, loadInbox, needInbox } from "../inbox";
import type { Order } from "../list";
import { StoppedRuns } from "../pages";
import { LookAfter } from "../parts/look_after";
import { Empty, Heading, Loading, ProblemNote } from "../parts/pieces";
import { ActionRows, Reading } from "../parts/rows";
import { Text } from "../parts/text";
import { go } from "../router";
import { useSpot } from "../spot";
import { useStore } from "../store";
import { Heights } from "../windowed";
import { count, plural } from "../words";

const orders: [order: Order, word: string, meaning: string][] = [
  ["risk", "Riskiest", "First what needs the most people"],
  ["oldest", "Oldest", "First what waits longest"],
  ["expiry", "Expiring", "First what has the least time left"],
];
const votedHeights = new Heights();
const searchFrom = 30; // requests: fewer are found by looking

export function InboxPage({ me }: { me: Me }) {
  const { list, total, next, voted, order, loaded, reading, problem } = useStore(inbox);
  useSpot(loaded);
  const toKnow = list.filter((action) => !action.waits_for_you).length;
  return (
    <main id="main" class="page">
      <div class="page-head">
        <Heading title="Inbox" />
        {list.length >= searchFrom && <Find />}
        {list.length > 1 && <Orders order={order} />}
      </div>
      {problem && <ProblemNote problem={problem} retry={() => void loadInbox()} />}
      <StoppedRuns />
      {!loaded && <Loading what="what waits for you" />}
      {loaded && !problem && list.length === 0 && <NothingWaits me={me} />}
      {list.length > 0 && (
        <>
          <p class="lede">{plural(Math.max(total, list.length), "request waits", "requests wait")} {toKnow > 0 ? `here, ${count(toKnow)} of them for you to know, not to decide` : "for your decision"}.</p>
          <ActionRows key={order} items={list} total={Math.max(total, list.length)} me={me} label="Waiting for you"
            heights={inboxHeights} keys need={needInbox} />
          {next !== null && <Reading shown={list.length} total={total} busy={reading} problem={problem} retry={() => void loadInbox()} />}
        </>
      )}
      <LookAfter me={me} />
      {voted.length > 0 && (
        <>
          <h2 class="rows-title">You voted; others are still needed</h2>
          <ActionRows items={voted} total={voted.length} me={me} label="Waiting for others" heights={votedHeights} />
        </>
      )}
    </main>
  );
}

// A browser finds only what is drawn: this asks the server.
function Find() {
  const find = (event: SubmitEvent): void => {
    event.preventDefault();
    const words = new FormData(event.currentTarget as HTMLFormElement).get("q");
    go(`/activity?${new URLSearchParams({ q: String(words), state: "pending" })}`);
  };
  return (
    <form class="find" role="search" onSubmit={find}>
      <label><span class="hidden">Find among what waits</span>
        <input type="search" name="q" required placeholder="Find among what waits" /></label>
    </form>
  );
}

function Orders({ order }: { order: Order }) {
  return (
    <fieldset class="segmented">
      <legend class="hidden">Order</legend>
      {orders.map(([value, word, meaning]) => (
        <label key={value} title={meaning}>
          <input type="radio" name="order" checked={order === value} onChange={() => void loadInbox(value)} />
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}

function NothingWaits({ me }: { me: Me }) {
  return (
    <Empty title="Nothing waits for you">
      {me.demo
        ? <p>New requests appear here by themselves. <a href="/demo">Let the demo agent ask for something</a>.</p>
        : <p>New requests appear here by themselves, as soon as an agent asks for something that a group of yours decides.</p>}
      <p>
        {me.groups?.length
          ? <>You are asked as one of {me.groups.map((group, i) => <span key={group}>{i > 0 && ", "}<strong><Text>{group}</Text></strong></span>)}. </>
          : <>You are in no group, so policy asks you nothing. </>}
        <a href="/activity">Look at what happened before</a>.
      </p>
    </Empty>
  );
}
