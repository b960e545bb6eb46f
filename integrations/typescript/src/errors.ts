import type { Action, ProblemDocument } from "./types.js";

/** What this package throws. */
export class KeyturnError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The server answered with a problem (RFC 9457). Programs look at `code`: docs/errors.md has all of them. */
export class Refused extends KeyturnError {
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | undefined;

  constructor(
    readonly status: number,
    problem: Partial<ProblemDocument>,
  ) {
    const place = problem.pointer === undefined ? "" : ` (at ${problem.pointer})`;
    super(`${status} ${problem.code || "without a code"}: ${problem.detail || problem.title || ""}${place}`);
    this.code = problem.code ?? "";
    this.detail = problem.detail ?? "";
    this.pointer = problem.pointer;
  }
}

/** No answer came, for as long as the client is patient. What was asked for may be known to the server all the same. */
export class Unreachable extends KeyturnError {}

/** Nothing may run. `action` says why, where there is one. */
export class NotReleased extends KeyturnError {
  constructor(
    message: string,
    readonly action?: Action,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The wait is over and people have not decided. The same request with the same idempotency key attaches to it. */
export class StillOpen extends NotReleased {}

/** Policy or people said no. */
export class Denied extends NotReleased {}

/** Nobody decided in time. */
export class Expired extends NotReleased {}

/** It was called back, or amended: then `action.amended_by` is the id of what took its place. */
export class Cancelled extends NotReleased {}

/** Somebody ran it before, for the idempotency key was used: `action.outcome` says what came of it. */
export class AlreadyRan extends NotReleased {}

/** The grant, or the answer to its use, was lost on the way, or is not of what was asked. So nothing was run here, and nothing will be with it. */
export class ReleaseUncertain extends NotReleased {}

/** It ran, and Keyturn could not be told; there the outcome becomes `unknown`. `result` is what the function returned. */
export class OutcomeNotReported extends KeyturnError {
  constructor(
    readonly action: Action,
    readonly result: unknown,
    why: unknown,
  ) {
    super(`${action.tool} ran as ${action.id}, and its outcome could not be reported: ${String(why)}`, { cause: why });
  }
}
