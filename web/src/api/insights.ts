// GET /v1/insights: figures of a time, by day, tool and group. No person is named in them.

import { get, withQuery } from "./client";

// Who said what: policy allowed or denied, people approved or refused; the others ran out or were taken back.
export const verdicts = ["allowed", "approved", "denied", "refused", "expired", "cancelled"] as const;
export type Verdicts = Record<(typeof verdicts)[number], number>;

export interface GroupLoad {
  group: string | null; // null: groups of fewer than three people, together
  members: number;
  asked: number;
  answered: number;
  approved: number;
  look_p50_s: number | null;
}

export interface Insights {
  from: string;
  to: string;
  total: number;
  by_day: ({ day: string } & Verdicts)[];
  by_tool: ({ tool: string | null } & Verdicts)[]; // null: all others
  time_to_decision: {
    count: number;
    p50_s: number | null;
    p90_s: number | null;
    p99_s: number | null;
    by_day: { day: string; count: number; p50_s: number | null; p90_s: number | null }[];
    by_group: { group: string | null; count: number; p50_s: number | null; p90_s: number | null }[];
  };
  by_hour: { hour: number; asked: number; answered: number }[]; // of the day, UTC
  groups: GroupLoad[];
  repeats: { agent: string; tool: string; times: number; last: string }[];
  canaries: { caught: number; missed: number; expired: number; by_group: { group: string | null; caught: number; missed: number }[] };
}

export const insights = (from: string, to: string): Promise<Insights> => get<Insights>(withQuery("/v1/insights", { from, to }));
