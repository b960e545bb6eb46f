import { Dialog } from "./dialog";

const keys: [string[], string][] = [
  [["j", "k"], "next, previous in a list"],
  [["Home", "End"], "the first, the last in a list"],
  [["Enter"], "open"],
  [["a"], "to Approve (or to the next unseen part)"],
  [["d"], "to Deny"],
  [["n"], "show the next unseen part of the case"],
  [["c"], "write a comment"],
  [["/"], "search"],
  [["i"], "the inbox"],
  [["p"], "the policy"],
  [["l"], "the ledger"],
  [["e"], "the emergencies"],
  [["r"], "the runbooks"],
  [["s"], "the standing approvals"],
  [["u"], "your account"],
  [["Esc"], "leave a field, close a dialog"],
  [["?"], "this help"],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="shortcuts">
        {keys.map(([names, words]) => (
          <div key={words}>
            <dt>{names.map((name) => <kbd key={name}>{name}</kbd>)}</dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <p class="small muted">No single key votes: <kbd>a</kbd> and <kbd>d</kbd> move there, <kbd>Enter</kbd> does it.</p>
      <div class="dialog-buttons">
        <button type="button" class="button" autoFocus onClick={onClose}>Close</button>
      </div>
    </Dialog>
  );
}
