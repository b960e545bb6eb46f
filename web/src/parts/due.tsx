// Until when somebody has to have looked at what was possible only in an emergency.

import type { AfterReview } from "../api/emergencies";
import { exactTime, shortTime, span, useNow } from "../words";
import { Icon } from "./icon";

export function Due({ look }: { look: AfterReview | undefined }) {
  const now = useNow(5_000);
  if (!look?.open) return null;
  const left = (Date.parse(look.due) - now) / 1000;
  return (
    <span class={left < 0 ? "expiry soon" : "expiry"} title={exactTime(look.due)}>
      <Icon name={left < 0 ? "warn" : "clock"} size={14} />
      <span>{left < 0 ? `look overdue by ${span(-left)}` : `look due by ${shortTime(look.due, now)}`}</span>
    </span>
  );
}
