import type { Check } from "../verify/log";
import { Icon } from "./icon";
import { Text } from "./text";

const words = { good: "holds", bad: "fails", skipped: "not checked" } as const;
const icons = { good: "check", bad: "cross", skipped: "question" } as const;

export function CheckList({ checks, waiting }: { checks: Check[] | null; waiting: string }) {
  if (!checks) return <p class="loading" role="status">{waiting}…</p>;
  return (
    <ul class="checks">
      {checks.map((check) => (
        <li key={check.name} class={`check check-${check.outcome}`}>
          <span class="check-icon"><Icon name={icons[check.outcome]} size={14} /></span>
          <div>
            <p><strong>{check.name}</strong> <span class="check-word">{words[check.outcome]}</span></p>
            <p class="small muted wrap"><Text>{check.detail}</Text></p>
          </div>
        </li>
      ))}
    </ul>
  );
}
