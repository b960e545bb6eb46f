// Signing in, and enrolling the first passkey.

import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { createPasskey, hostIsAddress, passkeysWork, usePasskey, type CreationOptionsJson } from "../api/passkey";
import { api } from "../api/routes";
import type { Ceremony } from "../api/types";
import { Icon, Keyhole } from "../parts/icon";
import { Heading, Loading, Note, ProblemNote } from "../parts/pieces";
import { ProviderButtons } from "../parts/providers";
import { Text } from "../parts/text";
import { decoded, go, place } from "../router";
import { session, signedIn } from "../session";
import { useStore } from "../store";

// Only a path of this page: never an address that somebody put into a link.
function returnPath(search: string): string {
  const to = new URLSearchParams(search).get("to") ?? "/";
  return /^\/(a\/|activity|policy|ledger|emergencies|insights|admin|account|demo)/.test(to) ? to : "/";
}

function NoPasskeys() {
  if (passkeysWork()) return null;
  const named = `${location.protocol}//localhost${location.port ? ":" + location.port : ""}${location.pathname}${location.hash}`;
  return (
    <Note kind="warn">
      {hostIsAddress()
        ? <p>Browsers refuse passkeys on an IP address. Open Keyturn by its name{/^(127\.|\[?::1)/.test(location.hostname) && <>: <a href={named}>localhost</a></>}.</p>
        : <p>This browser, or this connection, does not allow passkeys. Use HTTPS, or <code>http://localhost</code> on the server's own machine.</p>}
    </Note>
  );
}

export function LoginPage() {
  const { search } = useStore(place);
  const now = useStore(session);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const login = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const { ceremony, options } = await api.loginBegin();
      await api.loginFinish(ceremony, await usePasskey(options));
      go(returnPath(search), true);
      await signedIn();
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main id="main" class="gate">
      <div class="gate-card">
        <span class="gate-lock"><Keyhole turned={busy} size={72} /></span>
        <Heading title="Sign in">Sign in to Keyturn</Heading>
        <p class="muted">With the passkey that you enrolled: your finger, your face, or a security key.</p>
        {now.kind === "out" && now.ended && !problem && (
          <Note kind="warn"><p>Your session has ended. Sign in again, and you are back where you were.</p></Note>
        )}
        <NoPasskeys />
        {problem && <ProblemNote problem={problem} />}
        <button type="button" class="button button-accent button-wide" disabled={busy} onClick={() => void login()}>
          <Icon name="passkey" /> {busy ? "Waiting for your passkey…" : "Sign in with a passkey"}
        </button>
        <ProviderButtons onProblem={setProblem} />
        <p class="small muted">No passkey yet? Whoever runs Keyturn gives you an enrolment link.</p>
      </div>
    </main>
  );
}

function labelGuess(): string {
  const agent = navigator.userAgent;
  const device = [
    [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android phone"], [/Mac OS X/, "Mac"], [/Windows/, "Windows computer"],
    [/Linux/, "Linux computer"],
  ] as const;
  return device.find(([pattern]) => pattern.test(agent))?.[1] ?? "My passkey";
}

export function EnrolPage() {
  const { hash } = useStore(place);
  const token = decoded(hash.slice(1));
  const [begun, setBegun] = useState<(Ceremony<CreationOptionsJson> & { person: string }) | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [label, setLabel] = useState(labelGuess);
  const [busy, setBusy] = useState(false);

  const begin = (): void => {
    setProblem(null);
    api.enrolBegin(token).then(setBegun, (error: unknown) => setProblem(asProblem(error, "That did not work")));
  };
  useEffect(() => {
    if (token) begin();
  }, [token]);

  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!begun || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const credential = await createPasskey(begun.options);
      await api.enrolFinish({
        ceremony: begun.ceremony, token, credential, label: label.trim() || "My passkey",
      });
      go("/", true); // the token leaves the address bar and the history
      await signedIn();
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
      // A ceremony serves once: the next try needs a new one.
      api.enrolBegin(token).then(setBegun, () => {});
    } finally {
      setBusy(false);
    }
  };

  return (
    <main id="main" class="gate">
      <div class="gate-card">
        <span class="gate-lock"><Keyhole turned={busy} size={72} /></span>
        <Heading title="Enrol">{begun ? <>Welcome, <Text>{begun.person}</Text></> : "Enrol a passkey"}</Heading>
        <NoPasskeys />
        {!token && (
          <Note kind="warn">
            <p>This page needs the whole enrolment link, with the part after the # sign. Open it again from where you got it.</p>
          </Note>
        )}
        {problem && <ProblemNote problem={problem} retry={begun ? undefined : begin} />}
        {token && !begun && !problem && <Loading what="your enrolment" />}
        {begun && (
          <form class="stack" onSubmit={(event) => void create(event)}>
            <p class="muted">A passkey is how you sign in and how you sign what you approve. It stays on your device;
              Keyturn keeps only its public half.</p>
            <label class="field-label">
              A name for this device
              <input type="text" maxLength={64} value={label} onInput={(event) => setLabel(event.currentTarget.value)} />
            </label>
            <button type="submit" class="button button-accent button-wide" disabled={busy}>
              <Icon name="passkey" /> {busy ? "Waiting for your device…" : "Create my passkey"}
            </button>
          </form>
        )}
      </div>
    </main>
  );
}
