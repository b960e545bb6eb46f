// Runs the real AI SDK with its mock model, as the tests in tests/e2e tell it.
import { generateText, isStepCount, tool, type ModelMessage } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { z } from "zod";
import { nextTurn, patienceMs, refund, serve, type Look, type Subject, type Turns } from "../../tool-calls/test/serve.js";
import { KeyturnApprovals } from "../src/index.js";

const usage = { inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 1, text: 1, reasoning: 0 } };

class Runs implements Subject {
  #turns!: Turns;
  #told: Record<string, string> = {};
  #messages: ModelMessage[] = [];
  #keyturn = new KeyturnApprovals({ patienceMs });
  #reviewed!: ReturnType<typeof this.review>;

  review(run: string) {
    return this.#keyturn.forRun(run, {
      refund: tool({ description: "Pays an order back.", inputSchema: z.object({ order: z.string(), cents: z.number().int() }), execute: async (args) => refund(args) }),
    });
  }

  #model = new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const made = new Set<string>();
      for (const message of prompt) {
        if (message.role !== "assistant" && message.role !== "tool") continue;
        for (const part of message.content) {
          if (part.type === "tool-call") made.add(part.toolCallId);
          if (part.type === "tool-result") this.#told[part.toolCallId] = "value" in part.output ? String(part.output.value) : "reason" in part.output ? part.output.reason ?? "" : "";
        }
      }
      const turn = nextTurn(this.#turns, made);
      return {
        usage, warnings: [],
        finishReason: { unified: turn ? "tool-calls" : "stop", raw: undefined },
        content: turn
          ? turn.map(({ id, args }) => ({ type: "tool-call", toolCallId: id, toolName: "refund", input: JSON.stringify(args) }))
          : [{ type: "text", text: "done" }],
      };
    },
  });

  async #go(more: ModelMessage[]): Promise<Look> {
    this.#messages.push(...more);
    const { tools, toolApproval } = this.#reviewed;
    const result = await generateText({ model: this.#model, tools, toolApproval, messages: this.#messages, stopWhen: isStepCount(9) });
    this.#messages.push(...result.responseMessages);
    return { said: result.text || null, waiting: [], told: this.#told };
  }

  async start(run: string, turns: Turns): Promise<Look> {
    this.#turns = turns;
    this.#reviewed = this.review(run);
    return this.#go([{ role: "user", content: "Pay it back." }]);
  }

  async resolve(waitMs: number): Promise<Look> {
    const { message, waiting } = await this.#reviewed.answers(this.#messages, { waitMs });
    return message ? this.#go([message]) : { said: null, waiting, told: this.#told };
  }

  async force(): Promise<Look> {
    const said = this.#messages.findLast((message) => message.role === "assistant")!.content;
    const requests = typeof said === "string" ? [] : said.filter((part) => part.type === "tool-approval-request");
    return this.#go([{ role: "tool", content: requests.map(({ approvalId }) => ({ type: "tool-approval-response", approvalId, approved: true })) }]);
  }

  save(): string {
    return JSON.stringify(this.#messages);
  }

  async load(run: string, turns: Turns, state: string): Promise<void> {
    this.#turns = turns;
    this.#reviewed = this.review(run);
    this.#messages = JSON.parse(state);
  }
}

await serve(new Runs());
