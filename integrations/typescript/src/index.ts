export { Client, type ClientOptions, type ListOptions, type RequestOptions } from "./client.js";
export { AlreadyRan, Cancelled, Denied, Expired, KeyturnError, NotReleased, OutcomeNotReported, Refused, ReleaseUncertain, StillOpen, Unreachable } from "./errors.js";
export { same, type Guard, type Release, type ReleaseOptions } from "./grants.js";
export { isFinal, isSettled } from "./types.js";
export type { Action, ActionEvent, Comment, Ledger, Me, Needed, Outcome, Party, State, Verdict, Vote } from "./types.js";
