// In the head of a case: that the very same was denied before, and that it was an exercise.

import type { Action } from "../api/types";
import { Icon } from "./icon";
import { Text } from "./text";

const endings: Record<string, string> = {
  caught: "It was caught: somebody denied it.",
  missed: "It was missed: enough people approved it. Nothing ran.",
  expired: "Nobody answered it in time.",
  cancelled: "It was cancelled before anybody decided.",
  amended: "It was changed to something that needs nobody. Nothing ran.",
};

function Exercise({ canary }: { canary: NonNullable<Action["canary"]> }) {
  return (
    <p class="under-emergency">
      <Icon name="help" size={16} />
      <span>
        {canary.result === null ? <><strong>Your exercise.</strong> Its reviewers cannot tell. It never runs.</> : <><strong>This was an exercise</strong>, planted by <Text>{canary.by}</Text>. {endings[canary.result] ?? canary.result}</>}
      </span>
    </p>
  );
}

export function Attention({ action: { repeats, canary } }: { action: Action }) {
  return (
    <>
      {repeats && (
        <p class="under-emergency">
          <Icon name="warn" size={16} />
          <span>
            <strong>The very same request was denied {repeats.times === 1 ? "once" : `${repeats.times} times`} in the last 30 days.</strong>{" "}
            <a href={`/a/${encodeURIComponent(repeats.of)}`}>Look at the latest</a> before you decide otherwise.
          </span>
        </p>
      )}
      {canary && <Exercise canary={canary} />}
    </>
  );
}
