// Sample data for the fixture: emergencies, the look afterwards, who stands in for whom.
import { actions } from "./samples.mjs";

const at = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();
const opened = (overrides) => ({
  id: "bg_01JD0001K7Q2", kind: "breakglass", opener: "mia", agents: ["ops-bot", "deploy-bot"], opened_at: at(-12), until: at(18),
  in_force: true, uses: 2, reason: "The shop is down and nobody of dba answers; INC-4411.", ...overrides,
});
const lists = {
  "/v1/breakglass": [opened(), opened({ id: "bg_01JC0009K7Q2", agents: ["ops-bot"], opened_at: at(-3_000), until: at(-2_990), in_force: false, uses: 1, closed_by: "erin", reason: "Restore of last night's export" })],
  "/v1/incidents": [opened({ id: "inc_01JC0005K7Q2", kind: "incident", opener: "carol", agents: [], opened_at: at(-4_400), until: at(-3_920), in_force: false, uses: 7, reason: "Disks fill up in Frankfurt" })],
};
export const inForce = (mood) => (mood === "emergency" ? [opened(), opened({ id: "inc_01JD0002K7Q2", kind: "incident", opener: "carol", agents: [], reason: "Disks fill up" })] : []);

const done = actions.find((item) => item.state === "succeeded");
const look = { due: at(-130), groups: ["security"], open: true, waits_for_you: true };
const overdue = { ...done, id: "act_01JDLOOKK7Q2", emergency: { incident: null, break_glass: "bg_01JD0001K7Q2" }, after_review: look, votes: [{ reviewer: "dan", instead_of: "bob", decision: "approve", at: at(-200), assurance: "passkey", channel: "web" }] };
const looked = { ...overdue, id: "act_01JDSEENK7Q2", after_review: { ...look, open: false, by: "erin", at: at(-4), verdict: "unjustified", note: "The shop was up; the dashboard was not.\nA read would have done." } };
export const toLook = [overdue, looked];

const stands = (overrides) => ({ id: "del_1", from: "alice", to: "bob", groups: ["dba"], start: at(-60), until: at(6_000), in_force: true, ...overrides });

export function emergenciesAnswer(path) {
  if (lists[path]) return { items: lists[path], next: null, may_open: true };
  if (path === "/v1/delegations") return { items: [stands(), stands({ id: "del_2", from: "carol", to: "alice", groups: ["sre"] }), stands({ id: "del_3", from: "dan", to: "alice", groups: [] })], next: null };
  return null;
}
