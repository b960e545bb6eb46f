// What linking a chat account says, step by step: pure.

import type { ChatAttempt, ChatLinks } from "./api/chats";
import { nameOf } from "./words";

export type Step = "say" | "agree" | "confirm" | "late";

export const stepOf = (attempt: ChatAttempt, now: number): Step =>
  Date.parse(attempt.expires_at) <= now ? "late" : !attempt.account ? "say" : attempt.agreed ? "confirm" : "agree";

// What to write there, for the code to be said.
export const sayOf = (channel: string, code: string): string => `${channel === "slack" ? "/keyturn " : ""}link ${code}`;

// "slack:T0123/U0456": the part that the chat knows it by.
export const bareAccount = (account: string): string => account.slice(account.indexOf(":") + 1);

export const chatOf = (account: string): string => account.slice(0, Math.max(0, account.indexOf(":")));

// "9:05"
export function clockLeft(until: string, now: number): string {
  const left = Math.max(0, Math.ceil((Date.parse(until) - now) / 1000));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

// The chats to show: those that this server speaks to, and those that something is linked of.
export const chatsOf = (links: ChatLinks): string[] => [...new Set([...links.channels, ...links.items.map((one) => one.channel)])];

// What became of attempts that are under way no more, and that nobody stopped here.
export function endingsOf(before: ChatLinks | null, now: ChatLinks, stopped: ReadonlySet<string>, at: number): string[] {
  const going = new Set(now.under_way.map((one) => one.id));
  const linked = new Set(now.items.map((one) => one.account));
  return (before?.under_way ?? [])
    .filter((one) => !going.has(one.id) && !stopped.has(one.id) && !(one.account && linked.has(one.account.account)))
    .map((one) => `Nothing was linked in ${nameOf(one.channel)}: ${
      stepOf(one, at) === "late" ? "the time of that code is over." : "that account said no there, or it was begun again or stopped elsewhere."}`);
}
