// What people do to a run: pause, resume, cancel, and say how a step ended of which nobody knew.

import { useState } from "preact/hooks";
import { runs, type Run, type RunStep, type Settled } from "../api/runs";
import { lost } from "../reach";
import { useStore } from "../store";
import { useAct } from "./act";
import { Confirm } from "./confirm";
import { Dialog } from "./dialog";
import { Icon } from "./icon";
import { ProblemNote } from "./pieces";
import { Text } from "./text";

export function RunActs({ run, onRun }: { run: Run; onRun: (run: Run, said: string) => void }) {
  const [cancelling, setCancelling] = useState(false);
  const { busy, problem, act } = useAct();
  const out = useStore(lost) !== null;
  const { may } = run;
  if (!may.pause && !may.resume && !may.cancel) return null;
  return (
    <div class="run-acts">
      <p class="buttons">
        {may.pause && (
          <button type="button" class="button" disabled={busy || out} onClick={() => void act(async () => onRun(await runs.pause(run.id), "The run is paused: what is under way ends, nothing new begins."))}>
            <Icon name="pause" size={16} /> Pause</button>
        )}
        {may.resume && (
          <button type="button" class="button button-accent" disabled={busy || out} onClick={() => void act(async () => onRun(await runs.resume(run.id), "The run goes on."))}>
            <Icon name="run" size={16} /> Resume</button>
        )}
        {may.cancel && <button type="button" class="button button-deny" disabled={busy || out} onClick={() => setCancelling(true)}><Icon name="cross" size={16} /> Cancel the run…</button>}
      </p>
      {problem && <ProblemNote problem={problem} />}
      {cancelling && (
        <Confirm title="Cancel this run?" act="Cancel the run" keep="Let it go on" why="Why (it stands in the record)"
          onAct={async (reason) => onRun(await runs.cancel(run.id, reason), "The run is being cancelled.")} onClose={() => setCancelling(false)}>
          <p>Nothing new begins. What waits for people is withdrawn; what is under way is waited for. Then what was done is undone, the last step first, where the runbook says how.</p>
          <p>This cannot be taken back; the runbook can be started anew.</p>
        </Confirm>
      )}
    </div>
  );
}

const choices: [Settled, string, string][] = [
  ["succeeded", "It succeeded", "It took effect. The run goes on behind it."],
  ["failed", "It failed", "It took no effect. The run goes on as the runbook says of a failure."],
  ["again", "Do it again", "It took no effect, or doing it twice does no harm. It is asked for as a new attempt."],
];

export function SettleButton({ run, step, onRun }: { run: Run; step: RunStep; onRun: (run: Run) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button" onClick={() => setOpen(true)}><Icon name="edit" size={16} /> Say how it ended…</button>
      {open && <SettleDialog run={run} step={step} onClose={(next) => { setOpen(false); if (next) onRun(next); }} />}
    </>
  );
}

function SettleDialog({ run, step, onClose }: { run: Run; step: RunStep; onClose: (next: Run | null) => void }) {
  const [outcome, setOutcome] = useState<Settled | null>(null);
  const [note, setNote] = useState("");
  const { busy, problem, act } = useAct();
  const send = (event: Event): void => {
    event.preventDefault();
    if (!outcome || !note.trim()) return;
    void act(async () => onClose(await runs.resolve(run.id, step.path, outcome, note.trim())));
  };
  return (
    <Dialog title="How did it end?" onClose={() => onClose(null)}>
      <form onSubmit={send}>
        <p>Step <strong><Text>{step.name || step.path}</Text></strong> (<span class="mono"><Text>{step.path}</Text></span>) was begun, and nobody knows how it ended. Look at what it was to change before you say so.</p>
        <fieldset class="settle">
          <legend class="hidden">How it ended</legend>
          {choices.map(([value, name, means]) => (
            <label key={value}>
              <input type="radio" name="outcome" value={value} checked={outcome === value} onChange={() => setOutcome(value)} />
              <span><strong>{name}</strong><span class="small muted"> {means}</span></span>
            </label>
          ))}
        </fieldset>
        <label class="field-label">What you looked at (it stands in the record)
          <textarea rows={3} maxLength={4000} required value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        {problem && <ProblemNote problem={problem} />}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => onClose(null)}>Leave it</button>
          <button type="submit" class="button button-accent" disabled={busy || !outcome || !note.trim()}>{busy ? "Recording…" : "Record it"}</button>
        </div>
      </form>
    </Dialog>
  );
}
