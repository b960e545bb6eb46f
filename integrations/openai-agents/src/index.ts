// Tools of an OpenAI agent that run only what Keyturn released.
//
//   const keyturn = new KeyturnApprovals({ run: (context) => context.conversation });
//   const refund = keyturn.tool({ name: "refund", description: "…", parameters: z.object({ … }), execute: async (args) => … });
//   let result = await run(agent, "…", { context: { conversation: "c-17" } });
//   while (result.interruptions.length) {
//     await keyturn.resolve(result.state, { waitMs: 60_000 });   // or keep result.state.toString() and go on tomorrow, elsewhere
//     result = await run(agent, result.state);
//   }
import { tool, type FunctionTool, type RunContext, type RunState, type RunToolApprovalItem } from "@openai/agents";
import type { z } from "zod";
import { ToolCalls, type Call, type Decision, type Options } from "../../tool-calls/src/index.js";
export { Refused, ToolCalls, Unreachable } from "../../tool-calls/src/index.js";

export interface KeyturnOptions<Context> extends Options {
  /** Tells one run from every other, and is the same after RunState.fromString: take it from the run's own context. */
  run: (context: Context) => string;
  calls?: ToolCalls;
}

export interface ReviewedTool<Schema extends z.ZodObject, Context> {
  name: string;
  description: string;
  /** What the schema makes of the model's arguments (defaults too) is what people see, and what `execute` gets. */
  parameters: Schema;
  execute: (args: z.output<Schema>, context?: RunContext<Context>) => unknown;
  /** Its name in tools.yaml, where that is another. */
  keyturnTool?: string;
  /** Why, for reviewers; the same for the same arguments. */
  reason?: (args: z.output<Schema>) => string;
}

export class KeyturnApprovals<Context> {
  readonly #calls: ToolCalls;
  readonly #run: (context: Context) => string;
  readonly #tools = new Map<string, { parameters: z.ZodObject; callOf: (context: Context, id: string | undefined, args: unknown) => Call }>();

  constructor(options: KeyturnOptions<Context>) {
    this.#calls = options.calls ?? new ToolCalls(options);
    this.#run = options.run;
  }

  /** As the SDK's tool(). What is not released comes back to the model as words; nothing has run then. */
  tool<Schema extends z.ZodObject>(options: ReviewedTool<Schema, Context>): FunctionTool<Context, Schema, unknown> {
    const { name, description, parameters, execute, keyturnTool, reason } = options;
    const callOf = (context: Context, id: string | undefined, args: unknown): Call => {
      const run = this.#run(context);
      if (!run || !id) throw new Error(`${name}: a call that is reviewed needs a run and an id; \`run\` of KeyturnApprovals gave ${JSON.stringify(run)}`);
      return { run, id, tool: keyturnTool ?? name, args, ...(reason ? { reason: reason(args as z.output<Schema>) } : {}) };
    };
    this.#tools.set(name, { parameters, callOf });
    return tool({
      name, description, parameters: parameters as z.ZodObject,
      // Asked for at once. What policy allows runs without an interruption; all else interrupts, a lost server too.
      needsApproval: async (context, args, id) => {
        const decision = await this.#calls.decide(callOf(context.context as Context, id, args)).catch(() => null);
        return decision?.kind !== "released";
      },
      // Whatever let it come here (a state that was approved by hand, alwaysApprove): it is Keyturn's word that counts.
      execute: async (args, context, details) => {
        const call = callOf(context?.context as Context, details?.toolCall?.callId, args);
        const ran = await this.#calls.run(call, (released) => execute(released as z.output<Schema>, context as RunContext<Context>));
        return ran.ran ? ran.value : ran.words;
      },
    }) as unknown as FunctionTool<Context, Schema, unknown>;
  }

  /**
   * Turns what Keyturn decided into state.approve and state.reject, waiting up to `waitMs` for people. Gives the interruptions of
   * these tools that still wait; those of other tools are left alone. Throws when Keyturn cannot be reached: the state is as it was, to be tried again.
   */
  async resolve(state: RunState<Context, any>, { waitMs = 0 }: { waitMs?: number } = {}): Promise<{ item: RunToolApprovalItem; words: string }[]> {
    const context = state._context.context as Context;
    const ours = state.getInterruptions().filter((item) => this.#tools.has(item.name ?? ""));
    const decided = await Promise.all(ours.map(async (item) => ({ item, decision: await this.#decide(item, context, waitMs) })));
    for (const { item, decision } of decided) {
      if (decision.kind === "released") state.approve(item);
      if (decision.kind === "refused" || decision.kind === "changed") state.reject(item, { message: decision.words });
    }
    return decided.flatMap(({ item, decision }) => (decision.kind === "waiting" ? [{ item, words: decision.words }] : []));
  }

  async #decide(item: RunToolApprovalItem, context: Context, waitMs: number): Promise<Decision> {
    const { parameters, callOf } = this.#tools.get(item.name!)!;
    const id = item.rawItem.type === "function_call" ? item.rawItem.callId : undefined;
    let args: unknown;
    try {
      args = parameters.parse(JSON.parse(item.arguments || "{}"));
    } catch (error) {
      return { kind: "refused", words: `Not run: these are no arguments of ${item.name} (${error instanceof Error ? error.message : error}).` };
    }
    return this.#calls.decide(callOf(context, id, args), waitMs);
  }
}
