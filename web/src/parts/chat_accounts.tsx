// Chat accounts whose clicks count as one's own: a code said there, an answer there, and a look here at which account that was.

import { useEffect, useRef, useState } from "preact/hooks";
import { chats, type ChatAttempt, type ChatLinks } from "../api/chats";
import { asProblem, type Problem } from "../api/client";
import { bareAccount, chatsOf, clockLeft, endingsOf, sayOf, stepOf } from "../chats";
import { lost, returned } from "../reach";
import { useStore } from "../store";
import { nameOf, useNow } from "../words";
import { useAct } from "./act";
import { Confirm } from "./confirm";
import { Icon } from "./icon";
import { Card, Copy, Note, ProblemNote } from "./pieces";
import { Text } from "./text";

const lookEveryMs = 2_000;
const begunHere = new Set<string>(); // attempts; for as long as this page stays loaded
const stoppedHere = new Set<string>();

// While something is under way it is looked at again and again: the other half happens in the chat.
function useLinks() {
  const [links, setLinks] = useState<ChatLinks | null>(null);
  const [said, setSaid] = useState<string[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = useRef<ChatLinks | null>(null);
  const asked = useRef(0);
  const take = (now: ChatLinks): void => {
    const ended = endingsOf(latest.current, now, stoppedHere, Date.now());
    if (ended.length) setSaid(ended);
    latest.current = now;
    setLinks(now);
    setProblem(null);
  };
  const load = async (): Promise<void> => {
    const mine = ++asked.current;
    try {
      const now = await chats.all();
      if (mine === asked.current) take(now); // an answer that is overtaken says nothing
    } catch (error) {
      if (mine === asked.current) setProblem(asProblem(error));
    }
  };
  const back = useStore(returned);
  useEffect(() => void load(), [back]);
  const going = !!links?.under_way.length;
  useEffect(() => {
    if (!going) return;
    const look = (): void => { if (!lost.get()) void load(); };
    const timer = window.setInterval(look, lookEveryMs);
    document.addEventListener("visibilitychange", look);
    return () => {
      window.clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [going]);
  return { links, said, setSaid, problem, load, take };
}

export function ChatAccountsCard() {
  const { links, said, setSaid, problem, load, take } = useLinks();
  const { busy, problem: refused, act } = useAct();
  const [leaving, setLeaving] = useState<string | null>(null);
  const [linked, setLinked] = useState<string | null>(null);
  if (!links) return problem && <Card title="Chat accounts"><div class="pad"><ProblemNote problem={problem} retry={() => void load()} /></div></Card>;
  const shown = chatsOf(links);
  if (!shown.length) return null;

  const begin = (channel: string): Promise<void> => act(async () => {
    setSaid([]);
    setLinked(null);
    for (const one of links.under_way) if (one.channel === channel) stoppedHere.add(one.id);
    begunHere.add((await chats.begin(channel)).id);
    await load();
  });
  const confirm = async (attempt: ChatAttempt): Promise<void> => {
    take(await chats.confirm(attempt.id));
    setLinked(attempt.channel);
  };
  const stop = async (attempt: ChatAttempt): Promise<void> => {
    stoppedHere.add(attempt.id);
    await chats.drop(attempt.id).catch((error: unknown) => { if (asProblem(error).code !== "not_found") throw error; });
    await load();
  };

  return (
    <Card title="Chat accounts" aside={<span class="card-aside">whose clicks there count as yours</span>}>
      {(problem ?? refused) && <div class="pad"><ProblemNote problem={(problem ?? refused)!} /></div>}
      <div class={said.length || linked ? "pad stack" : undefined} role="status">
        {linked && <Note kind="good">Your account in {nameOf(linked)} is linked.</Note>}
        {said.map((one) => <Note key={one} kind="warn">{one}</Note>)}
      </div>
      <ul class="things" aria-label="Your chat accounts">
        {shown.map((channel) => {
          const account = links.items.find((one) => one.channel === channel)?.account;
          const attempt = links.under_way.find((one) => one.channel === channel);
          return (
            <li key={channel}>
              <div>
                <p><strong>{nameOf(channel)}</strong></p>
                <p class="small muted">{account ? <>linked: <code><Text>{bareAccount(account)}</Text></code></> : "no account of yours is linked"}</p>
              </div>
              <p class="buttons">
                {!attempt && links.channels.includes(channel) && (
                  <button type="button" class="button button-small" disabled={busy} onClick={() => void begin(channel)}>
                    {account ? "Link another instead" : "Link"}<span class="hidden"> in {nameOf(channel)}</span>
                  </button>
                )}
                {account && (
                  <button type="button" class="button button-small" onClick={() => setLeaving(channel)}>
                    Unlink…<span class="hidden"> {nameOf(channel)}</span>
                  </button>
                )}
              </p>
              {attempt && <Attempt key={attempt.id} attempt={attempt} replaces={!!account} onConfirm={() => confirm(attempt)} onStop={() => stop(attempt)} />}
            </li>
          );
        })}
      </ul>
      {leaving && (
        <Confirm title={`Unlink your account in ${nameOf(leaving)}?`} act="Unlink it" onAct={() => chats.unlink(leaving)}
          onClose={(done) => { setLeaving(null); if (done) { setLinked(null); void load(); } }}>
          <p>From now on no click and no word there counts as yours, and nothing is sent to you there. What was decided from there stands.</p>
        </Confirm>
      )}
    </Card>
  );
}

function Attempt({ attempt, replaces, onConfirm, onStop }: {
  attempt: ChatAttempt; replaces: boolean; onConfirm: () => Promise<void>; onStop: () => Promise<void>;
}) {
  const now = useNow(1_000);
  const head = useRef<HTMLHeadingElement>(null);
  const { busy, problem, act } = useAct();
  const step = stepOf(attempt, now);
  const chat = nameOf(attempt.channel);
  const hint = `${attempt.id}-hint`;
  useEffect(() => {
    if (begunHere.has(attempt.id)) head.current?.focus();
  }, []);
  return (
    <section class="linking stack" aria-label={`Linking ${chat}`}>
      {!begunHere.has(attempt.id) && (
        <Note kind="warn"><strong>This was not begun on this page.</strong> If you did not begin it yourself, just now, in another tab or browser: stop it.</Note>
      )}
      <div class="stack" role="status">
        <h3 ref={head} tabIndex={-1}>{attempt.account ? "Is this you?" : `Say this code to Keyturn in ${chat}`}</h3>
        {attempt.account && (
          <p class="said-by">
            <strong><Text>{attempt.account.name || "without a name"}</Text></strong>
            <code class="wrap"><Text>{bareAccount(attempt.account.account)}</Text></code>
          </p>
        )}
      </div>
      {attempt.account ? (
        <>
          <p>This account said your code. <strong>Linking it means: its clicks count as yours.</strong> Whoever uses it sees in {chat} what
            waits for you, and approves and denies in your name, wherever policy takes a click in a chat.{replaces && ` It takes the place of the one that is linked now.`}</p>
          <p>Confirm only what you began yourself. A name in {chat} is what somebody chose: look at the id, too.</p>
        </>
      ) : <Say attempt={attempt} />}
      {problem && <ProblemNote problem={problem} />}
      <p id={hint} class={step === "confirm" ? "small accent" : "small muted"} role="status">
        {step === "agree" && "It has to agree in the chat first: Keyturn asks it there."}
        {step === "confirm" && <><Icon name="check" size={14} /> It agreed in the chat.</>}
        {step === "late" && "The time of this code is over."}
      </p>
      <p class="buttons">
        {attempt.account && (
          <button type="button" class="button button-accent" disabled={busy || step !== "confirm"} aria-describedby={hint} onClick={() => void act(onConfirm)}>
            Confirm: it is mine
          </button>
        )}
        <button type="button" class="button" disabled={busy} onClick={() => void act(onStop)}>{attempt.account ? "It is not mine: stop" : "Stop"}</button>
        {step !== "late" && <span class="small muted" role="timer">{clockLeft(attempt.expires_at, now)} left</span>}
      </p>
    </section>
  );
}

function Say({ attempt: { channel, code } }: { attempt: ChatAttempt }) {
  if (!code) return null;
  const line = sayOf(channel, code);
  return (
    <>
      <p class="link-code"><code>{code}</code></p>
      <p>{channel === "slack" ? "In Slack type, in any channel or direct message:" : `In ${nameOf(channel)} write to Keyturn, in your own chat with it:`}</p>
      <p class="token-line"><code class="wrap">{line}</code></p>
      <p class="buttons"><Copy text={line} what="the line" word="Copy the line" /></p>
      <p class="small muted">Say it yourself and give it to nobody. Then this page says which account it was, and you confirm it here.</p>
    </>
  );
}
