// What a notice says: the pure part of notices.ts.

import type { Action } from "./api/types";
import { heldOf, partyName } from "./api/types";
import { plainText, visible } from "./parts/runs";
import { plural, towards } from "./words";

const singlyMax = 3; // at a time; more become one

export interface Words {
  title: string;
  body: string;
  tag: string; // a notice with the same takes its place: several tabs show one
  to: string;
}

const safe = (text: string): string => plainText(visible(text));

export type Again = "reminder" | "escalation"; // it was there before

const manyWords = (n: number, again: Again | undefined): string =>
  again === "reminder" ? `Reminder: ${plural(n, "request still waits", "requests still wait")} for you`
    : again ? `${plural(n, "request")} escalated to you` : `${plural(n, "new request")} for you`;

export function wordsOf(fresh: Action[], again?: Again): Words[] {
  const asker = (action: Action): string => safe(partyName(action.requester)) || "somebody";
  const title = (action: Action): string =>
    again === "reminder" ? `Reminder: ${asker(action)} still waits for your decision`
      : again ? `Escalated to ${safe(action.escalated_to ?? "you")}: ${asker(action)} still waits for a decision`
        : `${asker(action)} asks for your decision`;
  if (fresh.length > singlyMax) {
    const askers = [...new Set(fresh.map(asker))];
    return [{
      title: manyWords(fresh.length, again), tag: "keyturn", to: "/",
      body: `from ${askers.slice(0, singlyMax).join(", ")}${askers.length > singlyMax ? " and others" : ""}`,
    }];
  }
  return fresh.map((action) => ({
    title: title(action),
    body: heldOf(action) ? `go on with ${safe(heldOf(action))}` : `${safe(action.operation)} ${towards(action.operation)} ${safe(`${action.resource?.kind ?? ""} ${action.resource?.name ?? "no resource"}`).trim()}, through ${safe(action.tool)}`,
    tag: `keyturn ${action.id}`, to: `/a/${encodeURIComponent(action.id)}`,
  }));
}

export const isAway = (until: string | null | undefined, now = Date.now()): boolean => !!until && Date.parse(until) > now;
