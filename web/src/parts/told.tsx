// What time did to a review that nobody answered: people were reminded of it, others were told.

import type { Action } from "../api/types";
import { meNow } from "../session";
import { plural } from "../words";
import { Icon } from "./icon";
import { Text } from "./text";

// Beside its state: in a row, and in the head of a case.
export function Told({ action: { state, escalated_to, reminders } }: { action: Action }) {
  if (state !== "pending") return null;
  return (
    <>
      {escalated_to && <span class="tag tag-told"><Icon name="bell" size={14} /> escalated to <Text>{escalated_to}</Text></span>}
      {!!reminders && <span class="small muted">people were reminded {plural(reminders, "time")}</span>}
    </>
  );
}

// What the escalation is to whoever reads.
export function ToldWords({ action }: { action: Action }) {
  const { escalated_to } = action;
  const me = meNow();
  if (!escalated_to || action.state !== "pending" || !me) return null;
  const open = (action.needed ?? []).filter((need) => need.have < need.count).map((need) => need.group).join(" and ");
  const mine = !!me.groups?.includes(escalated_to);
  const voted = action.votes?.some((vote) => vote.reviewer === me.id);
  return (
    <p class="case-by">
      Nobody answered in time, so members of <strong><Text>{escalated_to}</Text></strong> were told.
      {voted ? "" : action.waits_for_you ? " You may decide."
        : mine && <> You are told of it: read and comment. To decide is for <Text>{open || "those who are asked"}</Text>.</>}
    </p>
  );
}
