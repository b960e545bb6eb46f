// Amending: the old action is cancelled, a new one with these arguments is decided by policy from the beginning.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { asProblem, Problem } from "../api/client";
import { api } from "../api/routes";
import type { Action } from "../api/types";
import { objectProblem } from "../args";
import { Dialog } from "./dialog";
import { Note, ProblemNote } from "./pieces";

// Invisible characters would be lost on whoever edits: they appear as JSON escapes.
const escaped = (json: string): string =>
  json.replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (char) =>
    Array.from({ length: char.length }, (_, i) =>
      "\\u" + char.charCodeAt(i).toString(16).padStart(4, "0")).join(""));

export function AmendDialog({ action, onClose, onAmended }: {
  action: Action; onClose: () => void; onAmended: (id: string) => void;
}) {
  const before = useMemo(() => escaped(JSON.stringify(action.args ?? {}, null, 2)), [action.id]);
  const [text, setText] = useState(before);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const editor = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    editor.current?.setSelectionRange(0, 0);
    editor.current?.scrollTo(0, 0);
  }, []);
  const syntax = objectProblem(text);
  const unchanged = text === before;

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (syntax || unchanged || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      onAmended((await api.amend(action.id, text, note.trim())).id);
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
      setBusy(false);
    }
  };

  return (
    <Dialog title="Amend the arguments" onClose={onClose} wide>
      <form onSubmit={(event) => void send(event)}>
        <Note>
          This request is cancelled and a new one is decided by policy from the beginning. You become part of
          its lineage, so you cannot approve it.
        </Note>
        {problem && (
          <ProblemNote problem={problem.pointer
            ? new Problem(problem.status, problem.code, problem.title, `${problem.detail} (at ${problem.pointer})`)
            : problem} />
        )}
        <label class="field-label">
          Arguments, as JSON
          <textarea class="mono" ref={editor} rows={12} spellcheck={false} value={text} aria-invalid={!!syntax}
            aria-describedby="amend-syntax" onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <p id="amend-syntax" class={syntax ? "small bad" : "small muted"} aria-live="polite">
          {syntax || (unchanged ? "Nothing changed yet." : "Valid JSON.")}
        </p>
        <label class="field-label">
          Why
          <input type="text" maxLength={2000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={onClose}>Keep it as it is</button>
          <button type="submit" class="button button-accent" disabled={!!syntax || unchanged || busy}>
            {busy ? "Amending…" : "Cancel and ask anew"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
