// Runs the real Agents SDK with a fake model, as the tests in tests/e2e tell it.
import { Agent, run, RunState, setTracingDisabled, Usage, type Model, type ModelRequest, type ModelResponse } from "@openai/agents";
import { z } from "zod";
import { nextTurn, patienceMs, refund, serve, type Look, type Subject, type Turns } from "../../tool-calls/test/serve.js";
import { KeyturnApprovals } from "../src/index.js";

setTracingDisabled(true);
type Context = { conversation: string };

class FakeModel implements Model {
  told: Record<string, string> = {};
  constructor(readonly turns: Turns) {}

  async getResponse({ input }: ModelRequest): Promise<ModelResponse> {
    const items = typeof input === "string" ? [] : input;
    const made = new Set(items.flatMap((item) => (item.type === "function_call" ? [item.callId] : [])));
    for (const item of items) {
      if (item.type === "function_call_result") this.told[item.callId] = typeof item.output === "string" ? item.output : "text" in item.output ? item.output.text : "";
    }
    const turn = nextTurn(this.turns, made);
    return {
      usage: new Usage(),
      output: turn
        ? turn.map(({ id, args }) => ({ type: "function_call", callId: id, name: "refund", arguments: JSON.stringify(args), status: "completed" }))
        : [{ type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "done" }] }],
    };
  }

  getStreamedResponse(): never {
    throw new Error("not used");
  }
}

class Runs implements Subject {
  #model!: FakeModel;
  #agent!: Agent<Context>;
  #state!: RunState<Context, Agent<Context>>;
  #keyturn = new KeyturnApprovals<Context>({ run: (context) => context.conversation, patienceMs });
  #refund = this.#keyturn.tool({
    name: "refund", description: "Pays an order back.",
    parameters: z.object({ order: z.string(), cents: z.number().int() }),
    execute: refund,
  });

  #set(turns: Turns) {
    this.#model = new FakeModel(turns);
    this.#agent = new Agent<Context>({ name: "shop", model: this.#model, tools: [this.#refund] });
  }

  async #go(input: string | RunState<Context, Agent<Context>>, conversation?: string): Promise<Look> {
    const result = await run(this.#agent, input, conversation ? { context: { conversation } } : {});
    this.#state = result.state;
    const open = result.interruptions.length > 0;
    return { said: open ? null : String(result.finalOutput), waiting: [], told: this.#model.told };
  }

  async start(conversation: string, turns: Turns): Promise<Look> {
    this.#set(turns);
    return this.#go("Pay it back.", conversation);
  }

  async resolve(waitMs: number): Promise<Look> {
    const waiting = await this.#keyturn.resolve(this.#state, { waitMs });
    const look = await this.#go(this.#state);
    return { ...look, waiting: waiting.map(({ words }) => words) };
  }

  async force(): Promise<Look> {
    for (const item of this.#state.getInterruptions()) this.#state.approve(item);
    return this.#go(this.#state);
  }

  save(): string {
    return this.#state.toString();
  }

  async load(_run: string, turns: Turns, state: string): Promise<void> {
    this.#set(turns);
    this.#state = await RunState.fromString<Context, Agent<Context>>(this.#agent, state);
  }
}

await serve(new Runs());
