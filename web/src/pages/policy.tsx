// The policy: what is in force, a draft of the next one, what it would mean, and proposing it.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Coverage, Diagnostic, Me, PolicyInForce } from "../api/types";
import {
  check, discard, draft, files, isDirty, loadPolicy, originalOf, standsOn, startDraft, textOf, write, checkSoon, type Check, type File,
} from "../draft";
import { useKeys } from "../keys";
import { DiffView } from "../parts/diff_view";
import { Editor, type EditorHandle } from "../parts/editor";
import { ExplainPanel } from "../parts/explain";
import { Icon } from "../parts/icon";
import { Ago, Card, Copy, Heading, Loading, Note, ProblemNote } from "../parts/pieces";
import { ProposePanel } from "../parts/propose";
import { ReplayPanel } from "../parts/replay";
import { Text } from "../parts/text";
import { returned, useReadAt } from "../reach";
import { useSpot } from "../spot";
import { useStore } from "../store";
import { count, plural } from "../words";
import "../style/policy.css";

startDraft();

const panels = ["Difference", "Explain", "Replay", "Propose"] as const;
type Panel = (typeof panels)[number];

export function PolicyPage({ me }: { me: Me }) {
  const now = useStore(draft);
  const [panel, setPanel] = useState<Panel>("Difference");
  const [kept, setKept] = useState(now.who === me.id && isDirty(now));
  const back = useStore(returned);
  useEffect(() => void loadPolicy(me.id), [me.id, back]);
  const mine = now.who === me.id ? now : null;
  const inForce = mine?.inForce ?? null;
  useSpot(!!inForce);
  useReadAt(inForce);
  useKeys({ e: () => document.querySelector<HTMLElement>(".editor textarea")?.focus() });
  const mayPropose = me.kind === "person";
  const moved = !!mine && !!inForce && isDirty(mine) && mine.begun !== standsOn(inForce);

  return (
    <main id="main" class="page">
      <div class="page-head"><Heading title="Policy" /></div>
      <p class="lede">What each action needs: nothing, some people, another time, other arguments, or that it may not happen.</p>
      {mine?.problem && <ProblemNote problem={mine.problem} retry={() => void loadPolicy(me.id)} />}
      {!inForce && !mine?.problem && <Loading what="the policy" />}
      {inForce && (
        <div class="policy-cards">
          <InForceCard inForce={inForce} />
          {moved && (
            <Note kind="warn">Something else came into force since this draft was begun. The differences are those from what is in force now:
              look whether the draft would take back what others changed.</Note>
          )}
          {kept && isDirty(now) && (
            <Note>This is your draft from before. <button type="button" class="link-button" onClick={() => { discard(); setKept(false); }}>Discard it</button></Note>
          )}
          <EditorCard readOnly={!mayPropose} />
          <section class="card" aria-label="The draft">
            <header class="card-head">
              <fieldset class="segmented">
                <legend class="hidden">What about the draft</legend>
                {panels.filter((one) => mayPropose || one !== "Propose").map((one) => (
                  <label key={one}>
                    <input type="radio" name="panel" checked={panel === one} onChange={() => setPanel(one)} />
                    <span>{one}</span>
                  </label>
                ))}
              </fieldset>
            </header>
            <div class="pad">
              {panel === "Difference" && <Differences />}
              <div hidden={panel !== "Explain"}><ExplainPanel /></div>
              <div hidden={panel !== "Replay"}><ReplayPanel me={me} /></div>
              <div hidden={panel !== "Propose"}><ProposePanel sealed={inForce.sealed} /></div>
            </div>
          </section>
          <HistoryCard inForce={inForce} />
        </div>
      )}
    </main>
  );
}

function InForceCard({ inForce }: { inForce: PolicyInForce }) {
  return (
    <Card title="In force" aside={<span class="card-aside">revision {count(inForce.revision)}</span>}>
      <dl class="evidence">
        <dt>Document</dt><dd><strong><Text>{inForce.name}</Text></strong></dd>
        <dt>Digest</dt><dd><code class="wrap"><Text>{inForce.digest}</Text></code> <Copy text={inForce.digest} what="the digest" /></dd>
        <dt>Mode</dt><dd>{inForce.mode === "observe" ? "observing: verdicts are recorded, not enforced" : "enforced"}</dd>
        <dt>Seal</dt>
        <dd>{inForce.sealed
          ? "sealed: it changes only by what is proposed here and agreed to"
          : "not sealed: files take effect at once when the server reads them; proposals work the same way"}</dd>
      </dl>
    </Card>
  );
}

const errorsOf = (found: Diagnostic[], file?: File): Diagnostic[] =>
  found.filter((one) => !one.warning && (!file || one.file === file));

function EditorCard({ readOnly }: { readOnly: boolean }) {
  const now = useStore(draft);
  const state = useStore(check);
  const [file, setFile] = useState<File>("policy.yaml");
  const editor = useRef<EditorHandle>(null);
  const wanted = useRef<Diagnostic | null>(null);
  const found = state.kind === "none" ? [] : state.diagnostics;
  const changed = textOf(now, file) !== originalOf(now, file);
  const jump = (one: Diagnostic): void => {
    const to = files.find((name) => name === one.file);
    if (to && to !== file) {
      wanted.current = one;
      setFile(to);
    } else {
      editor.current?.goTo(one.line, one.column);
    }
  };
  useEffect(() => {
    if (wanted.current) editor.current?.goTo(wanted.current.line, wanted.current.column);
    wanted.current = null;
  }, [file]);
  return (
    <section class="card" aria-label="Editor">
      <header class="card-head">
        <fieldset class="segmented">
          <legend class="hidden">Document</legend>
          {files.map((name) => {
            const errors = errorsOf(found, name).length;
            return (
              <label key={name}>
                <input type="radio" name="file" checked={file === name} onChange={() => setFile(name)} />
                <span>{name}{textOf(now, name) !== originalOf(now, name) && <> <span class="dirty" title="changed">•<span class="hidden"> changed</span></span></>}
                  {errors > 0 && <span class="bad"> {count(errors)}<span class="hidden"> {errors === 1 ? "mistake" : "mistakes"}</span></span>}</span>
              </label>
            );
          })}
        </fieldset>
        {changed && <button type="button" class="button button-small" onClick={() => discard(file)}>Back to what is in force</button>}
      </header>
      <Editor key={file} label={file} text={textOf(now, file)} diagnostics={found.filter((one) => one.file === file)}
        readOnly={readOnly} onText={(text) => write(file, text)} handle={editor} />
      <p id="editor-help" class="editor-help small muted">{readOnly ? "Only people may change it, by a proposal." : <><kbd>Tab</kbd> indents. To leave the editor by keyboard: <kbd>Esc</kbd>, then <kbd>Tab</kbd>.</>}</p>
      <Diagnostics state={state} found={found} onJump={jump} />
    </section>
  );
}

function summary(state: Check, found: Diagnostic[]): string {
  if (state.kind === "none") return "";
  if (state.kind === "busy") return "Checking…";
  if (state.kind === "failed") return "It could not be checked.";
  const errors = errorsOf(found).length;
  const warnings = found.length - errors;
  const parts = [errors > 0 && plural(errors, "mistake"), warnings > 0 && plural(warnings, "warning")].filter(Boolean);
  return parts.length ? parts.join(", ") : "It loads, and its tests pass.";
}

function Diagnostics({ state, found, onJump }: { state: Check; found: Diagnostic[]; onJump: (one: Diagnostic) => void }) {
  return (
    <div class="diagnostics">
      <p role="status" class={errorsOf(found).length ? "small bad" : "small muted"}>
        {state.kind === "done" && state.ok && found.length === 0 && <><Icon name="check" size={14} /> </>}{summary(state, found)}
      </p>
      {state.kind === "done" && state.coverage && <Reached coverage={state.coverage} onJump={onJump} />}
      {state.kind === "failed" && <ProblemNote problem={state.problem} retry={() => checkSoon(0)} />}
      {found.length > 0 && (
        <ol aria-label="Mistakes and warnings">
          {found.map((one, i) => (
            <li key={i}>
              <button type="button" class={one.warning ? "diagnostic diagnostic-warning" : "diagnostic"} onClick={() => onJump(one)}>
                <Icon name={one.warning ? "warn" : "cross"} size={14} />
                <span class="diagnostic-place mono">{one.file || "both"}{one.line > 0 && `:${one.line}:${one.column}`}</span>
                <span><span class="hidden">{one.warning ? "warning: " : "mistake: "}</span><Text lines>{one.message}</Text></span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function Reached({ coverage, onJump }: { coverage: Coverage; onJump: (one: Diagnostic) => void }) {
  const { branches, reached, gaps } = coverage;
  return (
    <details class="small muted">
      <summary>Its tests reach {count(reached)} of {count(branches)} branches</summary>
      <ol aria-label="What no test reaches">
        {gaps.map((gap, i) => (
          <li key={i}>
            <button type="button" class="diagnostic" onClick={() => onJump({ ...gap, file: "policy.yaml", warning: true })}>
              <Icon name="warn" size={14} />
              <span class="diagnostic-place mono">:{gap.line}:{gap.column}</span>
              <span><Text lines>{`${gap.rule}: ${gap.message}`}</Text></span>
            </button>
          </li>
        ))}
      </ol>
    </details>
  );
}

function Differences() {
  const now = useStore(draft);
  const state = useStore(check);
  const changes = state.kind === "done" ? state.changes : [];
  if (!isDirty(now)) return <p class="muted">The editor shows what is in force. What you change there is shown here, line by line, before you propose it.</p>;
  return (
    <div class="stack diffs">
      {changes.length > 0 && (
        <ul class="rules-other small" aria-label="What that changes">
          {changes.map((one) => <li key={one.of}><strong><Text>{one.of}</Text></strong> <Text lines>{one.is}</Text></li>)}
        </ul>
      )}
      {files.filter((file) => textOf(now, file) !== originalOf(now, file)).map((file) => (
        <DiffView key={file} title={file} before={originalOf(now, file)} after={textOf(now, file)} />
      ))}
    </div>
  );
}

function HistoryCard({ inForce }: { inForce: PolicyInForce }) {
  return (
    <Card title="History" aside={<span class="card-aside">{plural(inForce.history.length, "version")}</span>}>
      <ol class="things versions">
        {inForce.history.map((one) => (
          <li key={one.index}>
            <div>
              <p><strong><Text>{one.name}</Text></strong> revision {count(one.revision)}
                {one.digest === inForce.digest && one.index === inForce.history[0]?.index && <> <span class="tag">in force</span></>}</p>
              <p class="small muted">
                <Ago at={one.at} exact />, by {one.by.startsWith("act_")
                  ? <a href={`/a/${encodeURIComponent(one.by)}`}>an action that people agreed to</a>
                  : one.by === "host" ? "the host" : <Text>{one.by}</Text>}
                {" · "}<a href={`/ledger?entry=${one.index}`}>ledger entry {count(one.index)}</a>
              </p>
              <p class="small"><code class="wrap"><Text>{one.digest}</Text></code></p>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}
