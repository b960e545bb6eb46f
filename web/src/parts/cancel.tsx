import { useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { api } from "../api/routes";
import type { Action } from "../api/types";
import { Dialog } from "./dialog";
import { ProblemNote } from "./pieces";

export function CancelDialog({ action, onClose, onDone }: {
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
