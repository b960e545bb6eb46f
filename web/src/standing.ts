// Whether there is anything to see of standing approvals: some that concern me, or a policy that permits any.

import { get } from "./api/client";
import { api } from "./api/routes";
import type { Action, Page } from "./api/types";
import { Store } from "./store";

export const stands = new Store(false);

// A word too many in a policy shows a page that says that there is none: that is all it does.
const section = /^\s*["']?standing["']?\s*:/m;

export async function lookForStanding(): Promise<void> {
  const there = await get<Page<unknown>>("/v1/standing?limit=1").catch(() => null);
  if (there?.items.length) stands.set(true);
  else stands.set(section.test((await api.policy().catch(() => null))?.text ?? ""));
}

const standable = ["approved", "executing", "succeeded", "failed", "unknown"];

// Whether more like it can be agreed to at all: an agent asked for it, and people approved it.
export const canStand = ({ state, args, requester, tool, verdict, votes }: Action): boolean =>
  standable.includes(state) && !!args && !tool.startsWith("keyturn.") && typeof requester === "object" && requester.kind === "agent" &&
  verdict?.effect === "require" && !!votes?.some((vote) => vote.decision === "approve");
