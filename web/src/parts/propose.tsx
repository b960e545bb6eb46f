// The draft as an action: from here on it goes the way of every privileged action.

import { useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import { check, discard, documentsOf, draft, files, isDirty, originalOf, textOf } from "../draft";
import { go } from "../router";
import { useStore } from "../store";
import { Note, ProblemNote } from "./pieces";

function why(dirty: boolean, state: ReturnType<typeof check.get>): string {
  if (!dirty) return "Nothing is changed yet.";
  if (state.kind === "done") return state.ok ? "" : "There are mistakes: mend them first.";
  return state.kind === "failed" ? "It could not be checked." : "It is being checked…";
}

export function ProposePanel({ sealed }: { sealed: boolean }) {
  const now = useStore(draft);
  const checked = useStore(check);
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const not = why(isDirty(now), checked);
  const changed = files.filter((file) => textOf(now, file) !== originalOf(now, file));
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (not || busy || !reason.trim()) return;
    setBusy(true);
    setProblem(null);
    try {
      const action = await api.propose(documentsOf(draft.get()), reason.trim());
      discard();
      go(`/a/${encodeURIComponent(action.id)}`);
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
      setBusy(false);
    }
  };
  return (
    <form class="stack" onSubmit={(event) => void send(event)}>
      <p class="small muted">
        A change of configuration is an action. At least two unrelated administrators other than you agree to it, and policy may
        ask for more. They see every line that differs and what recorded decisions would have become.
        {!sealed && " Not sealed, files take effect at once as well; a proposal works the same way."}
      </p>
      {changed.length > 0 && <p>It changes {changed.map((file, i) => <span key={file}>{i > 0 && " and "}<code>{file}</code></span>)}.</p>}
      <label class="field-label">Why is it changed?
        <textarea rows={3} maxLength={4000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} required />
      </label>
      {problem && <ProblemNote problem={problem} />}
      {not && <Note>{not}</Note>}
      <button type="submit" class="button button-accent" disabled={!!not || busy || !reason.trim()}>{busy ? "Proposing, and replaying…" : "Propose"}</button>
    </form>
  );
}
