// The whole picture of one action, and the decision about it.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import { listen } from "../api/stream";
import { isFinal, partyId, partyName, type Action, type Me, type Section, type TimelineItem } from "../api/types";
import { noteInActivity } from "../activity";
import { inbox, noteAction } from "../inbox";
import { useKeys } from "../keys";
import { AmendDialog } from "../parts/amend";
import { DecisionPanel, votedBy, whyNot } from "../parts/decision";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { OutcomeCard } from "../parts/outcome";
import {
  Ago, Card, Copy, Empty, Expiry, Heading, JsonBlock, Loading, Note, ProblemNote, Quorum, ResourceName, StateTag, Who,
} from "../parts/pieces";
import { useReveal } from "../parts/reveal";
import { plainText, visible } from "../parts/runs";
import { CaseSection } from "../parts/section";
import { Text } from "../parts/text";
import { CommentForm, TimelineCard, VotesCard } from "../parts/timeline";
import { go } from "../router";
import { cameFrom, useSpot } from "../spot";
import { useStore } from "../store";
import { count, exactTime, stateMeanings, towards } from "../words";

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

  const reload = useCallback(async () => {
    try {
      const [action, timeline] = await Promise.all([
        api.action(id), api.timeline(id).catch(() => null),
      ]);
      if (alive.current !== id) return;
      setLoaded((old) => {
        if (old && old.action.id === id && old.action.version > action.version) return old;
        return { action, timeline: timeline?.items ?? (old?.action.id === id ? old.timeline : []) };
      });
      setProblem(null);
      noteAction(action);
      noteInActivity(action);
    } catch (error) {
      if (alive.current !== id) return;
      setProblem(asProblem(error));
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
    return () => {
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

// Back to the list that this page was opened from, where one was on it.
function Crumb() {
  const { list, steps } = cameFrom();
  const activity = list.startsWith("/activity");
  const back = (event: MouseEvent): void => {
    if (!list || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.go(-steps);
  };
  return (
    <p class="crumb">
      <a href={list || "/"} onClick={back}><Icon name="back" size={14} /> {activity ? "Activity" : "Inbox"}</a>
    </p>
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
  const [said, setSaid] = useState("");
  const [dialog, setDialog] = useState<"amend" | "cancel" | null>(null);
  const comment = useRef<HTMLTextAreaElement>(null);
  const after = useCallback((words: string) => {
    setSaid(words);
    void reload();
  }, [reload]);
  useKeys({ c: () => comment.current?.focus() });
  useSpot(true);

  const open = action.state === "pending" || action.state === "deferred";
  const tracked = action.state === "pending" && !whyNot(action, me) && !votedBy(action, me);
  const isTheirs = partyId(action.owner) === me.id || partyId(action.requester) === me.id;
  const isAsked = (action.needed ?? []).some((place) => me.groups?.includes(place.group));
  const mayCancel = !isFinal(action.state) && action.state !== "executing" && (me.admin || isTheirs);
  const mayAmend = open && (isTheirs || isAsked) && action.args !== undefined && action.args !== null;

  return (
    <main id="main" class={action.state === "pending" ? "page case case-open" : "page case"}>
      <Crumb />
      <CaseHead action={action} />
      {problem && <ProblemNote problem={problem} retry={() => void reload()} />}
      {firstDigest.current !== action.digest && open && (
        <Note kind="warn">The case changed while you were looking at it. Look at all of it again.</Note>
      )}
      <p class="live" role="status" aria-live="polite">{said}</p>
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
          {(mayAmend || mayCancel) && (
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
            </div>
          )}
        </div>
        <aside class="case-rail" aria-label="Decision and policy">
          {action.state === "pending" && (
            <DecisionPanel action={action} me={me} reveal={reveal} onVoted={after} />
          )}
          {!tracked && <NextUp after={action.id} />}
          {(action.needed?.length ?? 0) > 0 && (
            <div class="wide-only"><Card title="Needed"><div class="pad"><Quorum needed={action.needed} words /></div></Card></div>
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

function CaseHead({ action }: { action: Action }) {
  const claimed = action.claims?.on_behalf_of;
  const title = plainText(visible(`${action.operation} ${action.resource?.name ?? action.tool}`));
  return (
    <header class="case-head">
      <div class="case-status">
        <StateTag state={action.state} />
        {action.expires_at && !isFinal(action.state) && (
          <Expiry at={action.expires_at} from={action.created_at} exact />
        )}
      </div>
      <Heading title={title}>
        {partyName(action.requester) ? <><Who party={action.requester} /> {isFinal(action.state) ? "asked" : "asks"} to </> : <>A request to </>}
        <span class="operation"><Text>{action.operation}</Text></span> {towards(action.operation)}{" "}
        <ResourceName resource={action.resource} />
      </Heading>
      <p class="case-by">
        through <span class="mono"><Text>{action.tool}</Text></span>
        {typeof claimed === "string" && (
          <> · on behalf of <strong><Text>{claimed}</Text></strong> <span class="claimed" title="The agent says so. Keyturn does not know it.">claimed</span></>
        )}
        {partyId(action.owner) && <> · owner <Who party={action.owner} /></>}
        {" "}· asked <Ago at={action.created_at} exact />
      </p>
      {action.reason && !action.display?.length && (
        <blockquote class="reason">
          <Text lines>{action.reason}</Text>
          <footer>reason <span class="claimed" title="The agent says so. Keyturn does not know it.">claimed</span> by the agent</footer>
        </blockquote>
      )}
      <div class="narrow-only"><Quorum needed={action.needed} words /></div>
      <p class="case-meaning"><Denial action={action} />{stateMeanings[action.state]}</p>
      {action.amends && (
        <p class="case-by">Amends <a href={`/a/${encodeURIComponent(action.amends)}`}>an earlier request</a>, which was cancelled.</p>
      )}
      {action.amended_by && (
        <p class="case-by">Replaced by <a href={`/a/${encodeURIComponent(action.amended_by)}`}>an amended request</a>.</p>
      )}
    </header>
  );
}

const hasContent = (value: unknown): boolean =>
  !!value && (typeof value !== "object" || Object.keys(value).length > 0);

// Who or what said no.
function Denial({ action }: { action: Action }) {
  if (action.state !== "denied") return null;
  const vote = (action.votes ?? []).find((given) => given.decision === "deny");
  if (vote) {
    return (
      <><strong>Denied by <Text>{vote.reviewer}</Text></strong>{vote.note && <>: “<Text>{vote.note}</Text>”</>}. </>
    );
  }
  const reasons = action.verdict?.reasons ?? [];
  return <><strong>Denied by policy</strong>{reasons.length > 0 && <>: <Text>{reasons.join("; ")}</Text></>}. </>;
}

// Without sections from the server's renderer what there is, is still shown (and Approve is not offered).
function Undisplayed({ action }: { action: Action }) {
  const part = (title: string, value: unknown) => hasContent(value) && (
    <Card title={title}><JsonBlock value={value} label={title} /></Card>
  );
  return <>{part("Arguments", action.args)}{part("Claims", action.claims)}{part("Facts", action.facts)}</>;
}

// After a decision: what else waits.
function NextUp({ after }: { after: string }) {
  const { list, total } = useStore(inbox);
  const next = list.find((action) => action.id !== after);
  if (!next) return null;
  return (
    <p class="next-up">
      <a class="button button-wide" href={`/a/${encodeURIComponent(next.id)}`}>
        Next request <span class="muted">({count(total)} waiting)</span> <Icon name="next" size={16} />
      </a>
    </p>
  );
}

function PolicyCard({ action }: { action: Action }) {
  const verdict = action.verdict;
  if (!verdict) return null;
  const effects: Record<string, string> = {
    allow: "allows it", deny: "denies it", require: "asks for people", modify: "changes it", defer: "defers it",
  };
  const plan = verdict.plan;
  return (
    <Card title="Verdict">
      <div class="pad stack">
        <p>Policy <strong>{effects[verdict.effect] ?? verdict.effect}</strong>.</p>
        {(verdict.reasons ?? []).length > 0 && (
          <ul class="reasons">{verdict.reasons!.map((reason, i) => <li key={i}><Text lines>{reason}</Text></li>)}</ul>
        )}
        {(verdict.rules ?? []).length > 0 && (
          <p class="small">
            {verdict.rules!.length === 1 ? "Rule" : "Rules"}{" "}
            {verdict.rules!.map((rule) => <code class="rule" key={rule}><Text>{rule}</Text></code>)}
          </p>
        )}
        {plan && (
          <p class="small muted">
            {[
              plan.assurance && `a vote needs at least: ${plan.assurance}`,
              plan.channels?.length && `by ${plan.channels.join(", ")}`,
              plan.veto && plan.veto !== "any" && `veto: ${JSON.stringify(plan.veto)}`,
            ].filter(Boolean).join(" · ")}
          </p>
        )}
      </div>
    </Card>
  );
}

function EvidenceCard({ action }: { action: Action }) {
  const index = action.ledger?.index;
  return (
    <Card title="Evidence">
      <dl class="evidence">
        <dt>Action</dt><dd><code><Text>{action.id}</Text></code></dd>
        {action.digest && (
          <>
            <dt>Digest of the case</dt>
            <dd><code class="wrap"><Text>{action.digest}</Text></code> <Copy text={action.digest} what="the digest" /></dd>
          </>
        )}
        {action.verdict?.policy && (
          <><dt>Policy</dt><dd><code class="wrap"><Text>{action.verdict.policy}</Text></code></dd></>
        )}
        <dt>Asked</dt><dd><time dateTime={action.created_at}>{exactTime(action.created_at)}</time></dd>
        <dt>Ledger</dt>
        <dd>{typeof index === "number"
          ? <a href={`/ledger?entry=${index}`}>entry {index}: verify it here</a>
          : "no index yet"}</dd>
      </dl>
    </Card>
  );
}

function CancelDialog({ action, onClose, onDone }: {
  action: Action; onClose: () => void; onDone: () => void;
}) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const cancel = async (): Promise<void> => {
    try {
      await api.cancel(action.id);
      onDone();
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
    }
  };
  return (
    <Dialog title="Cancel this request?" onClose={onClose}>
      <p>It will not run, and the agent is told so. This cannot be undone; the agent can ask again.</p>
      {problem && <ProblemNote problem={problem} />}
      <div class="dialog-buttons">
        <button type="button" class="button" autoFocus onClick={onClose}>Keep it</button>
        <button type="button" class="button button-deny" onClick={() => void cancel()}>Cancel the request</button>
      </div>
    </Dialog>
  );
}
