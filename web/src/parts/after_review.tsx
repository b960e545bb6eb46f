// The look afterwards: what was possible only in an emergency is looked at by somebody else.

import { useState } from "preact/hooks";
import { emergencies } from "../api/emergencies";
import type { Action } from "../api/types";
import { useWhyNoVotes } from "../reach";
import { meNow } from "../session";
import { useAct } from "./act";
import { Due } from "./due";
import { Icon } from "./icon";
import { Ago, Card, ProblemNote } from "./pieces";
import { Text } from "./text";

export function AfterReviewCard({ action, onLooked }: { action: Action; onLooked: (said: string) => void }) {
  const look = action.after_review;
  if (!look) return null;
  return (
    <Card title="Look afterwards">
      <div class="pad stack">
        <Due look={look} />
        {look.open
          ? look.waits_for_you
            ? <LookForm action={action} onLooked={onLooked} />
            : <p>Somebody of <strong><Text>{look.groups.join(", ")}</Text></strong> looks at it, who had no part in it.</p>
          : (
            <>
              <p><strong><Text>{look.by ?? ""}</Text></strong> found it <strong class={look.verdict === "justified" ? "accent" : "bad"}>
                {words[look.verdict ?? ""]}</strong> <Ago at={look.at ?? ""} exact /></p>
              <p class="event-text"><Text lines>{look.note ?? ""}</Text></p>
            </>
          )}
      </div>
    </Card>
  );
}

const words: Record<string, string> = { justified: "justified", unjustified: "not justified" };

function LookForm({ action, onLooked }: { action: Action; onLooked: (said: string) => void }) {
  const [note, setNote] = useState("");
  const { busy, problem, act } = useAct();
  const not = useWhyNoVotes(meNow()?.read_only);
  const say = (verdict: string): Promise<void> => act(async () => {
    await emergencies.look(action.id, verdict, note.trim());
    onLooked("What you say of it is recorded.");
  });
  return (
    <>
      <p>It was possible only in an emergency. Was it right?</p>
      {problem && <ProblemNote problem={problem} />}
      <label class="field-label">
        What you found (required)
        <textarea rows={3} maxLength={4000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      {not && <p class="small bad">{not}</p>}
      <p class="buttons">
        {Object.keys(words).map((verdict) => (
          <button key={verdict} type="button" class={verdict === "justified" ? "button" : "button button-deny"}
            disabled={busy || !!not || !note.trim()} onClick={() => void say(verdict)}>
            <Icon name={verdict === "justified" ? "check" : "cross"} size={16} /> {verdict === "justified" ? "Justified" : "Not justified"}
          </button>
        ))}
      </p>
    </>
  );
}
