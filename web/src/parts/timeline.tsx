import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import type { Action, TimelineItem, Vote } from "../api/types";
import { lost } from "../reach";
import { useStore } from "../store";
import { effectWords, over } from "../words";
import { Icon, type IconName } from "./icon";
import { Ago, Card, ProblemNote, Voter } from "./pieces";
import { Text } from "./text";

const iconOf = (type: string): IconName => {
  if (type.includes("comment")) return "comment";
  if (type.includes("vote")) return "check";
  if (type.startsWith("execution") || type.includes("grant")) return "run";
  if (type.includes("expired")) return "clock";
  if (type.includes("denied") || type.includes("cancelled") || type.includes("closed")) return "lock";
  return "ledger";
};

// Policy's own word for it, as people say it.
const inWords = (text: string): string =>
  text.replace(/^policy decided: (\w+)$/, (_all, effect: string) => `policy ${effectWords[effect] ?? effect}`);

const isComment = (item: TimelineItem): boolean => item.type.includes("comment");

export function TimelineCard({ items }: { items: TimelineItem[] }) {
  return (
    <Card title="What happened">
      <ol class="timeline">
        {items.map((item, i) => (
          <li key={i} class={isComment(item) ? "event event-comment" : "event"}>
            <span class="event-icon"><Icon name={iconOf(item.type)} size={14} /></span>
            <div class="event-body">
              <p class="event-head" title={item.type}>
                {item.by && <><strong><Text>{item.by}</Text></strong> </>}
                {isComment(item) ? "commented" : item.type === "action.decided" && item.by
                  ? <>asked; <Text>{inWords(item.text ?? "")}</Text></>
                  : <Text>{item.text || item.type}</Text>}
              </p>
              {isComment(item) && item.text && <p class="event-text"><Text lines>{item.text}</Text></p>}
              <p class="event-time small muted">
                <Ago at={item.at} exact />
                {typeof item.index === "number" && (
                  <> · <a class="entry-link" href={`/ledger?entry=${item.index}`}>ledger entry {item.index}</a></>
                )}
              </p>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}

export function VotesCard({ votes, simulated }: { votes: Vote[]; simulated: (reviewer: string) => boolean }) {
  if (!votes.length) return null;
  return (
    <Card title="Votes">
      <ul class="votes">
        {votes.map((vote) => (
          <li key={vote.reviewer + vote.at} class={`vote vote-${vote.decision}`}>
            <Icon name={vote.decision === "approve" ? "check" : "cross"} size={16} />
            <div>
              <p>
                <strong><Voter vote={vote} /></strong>
                {vote.inactive && <span class="tag">deactivated since: counts no more</span>}
                {(vote.simulated || simulated(vote.reviewer)) && <span class="tag tag-simulated">simulated</span>}
                {" "}{vote.decision === "approve" ? "approved" : "denied"} <span class="muted"><Ago at={vote.at} exact /></span>
              </p>
              {vote.note_erased && <p class="event-text">ERASED</p>}
              {vote.note && <p class="event-text"><Text lines>{vote.note}</Text></p>}
              <p class="muted small">
                {[vote.assurance, vote.channel && over(vote.channel)].filter(Boolean).join(" · ")}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function CommentForm({ action, field, onSent }: {
  action: Action; field: RefObject<HTMLTextAreaElement | null>; onSent: (said: string) => void;
}) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const out = useStore(lost) !== null;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!text.trim() || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await api.comment(action.id, text.trim());
      setText("");
      onSent("Your comment is recorded.");
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="comment-form" onSubmit={(event) => void send(event)}>
      {problem && <ProblemNote problem={problem} />}
      <label class="field-label">
        Comment
        <textarea rows={2} maxLength={4000} ref={field} value={text}
          placeholder="Ask the requester, or leave a word for the next reviewer"
          onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button" disabled={busy || out || !text.trim()}>
        <Icon name="comment" size={16} /> {busy ? "Sending…" : "Comment"}
      </button>
    </form>
  );
}
