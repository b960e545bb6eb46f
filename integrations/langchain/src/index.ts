// Tools of a LangChain agent that run only what Keyturn released.
//
//   const keyturn = new KeyturnReview({ tools: ["refund"] });
//   const agent = createAgent({ model, tools: [refund], middleware: keyturn.middleware, checkpointer });
//   const config = { configurable: { thread_id: "c-17" } };
//   let result = await agent.invoke({ messages: "…" }, config);
//   while (result.__interrupt__?.length) {
//     const { command } = await keyturn.resume(result, { waitMs: 60_000 });   // or go on tomorrow, elsewhere, from the checkpoint
//     if (command) result = await agent.invoke(command, config);
//   }
import { Command } from "@langchain/langgraph";
import { createMiddleware, humanInTheLoopMiddleware, ToolMessage, type AgentMiddleware, type Decision as Answer, type HITLRequest, type Interrupt } from "langchain";
import { ToolCalls, type Call, type Decision, type Options } from "../../tool-calls/src/index.js";
export { Refused, ToolCalls, Unreachable } from "../../tool-calls/src/index.js";

export interface ReviewOptions extends Options {
  /** The tools that are reviewed; as an object where they have other names in tools.yaml: { refund: "shop-refund" }. */
  tools: string[] | Record<string, string>;
  /** Why, for reviewers; the same for the same call. */
  reason?: (tool: string, args: Record<string, unknown>) => string;
  calls?: ToolCalls;
}

interface ToolCall { name: string; args: Record<string, unknown>; id?: string | undefined }

export class KeyturnReview {
  readonly #calls: ToolCalls;
  readonly #names: Map<string, string>;
  readonly #reason: ReviewOptions["reason"];

  constructor(options: ReviewOptions) {
    this.#calls = options.calls ?? new ToolCalls(options);
    this.#names = new Map(Array.isArray(options.tools) ? options.tools.map((name) => [name, name]) : Object.entries(options.tools));
    this.#reason = options.reason;
  }

  /** Both, in this order: LangChain's own, which interrupts, and the one at whose hands tools run. Keep it last: what changes a call after it is not reviewed. */
  get middleware(): AgentMiddleware[] {
    const interruptOn = Object.fromEntries([...this.#names.keys()].map((name) => [name, {
      allowedDecisions: ["approve" as const, "edit" as const, "reject" as const],
      description: async (toolCall: ToolCall, _state: unknown, runtime: { configurable?: { thread_id?: string } }) => {
        const call = this.#callOf(toolCall, runtime);
        const words = await this.#calls.decide(call).then(wordsOf, (error) => String(error));
        return `Keyturn decides. ${words}\n${mark(call)}`;
      },
    }]));
    return [
      humanInTheLoopMiddleware({ interruptOn }),
      createMiddleware({
        name: "KeyturnReview",
        wrapToolCall: async (request, handler) => {
          const { toolCall } = request;
          if (!this.#names.has(toolCall.name)) return handler(request);
          const ran = await this.#calls.run(
            this.#callOf(toolCall, request.runtime),
            (args) => handler({ ...request, toolCall: { ...toolCall, args: args as Record<string, unknown> } }),
            (value) => ToolMessage.isInstance(value) ? { outcome: value.status === "error" ? "failed" : "succeeded", result: value.content } : { outcome: "succeeded", result: null },
          );
          return ran.ran ? ran.value : new ToolMessage({ content: ran.words, name: toolCall.name, tool_call_id: toolCall.id ?? "", status: "error" });
        },
      }),
    ];
  }

  /**
   * The command that answers what interrupted `result`, as Keyturn decided, waiting up to `waitMs` for people. Each answer names its
   * interrupt: LangGraph gives a bare answer to every interrupt that is open. Those that still wait, and those of other middleware, are left open.
   * No command: nothing can be answered yet. Throws when Keyturn cannot be reached.
   */
  async resume(result: object, { waitMs = 0 }: { waitMs?: number } = {}): Promise<{ command?: Command; waiting: string[] }> {
    const interrupts = (result as { __interrupt__?: Interrupt<HITLRequest>[] }).__interrupt__ ?? [];
    const answers: Record<string, { decisions: Answer[] }> = {};
    const waiting: string[] = [];
    await Promise.all(interrupts.map(async ({ id, value }) => {
      const calls = value?.actionRequests?.map((request) => this.#callIn(request)) ?? [];
      if (!id || calls.length === 0 || calls.some((call) => !call)) return;
      const decisions = await Promise.all((calls as Call[]).map((call) => this.#calls.decide(call, waitMs)));
      const open = decisions.flatMap((decision) => (decision.kind === "waiting" ? [decision.words] : []));
      waiting.push(...open);
      if (open.length === 0) answers[id] = { decisions: this.#answers(calls as Call[], decisions) };
    }));
    return { waiting, ...(Object.keys(answers).length ? { command: new Command({ resume: answers }) } : {}) };
  }

  // With one call rejected, LangChain drops the others of the same message: what was released of them is kept for when the model asks again.
  #answers(calls: Call[], decisions: Decision[]): Answer[] {
    const dropped = decisions.some((decision) => decision.kind === "refused");
    return decisions.map((decision, i): Answer => {
      if (decision.kind === "released") {
        if (dropped) this.#calls.setAside(calls[i]!, decision.action);
        return { type: "approve" };
      }
      if (decision.kind === "changed") return { type: "edit", editedAction: { name: this.#toolOf(calls[i]!), args: decision.action.args as Record<string, unknown> } };
      return { type: "reject", message: decision.words };
    });
  }

  #toolOf(call: Call): string {
    return [...this.#names].find(([, name]) => name === call.tool)![0];
  }

  #callOf(toolCall: ToolCall, runtime: { configurable?: { thread_id?: string } }): Call {
    const run = runtime.configurable?.thread_id;
    if (!run || !toolCall.id) throw new Error(`${toolCall.name}: a call that is reviewed needs configurable.thread_id and an id of its own`);
    return this.#call(run, toolCall.id, toolCall.name, toolCall.args);
  }

  #call(run: string, id: string, name: string, args: Record<string, unknown>): Call {
    const reason = this.#reason?.(name, args);
    return { run, id, tool: this.#names.get(name)!, args, ...(reason ? { reason } : {}) };
  }

  // The interrupt names tools and arguments, not calls: the last line of our description does.
  #callIn(request: HITLRequest["actionRequests"][number]): Call | undefined {
    const found = /\n(\{"run":.*\})$/.exec(request.description ?? "");
    if (!found || !this.#names.has(request.name)) return undefined;
    const { run, call } = JSON.parse(found[1]!) as { run: string; call: string };
    return this.#call(run, call, request.name, request.args);
  }
}

const mark = (call: Call) => JSON.stringify({ run: call.run, call: call.id });

const wordsOf = (decision: Decision) => ("words" in decision ? decision.words : `Released: ${decision.action.id}`);
