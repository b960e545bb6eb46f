// Approve and Deny. The vote names the digest of the case that is on this screen, and of no other.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { asProblem, Problem } from "../api/client";
import { usePasskey } from "../api/passkey";
import { api, type Assertion } from "../api/routes";
import { partyId, type Action, type Decision, type Me, type Vote } from "../api/types";
import { useKeys } from "../keys";
import { useWhyNoVotes } from "../reach";
import { Icon } from "./icon";
import { Ago, Note, ProblemNote } from "./pieces";
import type { Reveal } from "./reveal";
import { usePlaces } from "./stand_in";
import { Text } from "./text";

const claimedFor = (action: Action): string => {
  const claimed = action.claims?.on_behalf_of;
  return typeof claimed === "string" ? claimed : "";
};

// Why this person cannot vote, as far as this page can tell; the server decides anyway.
export function whyNot(action: Action, me: Me): string | null {
  if (partyId(action.requester) === me.id) return "You asked for this, so you cannot vote on it.";
  if (partyId(action.owner) === me.id) {
    return "You own the agent that asks, so you cannot vote on it: it needs people who are not related to the request.";
  }
  if (claimedFor(action) === me.id) {
    return "This was asked on your behalf, so you cannot vote on it.";
  }
  if (action.waits_for_you) return null;
  const other = (action.votes ?? []).find((vote) => vote.instead_of === me.id);
  if (other) return `${other.reviewer} voted in your place.`;
  const groups = (action.needed ?? []).map((need) => need.group);
  if (groups.length && me.groups && !groups.some((group) => me.groups!.includes(group))) {
    return `It waits for ${groups.join(" and ")}; you are in none of these groups.`;
  }
  const open = (action.needed ?? []).filter((need) => need.have < need.count).map((need) => need.group);
  if (action.waits_for_you === false) {
    return open.length
      ? `It waits for ${open.join(" and ")}; the places that you could fill are taken.`
      : "It does not wait for your vote.";
  }
  return null;
}

export const votedBy = (action: Action, me: Me): Vote | undefined =>
  (action.votes ?? []).find((vote) => vote.reviewer === me.id);

async function signed(action: Action, decision: Decision): Promise<Assertion> {
  const { ceremony, options } = await api.challenge(action.id, decision);
  return { ceremony, credential: await usePasskey(options) };
}

async function cast(
  action: Action, decision: Decision, note: string, retype: string, place: string, passkey: boolean,
): Promise<void> {
  const vote = {
    decision, digest: action.digest ?? "", ...(note.trim() ? { note: note.trim() } : {}),
    ...(decision === "approve" && retype ? { retype } : {}), ...(place ? { instead_of: place } : {}),
  };
  if (!passkey) {
    try {
      await api.vote(action.id, vote);
      return;
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "passkey_required") throw error;
    }
  }
  await api.vote(action.id, { ...vote, assertion: await signed(action, decision) });
}

export function DecisionPanel({ action, me, reveal, onVoted }: {
  action: Action; me: Me; reveal: Reveal; onVoted: (said: string) => void;
}) {
  const mine = votedBy(action, me);
  const reason = whyNot(action, me);
  if (mine) return <OwnVote action={action} me={me} decision={mine.decision} at={mine.at} onVoted={onVoted} />;
  if (reason) return <div class="decision decision-quiet"><Note>{reason}</Note></div>;
  return <Ballot action={action} me={me} reveal={reveal} onVoted={onVoted} />;
}

const retypeWords = (what: string): string => `the ${what.split(".").reverse().join(" of the ")}`;

function Ballot({ action, me, reveal, onVoted }: {
  action: Action; me: Me; reveal: Reveal; onVoted: (said: string) => void;
}) {
  const [note, setNote] = useState("");
  const [noteOpen, setNoteOpen] = useState(false);
  const [retype, setRetype] = useState("");
  const [busy, setBusy] = useState<Decision | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const places = usePlaces(action, me);
  const [place, setPlace] = useState<string | null>(null); // null: not chosen yet
  const whose = place ?? (places[0] === "" ? "" : places.length === 1 ? places[0]! : null);
  const unclear = whose === null && places.length > 0;
  const asked = action.verdict?.plan?.retype;
  const approve = useRef<HTMLButtonElement>(null);
  const deny = useRef<HTMLButtonElement>(null);
  const passkey = action.verdict?.plan?.assurance === "passkey";
  const complete = action.display_complete === true && !!action.digest && !!action.display?.length;
  const not = useWhyNoVotes(me.read_only);
  const ready = complete && !not && reveal.done && !busy && !unclear && (!asked || retype !== "");
  const panel = useRef<HTMLElement>(null);
  useEffect(() => setProblem(null), [action.digest]);
  useLayoutEffect(() => {
    const element = panel.current;
    if (!element) return;
    const measure = (): void =>
      reveal.cover(getComputedStyle(element).position === "fixed" ? element.offsetHeight : 0);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      observer.disconnect();
      reveal.cover(0);
    };
  }, [reveal.cover]);
  useKeys({
    a: () => (reveal.done ? approve.current?.focus() : reveal.showNext()),
    d: () => deny.current?.focus(),
    n: () => reveal.showNext(),
  });

  const vote = async (decision: Decision): Promise<void> => {
    if (busy || not || (decision === "approve" && !ready)) return;
    setBusy(decision);
    setProblem(null);
    try {
      await cast(action, decision, note, retype, whose ?? "", passkey);
      onVoted(decision === "approve" ? "Your approval is recorded." : "Your denial is recorded.");
    } catch (error) {
      const said = asProblem(error, "That did not work");
      setProblem(said);
      // Whatever it was, show the case as it is now: the vote may have arrived all the same.
      onVoted("");
    } finally {
      setBusy(null);
    }
  };

  return (
    <section class="decision" aria-label="Your decision" ref={panel}>
      <h2 class="decision-title">Your decision</h2>
      {problem && <ProblemNote problem={problem} />}
      {!complete && (
        <Note kind="bad">
          The server could not send the whole case, so Approve is not offered. You can deny it.
        </Note>
      )}
      {complete && !reveal.done && (
        <div class="meter">
          <p id="meter-text">
            <span class="digits">{reveal.seen} of {reveal.total}</span> parts seen<span class="wide-only">. Approve opens when all of them were</span>.
          </p>
          <progress value={reveal.seen} max={reveal.total} aria-labelledby="meter-text" />
          <button type="button" class="button button-small" onClick={reveal.showNext}>
            Show the next part <kbd>n</kbd>
          </button>
        </div>
      )}
      {places.length > 1 && (
        <label class="field-label">
          In whose place
          <select value={whose ?? "?"} onChange={(event) => setPlace(event.currentTarget.value)}>
            {unclear && <option value="?">choose…</option>}
            {places.map((one) => <option key={one} value={one}>{one || "my own"}</option>)}
          </select>
        </label>
      )}
      {places.length === 1 && whose && <p class="small">You vote in place of <strong><Text>{whose}</Text></strong>.</p>}
      <div class={noteOpen ? "ballot-note open" : "ballot-note"}>
        <button type="button" class="link-button" aria-expanded={noteOpen} onClick={() => setNoteOpen(!noteOpen)}>
          <Icon name="comment" size={16} /> <span>{noteOpen ? "Hide the note" : "Add a note"}</span>
        </button>
        {noteOpen && (
          <label class="field-label">
            Note, kept with your vote
            <textarea rows={2} maxLength={2000} value={note} autoFocus
              onInput={(event) => setNote(event.currentTarget.value)} />
          </label>
        )}
      </div>
      {asked && (
        <label class="field-label">
          <span>To approve, type <strong><Text>{retypeWords(asked)}</Text></strong> of this case again</span>
          <input type="text" class="mono" value={retype} autocomplete="off" spellcheck={false}
            onInput={(event) => setRetype(event.currentTarget.value)} />
        </label>
      )}
      <div class="ballot">
        <button type="button" class="button button-approve" ref={approve} disabled={!ready}
          aria-describedby={not ? "no-votes" : reveal.done ? undefined : "meter-text"} onClick={() => void vote("approve")}>
          <Icon name={passkey ? "passkey" : "check"} />
          {busy === "approve" ? "Approving…" : passkey ? "Approve with passkey" : "Approve"}
        </button>
        <button type="button" class="button button-deny" ref={deny} disabled={!!busy || unclear || !!not}
          onClick={() => void vote("deny")}>
          <Icon name="cross" />
          {busy === "deny" ? "Denying…" : "Deny"}
        </button>
      </div>
      {not && <p class="small bad" id="no-votes">{not}</p>}
      <p class="small muted ballot-hint"><kbd>a</kbd> or <kbd>d</kbd>, then <kbd>Enter</kbd></p>
    </section>
  );
}

function OwnVote({ action, me, decision, at, onVoted }: {
  action: Action; me: Me; decision: Decision; at: string; onVoted: (said: string) => void;
}) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const not = useWhyNoVotes(me.read_only);
  const takeBack = async (): Promise<void> => {
    try {
      await api.takeBack(action.id);
      onVoted("Your vote is taken back.");
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
      onVoted("");
    }
  };
  return (
    <section class="decision decision-quiet" aria-label="Your decision">
      <h2 class="decision-title">Your decision</h2>
      {problem && <ProblemNote problem={problem} />}
      <p class="own-vote">
        <Icon name={decision === "approve" ? "check" : "cross"} />
        <span>You {decision === "approve" ? "approved" : "denied"} this <Ago at={at} />.</span>
      </p>
      <button type="button" class="button" disabled={!!not} onClick={() => void takeBack()}>Take my vote back</button>
      {not && <p class="small bad">{not}</p>}
    </section>
  );
}
