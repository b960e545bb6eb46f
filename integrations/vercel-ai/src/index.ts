// Tools of the Vercel AI SDK that run only what Keyturn released.
//
//   const { tools, toolApproval, answers } = new KeyturnApprovals().forRun(chatId, { refund });
//   let result = await generateText({ model, tools: { ...tools, ...others }, toolApproval, messages });
//   messages.push(...result.responseMessages);
//   const { message } = await answers(messages, { waitMs: 60_000 });   // or keep the messages and go on tomorrow, elsewhere
//   if (message) result = await generateText({ …, messages: [...messages, message] });
import type { ModelMessage, ToolApprovalResponse, ToolApprovalStatus, ToolModelMessage, ToolSet } from "ai";
import { ToolCalls, type Call, type Decision, type Options } from "../../tool-calls/src/index.js";
export { Refused, ToolCalls, Unreachable } from "../../tool-calls/src/index.js";

export interface KeyturnOptions extends Options {
  /** The tools' names in tools.yaml, where they have others. */
  names?: Record<string, string>;
  /** Why, for reviewers; the same for the same call. */
  reason?: (tool: string, args: unknown) => string;
  calls?: ToolCalls;
}

/** What a tool's call gives the model, as its error, when it did not run. */
export class NotRun extends Error {
  override name = "NotRun";
}

export class KeyturnApprovals {
  readonly #calls: ToolCalls;
  readonly #options: KeyturnOptions;

  constructor(options: KeyturnOptions = {}) {
    this.#calls = options.calls ?? new ToolCalls(options);
    this.#options = options;
  }

  /** `run` tells one chat from every other, and is taken from what the server knows: never from what a browser sends without a check. */
  forRun<Tools extends ToolSet>(run: string, tools: Tools) {
    if (!run) throw new Error("forRun: what is reviewed needs a run of its own");
    const callOf = (name: string, id: string, args: unknown): Call => {
      const reason = this.#options.reason?.(name, args);
      const known = this.#options.names ?? {};
      return { run, id, tool: Object.hasOwn(known, name) ? known[name]! : name, args, ...(reason ? { reason } : {}) };
    };
    return {
      /** The same tools, whose `execute` is Keyturn's word: history, signatures and what a browser answered count for nothing there. */
      tools: Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, this.#guarded(name, tool, callOf)])) as Tools,

      /** For `toolApproval`. Asks at once; what policy allows or denies needs no second call. */
      toolApproval: Object.fromEntries(Object.keys(tools).map((name) => [name, async (input: unknown, { toolCallId }: { toolCallId: string }): Promise<ToolApprovalStatus> => {
        const decision = await this.#calls.decide(callOf(name, toolCallId, input)).catch(() => null);
        if (!decision) return { type: "user-approval", reason: "Keyturn cannot be reached" };
        if (decision.kind === "released") return { type: "approved", reason: decision.action.id };
        return { type: decision.kind === "waiting" ? "user-approval" : "denied", reason: decision.words };
      }])) as { [Name in keyof Tools]: (input: any, options: { toolCallId: string }) => Promise<ToolApprovalStatus> },

      /**
       * The tool message that answers the approval requests which `messages` leave open, as Keyturn decided, waiting up to `waitMs` for people.
       * No message: something still waits. Throws when Keyturn cannot be reached.
       */
      answers: async (messages: ModelMessage[], { waitMs = 0 }: { waitMs?: number } = {}): Promise<{ message?: ToolModelMessage; waiting: string[] }> => {
        const open = openRequests(messages).filter((request) => Object.hasOwn(tools, request.name));
        const decided = await Promise.all(open.map(({ name, id, input }) => this.#calls.decide(callOf(name, id, input), waitMs)));
        const waiting = decided.flatMap((decision) => (decision.kind === "waiting" ? [decision.words] : []));
        if (open.length === 0 || waiting.length > 0) return { waiting };
        return { waiting, message: { role: "tool", content: decided.map((decision, i) => response(open[i]!.approvalId, decision)) } };
      },
    };
  }

  #guarded(name: string, tool: ToolSet[string], callOf: (name: string, id: string, args: unknown) => Call): ToolSet[string] {
    const execute = tool.execute;
    if (!execute) throw new Error(`${name} has no execute: what runs elsewhere cannot be held back here`);
    const guarded = async (input: unknown, options: { toolCallId: string }) => {
      const ran = await this.#calls.run(callOf(name, options.toolCallId, input), (args) => last(execute(args as never, options as never)));
      if (!ran.ran) throw new NotRun(ran.words);
      return ran.value;
    };
    return { ...tool, execute: guarded } as ToolSet[string];
  }
}

function response(approvalId: string, decision: Decision): ToolApprovalResponse {
  const approved = decision.kind === "released";
  return { type: "tool-approval-response", approvalId, approved, reason: "words" in decision ? decision.words : decision.action.id };
}

// What was asked for in the last message of the model and has no answer yet.
function openRequests(messages: ModelMessage[]): { approvalId: string; name: string; id: string; input: unknown }[] {
  const answered = new Set(messages.flatMap((message) => message.role === "tool" ? message.content.flatMap((part) => part.type === "tool-approval-response" ? [part.approvalId] : []) : []));
  const said = messages.findLast((message) => message.role === "assistant")?.content;
  if (!said || typeof said === "string") return [];
  return said.flatMap((part) => {
    if (part.type !== "tool-approval-request" || answered.has(part.approvalId)) return [];
    const call = said.find((other) => other.type === "tool-call" && other.toolCallId === part.toolCallId);
    return call?.type === "tool-call" ? [{ approvalId: part.approvalId, name: call.toolName, id: call.toolCallId, input: call.input }] : [];
  });
}

// A tool may give its result in pieces, of which the last counts.
async function last(value: unknown): Promise<unknown> {
  if (typeof value !== "object" || value === null || !(Symbol.asyncIterator in value)) return value;
  let piece: unknown;
  for await (piece of value as AsyncIterable<unknown>);
  return piece;
}
