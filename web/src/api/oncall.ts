// Who is on call, by the schedules of identity.yaml.

import { get } from "./client";
import type { Page } from "./types";

export interface OnCallSchedule {
  name: string;
  group: string;
  of: string; // the pool: who is no active member of it does not count
  source: "file" | "webhook";
  on_call: { id: string; name: string; until: string; counts: boolean }[];
  next_change: string | null;
  last_word: string | null; // of a webhook
  stale: boolean; // of a webhook: nobody is on call
  problems: string[];
}

export const onCall = () => get<Page<OnCallSchedule>>("/v1/oncall");
