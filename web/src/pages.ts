// The pages that come on demand. Inbox and action come with the first load: they are what a reviewer needs.

import { lazy, lazyPart } from "./lazy";

export const activity = lazy("Activity", () => import("./pages/activity").then((page) => page.ActivityPage));
export const policy = lazy("Policy", () => import("./pages/policy").then((page) => page.PolicyPage));
export const ledger = lazy("Ledger", () => import("./pages/ledger").then((page) => page.LedgerPage));
export const emergencies = lazy("Emergencies", () => import("./pages/emergencies").then((page) => page.EmergenciesPage));
export const standing = lazy("Standing approvals", () => import("./pages/standing").then((page) => page.StandingPage));
export const runbooks = lazy("Runbooks", () => import("./pages/runbooks").then((page) => page.RunbooksPage));
export const runbook = lazy("Runbook", () => import("./pages/runbook").then((page) => page.RunbookPage));
export const run = lazy("Run", () => import("./pages/run").then((page) => page.RunPage));
export const insights = lazy("Insights", () => import("./pages/insights").then((page) => page.InsightsPage));
export const admin = lazy("Administration", () => import("./pages/admin").then((page) => page.AdminPage));
export const account = lazy("Account", () => import("./pages/account").then((page) => page.AccountPage));
export const demo = lazy("Demo", () => import("./pages/demo").then((page) => page.DemoPage));
export const login = lazy("Sign in", () => import("./pages/sign_in").then((page) => page.LoginPage));
export const enrol = lazy("Welcome", () => import("./pages/sign_in").then((page) => page.EnrolPage));

export const HelpDialog = lazyPart(() => import("./parts/help").then((part) => part.HelpDialog));

// Parts of the action's page that deciding does not need.
export const AmendDialog = lazyPart(() => import("./parts/amend").then((part) => part.AmendDialog));
export const CancelDialog = lazyPart(() => import("./parts/cancel").then((part) => part.CancelDialog));
export const AfterReviewCard = lazyPart(() => import("./parts/after_review").then((part) => part.AfterReviewCard));
export const OutcomeCard = lazyPart(() => import("./parts/outcome").then((part) => part.OutcomeCard));
export const AllowedBy = lazyPart(() => import("./parts/standing").then((part) => part.AllowedBy));
export const RunOf = lazyPart(() => import("./parts/run_of").then((part) => part.RunOf));
export const StoppedRuns = lazyPart(() => import("./parts/stopped_runs").then((part) => part.StoppedRuns));
export const AgreeToLike = lazyPart(() => import("./parts/standing").then((part) => part.AgreeToLike));

const byPath: Record<string, { fetch: () => Promise<void> }> = {
  "/activity": activity, "/policy": policy, "/ledger": ledger, "/emergencies": emergencies, "/standing": standing, "/runbooks": runbooks, "/insights": insights, "/admin": admin, "/account": account, "/demo": demo,
};

// Before it is opened. What fails here fails again, and is said, when it is.
export function prefetch(path: string): void {
  byPath[path]?.fetch().catch(() => {});
}
