// Grant mode: Keyturn releases, this program runs.
import type { Client, RequestOptions } from "./client.js";
import { AlreadyRan, Cancelled, Denied, Expired, KeyturnError, OutcomeNotReported, ReleaseUncertain, StillOpen } from "./errors.js";
import { isSettled, type Action } from "./types.js";

export interface ReleaseOptions extends RequestOptions {
  /** The client of the enforcement point, where that is another agent. */
  enforcement?: Client;
  /** Parameters that the tool declares secret; their values come from the call, for Keyturn does not say them again. */
  secret?: readonly string[];
}

/** What runs now. `args` are the released arguments. What `run` returns is reported where it is JSON, unless `result` is set. */
export interface Release {
  readonly action: Action;
  readonly args: Record<string, unknown>;
  result?: unknown;
}

/**
 * Throws Denied, Expired, Cancelled, StillOpen (the wait is over), AlreadyRan, ReleaseUncertain, Refused, Unreachable: then nothing was run. What `run` throws
 * is thrown after it was reported as failed. OutcomeNotReported: it ran, and Keyturn could not be told.
 */
export type Guard<A, T> = (args: A, options?: ReleaseOptions) => Promise<T>;

export function guarded<A extends Record<string, unknown>, T>(
  client: Client,
  tool: string,
  run: (args: A, release: Release) => T | Promise<T>,
  options: ReleaseOptions,
): Guard<A, T> {
  return (args, more = {}) => released(client, tool, args, (release) => run(release.args as A, release), { ...options, ...more });
}

export async function released<T>(
  client: Client,
  tool: string,
  args: Record<string, unknown>,
  run: (release: Release) => T | Promise<T>,
  options: ReleaseOptions,
): Promise<T> {
  const wanted = JSON.parse(JSON.stringify(args)) as Record<string, unknown>; // whatever becomes of the caller's own meanwhile
  const enforcement = options.enforcement ?? client;
  const release = await obtain(client, enforcement, tool, wanted, options);
  let returned: T;
  try {
    returned = await run(release);
  } catch (error) {
    await enforcement.report(release.action.id, "failed", { error: String(error).slice(0, 2000) }).catch(onlyOurs); // what went wrong in `run` is the news
    throw error;
  }
  try {
    await enforcement.report(release.action.id, "succeeded", asJson(release.result === undefined ? returned : release.result));
  } catch (why) {
    if (!(why instanceof KeyturnError)) throw why;
    throw new OutcomeNotReported(release.action, returned, why);
  }
  return returned;
}

async function obtain(client: Client, enforcement: Client, tool: string, wanted: Record<string, unknown>, options: ReleaseOptions): Promise<Release> {
  const action = await client.request(tool, wanted, options);
  const about = `${tool}: ${action.id} is ${action.state}`;
  const reasons = action.verdict.reasons.join("; ");
  if (action.state === "denied") throw new Denied(`${about}: ${reasons}`, action);
  if (action.state === "expired") throw new Expired(`${about}: ${reasons}`, action);
  if (action.state === "cancelled") throw new Cancelled(`${about}: ${reasons}`, action);
  if (!isSettled(action)) throw new StillOpen(`${about}; who decides: ${action.review_url ?? ""}`, action);
  if (action.state !== "approved") throw new AlreadyRan(about, action);
  if (action.grant === null)
    throw new ReleaseUncertain(`${about}, and its grant was shown before, or lost on the way: ask anew, with another idempotency key`, action);
  const secret = options.secret ?? [];
  checkSame(action, tool, wanted, secret);
  const used = await enforcement.consume(action.grant, action.digest);
  try {
    checkSame(used, tool, wanted, secret);
  } catch (why) {
    await enforcement.report(used.id, "failed", { error: String(why) }).catch(onlyOurs);
    throw why;
  }
  return { action: used, args: withHidden(used, wanted, secret) };
}

function onlyOurs(why: unknown): void {
  if (!(why instanceof KeyturnError)) throw why;
}

/** The arguments; Keyturn shows null for a secret one. */
function withHidden(action: Action, wanted: Record<string, unknown>, secret: readonly string[]): Record<string, unknown> {
  const shown = Object.entries((action.args ?? {}) as Record<string, unknown>);
  return Object.fromEntries(shown.map(([name, value]) => [name, value === null && secret.includes(name) && Object.hasOwn(wanted, name) ? wanted[name] : value]));
}

function checkSame(action: Action, tool: string, wanted: Record<string, unknown>, secret: readonly string[]): void {
  if (action.tool !== tool || !same(withHidden(action, wanted, secret), wanted))
    throw new ReleaseUncertain(`${action.id}: its arguments are not those that were asked for: not run (of a secret parameter, say so in \`secret\`)`, action);
}

/** Equal as JSON. */
export function same(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) || Array.isArray(other))
    return Array.isArray(one) && Array.isArray(other) && one.length === other.length && one.every((value, at) => same(value, other[at]));
  if (typeof one === "object" && typeof other === "object" && one !== null && other !== null) {
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => Object.hasOwn(other, name) && same((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]))
    );
  }
  return one === other;
}

function asJson(value: unknown): unknown {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
