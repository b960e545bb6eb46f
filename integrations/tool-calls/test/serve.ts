// The part of a test's program that all frameworks share: commands in lines of JSON on stdin, one line of JSON for each.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Refund { order: string; cents: number }

/** What the fake model does: in each turn it calls `refund` so often, and after the last it says "done". */
export type Turns = { id: string; args: Refund }[][];

export interface Look {
  /** What the model said last, or null while the run is interrupted. */
  said: string | null;
  waiting: string[];
  /** What the model was told of its calls. */
  told: Record<string, string>;
}

/** One run of a framework's agent. */
export interface Subject {
  start(run: string, turns: Turns, how: string): Promise<Look>;
  /** Lets Keyturn decide what is open, and goes on. */
  resolve(waitMs: number): Promise<Look>;
  /** Approves by hand, past Keyturn, and goes on. */
  force(): Promise<Look>;
  save(): string;
  load(run: string, turns: Turns, state: string): Promise<void>;
}

/** How long a lost server is asked again. */
export const patienceMs = Number(process.env.PATIENCE_MS);

/** The effect that tests count. */
export function refund({ order, cents }: Refund): string {
  if (order === "broken") throw new Error("the shop is closed");
  appendFileSync(process.env.REFUNDS!, `${order} ${cents}\n`);
  return `refunded ${order} ${cents}`;
}

/** The turn that is next when these calls were made already; undefined after the last. */
export const nextTurn = (turns: Turns, made: Set<string>) => turns.find((turn) => !turn.some((call) => made.has(call.id)));

// From now on what nothing holds is collected at once, as it is in a process that waits for an hour.
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  setInterval(runInNewContext("gc") as () => void, 50).unref();
}

export async function serve(subject: Subject): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { op, run, turns, how, state, wait_ms } = JSON.parse(line);
    const does: Record<string, () => unknown> = {
      start: () => subject.start(run, turns, how ?? ""),
      resolve: () => subject.resolve(wait_ms ?? 0),
      force: () => subject.force(),
      save: () => ({ state: subject.save() }),
      collect: () => collectGarbage(),
      load: () => subject.load(run, turns, state),
    };
    const answer = await Promise.resolve().then(does[op]!).catch((error: unknown) => ({ error: String(error) }));
    process.stdout.write(JSON.stringify(answer ?? {}) + "\n");
  }
}
