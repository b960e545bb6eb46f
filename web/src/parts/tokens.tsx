import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import type { Me, NewToken, Token } from "../api/types";
import { shortTime, span, useNow } from "../words";
import { returned } from "../reach";
import { useStore } from "../store";
import { Dialog } from "./dialog";
import { Ago, Card, Copy, Loading, Note, ProblemNote } from "./pieces";
import { Text } from "./text";

const lives: [expires: string, word: string][] = [["1d", "1 day"], ["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"]];

export function TokensCard({ me }: { me: Me }) {
  const [items, setItems] = useState<Token[] | null>(null);
  const [agents, setAgents] = useState<string[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [made, setMade] = useState<NewToken | null>(null);
  const [leaving, setLeaving] = useState<Token | null>(null);
  const load = (): Promise<void> =>
    api.tokens().then((page) => { setItems(page.items); setProblem(null); }, (error: unknown) => setProblem(asProblem(error)));
  const back = useStore(returned);
  useEffect(() => {
    void load();
    api.agents().then((page) => setAgents(page.items.filter((agent) => agent.owner.id === me.id).map((agent) => agent.name)),
      () => {}); // then there is nothing to choose
  }, [back]);

  return (
    <Card title="Tokens" aside={<span class="card-aside">for terminals and agents</span>}>
      {problem && <div class="pad"><ProblemNote problem={problem} /></div>}
      {!items && !problem && <Loading what="your tokens" />}
      {items?.length === 0 && <p class="pad muted">No tokens. The command line needs one: <code>keyturn list</code> reads it from <code>KEYTURN_TOKEN</code>.</p>}
      <ul class="things" aria-label="Your tokens">
        {(items ?? []).map((token) => (
          <li key={token.id}>
            <div>
              <p><strong><Text>{token.label || token.id}</Text></strong>
                {token.agent && <span class="tag">agent <Text>{token.agent}</Text></span>}</p>
              <p class="small muted">made <Ago at={token.created_at} exact /> · <Ends at={token.expires_at} /></p>
            </div>
            <button type="button" class="button button-small" onClick={() => setLeaving(token)}>
              Revoke…<span class="hidden"> {token.label || token.id}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="pad card-foot">
        {made
          ? <Shown made={made} onDone={() => setMade(null)} />
          : <NewTokenForm agents={agents} onMade={(token) => { setMade(token); void load(); }} />}
      </div>
      {leaving && (
        <RevokeDialog token={leaving} onClose={() => setLeaving(null)}
          onDone={() => { setLeaving(null); if (made?.id === leaving.id) setMade(null); void load(); }} />
      )}
    </Card>
  );
}

function Ends({ at }: { at: string | null }) {
  const now = useNow(60_000);
  if (!at) return <>does not expire</>;
  const left = (Date.parse(at) - now) / 1000;
  return left > 0 ? <>expires in {span(left)} ({shortTime(at, now)})</> : <span class="bad">expired {shortTime(at, now)}</span>;
}

function NewTokenForm({ agents, onMade }: { agents: string[]; onMade: (token: NewToken) => void }) {
  const [label, setLabel] = useState("");
  const [expires, setExpires] = useState("30d");
  const [agent, setAgent] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const make = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      onMade(await api.makeToken({ label: label.trim(), expires, ...(agent ? { agent } : {}) }));
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
      setBusy(false);
    }
  };
  return (
    <form class="token-form" onSubmit={(event) => void make(event)}>
      {problem && <ProblemNote problem={problem} />}
      <label class="field-label">
        What is it for?
        <input type="text" required maxLength={64} placeholder="laptop" autocomplete="off" value={label}
          onInput={(event) => setLabel(event.currentTarget.value)} />
      </label>
      {agents.length > 0 && (
        <label class="field-label">
          Acts as
          <select value={agent} onChange={(event) => setAgent(event.currentTarget.value)}>
            <option value="">yourself</option>
            {agents.map((name) => <option key={name} value={name}>agent {name}</option>)}
          </select>
        </label>
      )}
      <label class="field-label">
        Expires after
        <select value={expires} onChange={(event) => setExpires(event.currentTarget.value)}>
          {lives.map(([value, word]) => <option key={value} value={value}>{word}</option>)}
        </select>
      </label>
      <button type="submit" class="button" disabled={busy}>{busy ? "Making it…" : "Make a token"}</button>
    </form>
  );
}

// The one time that the token's text is on a screen.
function Shown({ made, onDone }: { made: NewToken; onDone: () => void }) {
  const heading = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    heading.current?.focus();
    heading.current?.closest(".note")?.scrollIntoView({ block: "center" });
  }, []);
  const lines = `export KEYTURN_URL=${location.origin}\nexport KEYTURN_TOKEN=${made.token}`;
  return (
    <Note kind="good">
      <p ref={heading} tabIndex={-1}><strong>Your new token, shown this once.</strong> Copy it now: nobody can show it again.</p>
      <p class="token-line"><code class="wrap" data-token>{made.token}</code></p>
      <p class="buttons">
        <Copy text={made.token} what="the token" word="Copy the token" />
        <Copy text={lines} what="the lines for a terminal" word="Copy as export lines" />
        <button type="button" class="button button-small" onClick={onDone}>I have it</button>
      </p>
    </Note>
  );
}

function RevokeDialog({ token, onClose, onDone }: { token: Token; onClose: () => void; onDone: () => void }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const revoke = (): void => {
    api.revokeToken(token.id).then(onDone, (error: unknown) => setProblem(asProblem(error)));
  };
  return (
    <Dialog title="Revoke this token?" onClose={onClose}>
      <p>Whatever uses <strong><Text>{token.label || token.id}</Text></strong> is refused from now on. This cannot be undone.</p>
      {problem && <ProblemNote problem={problem} />}
      <div class="dialog-buttons">
        <button type="button" class="button" autoFocus onClick={onClose}>Keep it</button>
        <button type="button" class="button button-deny" onClick={revoke}>Revoke it</button>
      </div>
    </Dialog>
  );
}
