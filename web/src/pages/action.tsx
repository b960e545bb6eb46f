// The whole picture of one action, and the decision about it.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import { listen } from "../api/stream";
import { isFinal, partyId, type Action, type Me, type Section, type TimelineItem } from "../api/types";
import { noteInActivity } from "../activity";
import { noteAction } from "../inbox";
import { AfterReviewCard, AgreeToLike, AllowedBy, AmendDialog, CancelDialog, OutcomeCard, RunOf } from "../pages";
import { canStand, stands } from "../standing";
import { useKeys } from "../keys";
import { EvidenceCard, NextUp, PolicyCard, Undisplayed } from "../parts/case_cards";
import { CaseHead, Crumb } from "../parts/case_head";
import { DecisionPanel, votedBy, whyNot } from "../parts/decision";
import { Icon } from "../parts/icon";
import { Ago, Card, Empty, Heading, Loading, Note, ProblemNote, Quorum } from "../parts/pieces";
import { useReveal } from "../parts/reveal";
import { CaseSection } from "../parts/section";
import { Text } from "../parts/text";
import { CommentForm, TimelineCard, VotesCard } from "../parts/timeline";
import { printing } from "../paper";
import { returned } from "../reach";
import { go } from "../router";
import { cameFrom, useSpot } from "../spot";
import { useStore } from "../store";
import { count, exactTime } from "../words";

interface Loaded {
  action: Action;
  timeline: TimelineItem[];
}

// Reads the case, and reads it again whenever its stream says that something happened. While the tab is hidden
// the stream is closed: it would hold one of the browser's few connections.
function useAction(id: string): { loaded: Loaded | null; problem: Problem | null; reload: () => Promise<void> } {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const alive = useRef(id);
  alive.current = id;
  const reads = useRef(0); // an older read's answer is dropped

  const reload = useCallback(async () => {
    const mark = ++reads.current;
    try {
      const [action, timeline] = await Promise.all([
        api.action(id), api.timeline(id).catch(() => null),
      ]);
      if (alive.current !== id || mark !== reads.current) return;
      setLoaded((old) => {
        if (old && old.action.id === id && old.action.version > action.version) return old;
        return { action, timeline: timeline?.items ?? (old?.action.id === id ? old.timeline : []) };
      });
      setProblem(null);
      noteAction(action);
      noteInActivity(action);
    } catch (error) {
      if (alive.current === id && mark === reads.current) setProblem(asProblem(error));
    }
  }, [id]);

  useEffect(() => {
    setLoaded(null);
    setProblem(null);
    void reload();
    let stop: (() => void) | undefined;
    let timer: number | undefined;
    const soon = (): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void reload(), 60);
    };
    const follow = (): void => {
      stop?.();
      stop = undefined;
      if (document.visibilityState === "hidden") return;
      soon();
      stop = listen(`/v1/actions/${encodeURIComponent(id)}/stream`,
        ["snapshot", "state", "vote", "comment", "outcome"], { onEvent: soon, onLink: () => {} });
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    const unwatch = returned.watch(soon); // a read can have failed while the stream stood
    return () => {
      unwatch();
      document.removeEventListener("visibilitychange", follow);
      window.clearTimeout(timer);
      stop?.();
    };
  }, [id, reload]);

  return { loaded: loaded?.action.id === id ? loaded : null, problem, reload };
}

export function ActionPage({ id, me }: { id: string; me: Me }) {
  const { loaded, problem, reload } = useAction(id);
  if (loaded) return <Case key={id} loaded={loaded} me={me} reload={reload} problem={problem} />;
  return (
    <main id="main" class="page">
      <Crumb />
      {problem?.status === 404 ? (
        <>
          <Heading title="No such action" />
          <Empty title="Nothing to see here">
            <p>There is no action <code><Text>{id}</Text></code>, or it is not yours to read.</p>
          </Empty>
        </>
      ) : problem ? (
        <>
          <Heading title="The action could not be read" />
          <ProblemNote problem={problem} retry={() => void reload()} />
        </>
      ) : <Loading what="the case" />}
    </main>
  );
}

const noSections: Section[] = [];

function Case({ loaded, me, reload, problem }: {
  loaded: Loaded; me: Me; reload: () => Promise<void>; problem: Problem | null;
}) {
  const { action, timeline } = loaded;
  // The sections are compared by content: a reload that changes nothing must not reset what was seen.
  const displayText = JSON.stringify(action.display ?? noSections);
  const sections = useMemo(() => JSON.parse(displayText) as Section[], [displayText]);
  const caseKey = `${action.digest ?? action.id} ${displayText}`;
  const reveal = useReveal(caseKey, sections);
  const firstDigest = useRef(action.digest);
  const paper = useStore(printing);
  const [said, setSaid] = useState("");
  const [dialog, setDialog] = useState<"amend" | "cancel" | null>(null);
  const comment = useRef<HTMLTextAreaElement>(null);
  const after = useCallback((words: string) => {
    setSaid(words);
    void reload();
  }, [reload]);
  useKeys({ c: () => comment.current?.focus() });
  useSpot(true);

  const mayStand = useStore(stands) && canStand(action);
  const open = action.state === "pending" || action.state === "deferred";
  const tracked = action.state === "pending" && !whyNot(action, me) && !votedBy(action, me);
  const isTheirs = partyId(action.owner) === me.id || partyId(action.requester) === me.id;
  const isAsked = (action.needed ?? []).some((place) => me.groups?.includes(place.group));
  // Whoever works through the inbox is done with this one.
  const goesOn = !tracked && (cameFrom().list === "/" || !!votedBy(action, me));
  const mayCancel = !isFinal(action.state) && action.state !== "executing" && (me.admin || isTheirs);
  const mayAmend = open && !action.tool.startsWith("keyturn.") && (isTheirs || isAsked) && action.args !== undefined && action.args !== null;

  return (
    <main id="main" class={action.state === "pending" ? "page case case-open" : "page case"}>
      <Crumb />
      {paper && (
        <p class="paper-only paper-head">Keyturn · {`${location.origin}/a/${encodeURIComponent(action.id)}`} · version {action.version}, printed{" "}
          {exactTime(new Date().toISOString())} by <Text>{me.id}</Text></p>
      )}
      <CaseHead action={action} />
      {(action.run || action.tool.startsWith("runbook.")) && <RunOf action={action} />}
      {action.standing && <AllowedBy id={action.standing} />}
      {action.erased && (
        <Note kind="warn">
          <p>
            <strong>ERASED.</strong>{" "}
            {action.erased.request ? "What was asked for, and what came of it, was destroyed" : "Some of what people wrote here was destroyed"}{" "}
            <Ago at={action.erased.at} exact />, as <a href={`/a/${encodeURIComponent(action.erased.by)}`}>people agreed</a>
            {" "}(<a href={`/ledger?entry=${action.erased.index}`}>ledger entry {count(action.erased.index)}</a>). The record of it stays, and proves.
          </p>
        </Note>
      )}
      {problem && <ProblemNote problem={problem} retry={() => void reload()} />}
      {firstDigest.current !== action.digest && open && (
        <Note kind="warn">The case changed while you were looking at it. Look at all of it again.</Note>
      )}
      <p class="live" role="status" aria-live="polite">{said}</p>
      {goesOn && <div class="narrow-only"><NextUp after={action.id} /></div>}
      <div class="case-grid">
        <div class="case-body">
          {action.outcome && <OutcomeCard outcome={action.outcome} />}
          {sections.map((section, i) => (
            <CaseSection key={i} section={section} index={i} reveal={reveal} tracked={tracked} />
          ))}
          {sections.length === 0 && <Undisplayed action={action} />}
          <TimelineCard items={timeline} />
          <CommentForm action={action} field={comment} onSent={after} />
          <EvidenceCard action={action} />
          {(mayAmend || mayCancel || mayStand) && (
            <div class="case-acts">
              {mayAmend && (
                <button type="button" class="button" onClick={() => setDialog("amend")}>
                  <Icon name="edit" size={16} /> Amend…
                </button>
              )}
              {mayCancel && (
                <button type="button" class="button" onClick={() => setDialog("cancel")}>
                  <Icon name="cross" size={16} /> Cancel the request…
                </button>
              )}
              {mayStand && <AgreeToLike action={action} />}
            </div>
          )}
        </div>
        <aside class="case-rail" aria-label="Decision and policy">
          {action.state === "pending" && (
            <DecisionPanel action={action} me={me} reveal={reveal} onVoted={after} />
          )}
          {action.after_review && <AfterReviewCard action={action} onLooked={after} />}
          {goesOn && <div class="wide-only"><NextUp after={action.id} /></div>}
          {(action.needed?.length ?? 0) > 0 && (
            <div class="wide-only"><Card title="Approvals"><div class="pad"><Quorum needed={action.needed} words /></div></Card></div>
          )}
          <VotesCard votes={action.votes ?? []} simulated={(id) => me.demo && id.includes("simulated")} />
          <PolicyCard action={action} />
        </aside>
      </div>
      {dialog === "amend" && (
        <AmendDialog action={action} onClose={() => setDialog(null)}
          onAmended={(id) => { setDialog(null); go(`/a/${encodeURIComponent(id)}`); }} />
      )}
      {dialog === "cancel" && (
        <CancelDialog action={action} onClose={() => setDialog(null)}
          onDone={() => { setDialog(null); after("The request is cancelled."); }} />
      )}
    </main>
  );
}
