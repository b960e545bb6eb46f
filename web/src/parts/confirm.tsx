import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAct } from "./act";
import { Dialog } from "./dialog";
import { ProblemNote } from "./pieces";

// Says what an act does before it is done. `why`: the label of a reason that goes into the record with it.
export function Confirm({ title, children, act: what, keep = "Keep it", why, instead, onAct, onClose }: {
  title: string; children: ComponentChildren; act: string; keep?: string; why?: string;
  instead?: (code: string) => ComponentChildren; // what can be done when it is refused with this code
  onAct: (reason: string) => Promise<unknown>; onClose: (done: boolean) => void;
}) {
  const [reason, setReason] = useState("");
  const { busy, problem, act } = useAct();
  const send = (event: Event): void => {
    event.preventDefault();
    void act(async () => {
      await onAct(reason.trim());
      onClose(true);
    });
  };
  return (
    <Dialog title={title} onClose={() => onClose(false)}>
      <form onSubmit={send}>
        <div class="stack">{children}</div>
        {problem && <ProblemNote problem={problem} />}
        {problem && instead?.(problem.code)}
        {why && (
          <label class="field-label">
            {why}
            <textarea rows={2} maxLength={512} required value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        )}
        <div class="dialog-buttons">
          <button type="button" class="button" autoFocus={!why} onClick={() => onClose(false)}>{keep}</button>
          <button type="submit" class="button button-deny" disabled={busy || (!!why && !reason.trim())}>{what}</button>
        </div>
      </form>
    </Dialog>
  );
}
