// Figures for the fixture: a month that looks like one, the same each time.
export function insightsAnswer(query) {
  const from = Date.parse(query.get("from"));
  const to = Date.parse(query.get("to"));
  const days = Math.round((to - from) / 86_400_000);
  let seed = 7;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const some = (most) => Math.floor(random() * most);
  const by_day = [];
  const timed = [];
  for (let i = 0; i < days; i++) {
    const day = new Date(from + i * 86_400_000).toISOString().slice(0, 10);
    if (i % 13 === 5) continue; // a day without anything
    const weekend = [0, 6].includes(new Date(day).getUTCDay());
    const scale = weekend ? 6 : 40;
    by_day.push({ day, allowed: some(2 * scale), denied: some(scale / 4), approved: some(scale), refused: some(scale / 8), expired: some(scale / 10), cancelled: some(scale / 12) });
    timed.push({ day, count: scale, p50_s: 40 + some(500), p90_s: 900 + some(40_000) });
  }
  const verdicts = ["allowed", "denied", "approved", "refused", "expired", "cancelled"];
  const tool = (name, scale) => ({ tool: name, ...Object.fromEntries(verdicts.map((verdict, i) => [verdict, some(scale / (i + 1))])) });
  return {
    from: query.get("from"), to: query.get("to"), total: by_day.reduce((sum, day) => sum + verdicts.reduce((all, verdict) => all + day[verdict], 0), 0),
    by_day,
    by_tool: ["orders-sql", "restart-web", "disk-usage", "export-customers", "deploy-production-with-a-rather-long-name-of-its-own", "dns", "u\u202ekcab"].map((name, i) => tool(name, 900 / (i + 1))),
    time_to_decision: {
      count: 812, p50_s: 184, p90_s: 7_220, p99_s: 61_000, by_day: timed,
      by_group: [{ group: "dba", count: 400, p50_s: 95, p90_s: 3_100 }, { group: "sre", count: 380, p50_s: 260, p90_s: 15_400 }, { group: null, count: 32, p50_s: 4_000, p90_s: 90_000 }],
    },
    by_hour: Array.from({ length: 24 }, (_, hour) => ({ hour, asked: hour > 6 && hour < 19 ? 20 + some(60) : some(9), answered: hour > 7 && hour < 18 ? 20 + some(50) : some(4) })),
    groups: [
      { group: "dba", members: 5, asked: 420, answered: 391, approved: 370, look_p50_s: 34 }, { group: "sre", members: 9, asked: 398, answered: 240, approved: 171, look_p50_s: 71 },
      { group: null, members: 3, asked: 35, answered: 30, approved: 30, look_p50_s: null },
    ],
    repeats: [{ agent: "ops-bot", tool: "orders-sql", times: 6, last: "act_01JD0007K7Q2" }, { agent: "deploy-bot", tool: "restart-web", times: 3, last: "act_01JD0006K7Q2" }],
    canaries: { caught: 11, missed: 2, expired: 1, by_group: [{ group: "dba", caught: 7, missed: 0 }, { group: "sre", caught: 4, missed: 2 }] },
  };
}

export const noInsights = (query) => ({
  from: query.get("from"), to: query.get("to"), total: 0, by_day: [], by_tool: [], time_to_decision: { count: 0, p50_s: null, p90_s: null, p99_s: null, by_day: [], by_group: [] },
  by_hour: [], groups: [], repeats: [], canaries: { caught: 0, missed: 0, expired: 0, by_group: [] },
});
