import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { usePasskey } from "../api/passkey";
import { api } from "../api/routes";
import type { Passkey } from "../api/types";
import { returned } from "../reach";
import { go } from "../router";
import { useStore } from "../store";
import { Dialog } from "./dialog";
import { Icon } from "./icon";
import { Ago, Card, Copy, Loading, Note, ProblemNote } from "./pieces";
import { Text } from "./text";

export function PasskeysCard() {
  const [items, setItems] = useState<Passkey[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [link, setLink] = useState("");
  const [leaving, setLeaving] = useState<Passkey | null>(null);
  const load = (): Promise<void> =>
    api.passkeys().then((page) => { setItems(page.items); setProblem(null); }, (error: unknown) => setProblem(asProblem(error)));
  const back = useStore(returned);
  useEffect(() => void load(), [back]);

  const add = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const { ceremony, options, url } = await api.passkeyBegin();
      setLink(url ?? (await api.passkeyLink(ceremony, await usePasskey(options))).url);
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Card title="Passkeys" aside={<span class="card-aside">how you sign in, and sign what needs it</span>}>
      {problem && <div class="pad"><ProblemNote problem={problem} /></div>}
      {!items && !problem && <Loading what="your passkeys" />}
      <ul class="things" aria-label="Your passkeys">
        {(items ?? []).map((passkey) => (
          <li key={passkey.id}>
            <div>
              <p><strong><Text>{passkey.label || "A passkey"}</Text></strong>
                {passkey.current && <span class="tag">this session</span>}</p>
              <p class="small muted">
                added <Ago at={passkey.created_at} exact />{passkey.backed_up && " · synchronised between devices"}
              </p>
            </div>
            {items!.length > 1 && (
              <button type="button" class="button button-small" onClick={() => setLeaving(passkey)}>
                Remove…<span class="hidden"> {passkey.label}</span>
              </button>
            )}
          </li>
        ))}
      </ul>
      <div class="pad stack card-foot">
        {link
          ? <FurtherLink url={link} onDone={() => { setLink(""); void load(); }} />
          : (
            <>
              <button type="button" class="button" disabled={busy} onClick={() => void add()}>
                <Icon name="passkey" size={18} /> {busy ? "Waiting for your passkey…" : "Add another passkey"}
              </button>
              <p class="small muted">
                {items?.length === 1 && "With one passkey only, a lost device locks you out. "}
                You confirm it with a passkey that you have.
              </p>
            </>
          )}
      </div>
      {leaving && (
        <RemoveDialog passkey={leaving} onClose={() => setLeaving(null)}
          onDone={() => { setLeaving(null); void load(); }} />
      )}
    </Card>
  );
}

function FurtherLink({ url, onDone }: { url: string; onDone: () => void }) {
  return (
    <Note kind="good">
      <p>This link enrols one more passkey for you. It works once, for fifteen minutes. Whoever has it becomes you.</p>
      <p class="token-line"><code class="wrap">{url}</code></p>
      <p class="buttons">
        <Copy text={url} what="the link" word="Copy, for another device" />
        <button type="button" class="button button-small" onClick={() => go(new URL(url).pathname + new URL(url).hash)}>
          Use it on this device
        </button>
        <button type="button" class="button button-small" onClick={onDone}>Done</button>
      </p>
    </Note>
  );
}

function RemoveDialog({ passkey, onClose, onDone }: { passkey: Passkey; onClose: () => void; onDone: () => void }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const remove = (): void => {
    api.removePasskey(passkey.id).then(onDone, (error: unknown) => setProblem(asProblem(error)));
  };
  return (
    <Dialog title="Remove this passkey?" onClose={onClose}>
      <p><strong><Text>{passkey.label || "A passkey"}</Text></strong> will not sign you in any more, and the sessions that
        it opened end{passkey.current ? ": this one too" : ""}.</p>
      {problem && <ProblemNote problem={problem} />}
      <div class="dialog-buttons">
        <button type="button" class="button" autoFocus onClick={onClose}>Keep it</button>
        <button type="button" class="button button-deny" onClick={remove}>Remove it</button>
      </div>
    </Dialog>
  );
}
