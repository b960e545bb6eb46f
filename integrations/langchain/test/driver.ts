// Runs the real LangChain agent with a fake model, as the tests in tests/e2e tell it.
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { Annotation, Command, END, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { AIMessage, createAgent, HumanMessage, tool, ToolMessage, type BaseMessage } from "langchain";
import { z } from "zod";
import { nextTurn, patienceMs, refund, serve, type Look, type Subject, type Turns } from "../../tool-calls/test/serve.js";
import { KeyturnReview } from "../src/index.js";

class FakeModel extends BaseChatModel {
  told: Record<string, string> = {};
  constructor(readonly turns: Turns) {
    super({});
  }

  _llmType() {
    return "fake";
  }

  override bindTools() {
    return this;
  }

  async _generate(messages: BaseMessage[]) {
    const made = new Set<string>();
    for (const message of messages) {
      if (AIMessage.isInstance(message)) for (const call of message.tool_calls ?? []) made.add(call.id!);
      if (ToolMessage.isInstance(message)) this.told[message.tool_call_id] = message.text;
    }
    const turn = nextTurn(this.turns, made);
    const message = turn
      ? new AIMessage({ content: "", tool_calls: turn.map(({ id, args }) => ({ type: "tool_call", id, name: "refund", args })) })
      : new AIMessage("done");
    return { generations: [{ text: message.text, message }] };
  }
}

interface Result { messages?: BaseMessage[]; said?: string[]; __interrupt__?: { id?: string; value: { actionRequests: unknown[] } }[] }
interface Graph { invoke(input: unknown, config: object): Promise<Result> }

class Runs implements Subject {
  #models: FakeModel[] = [];
  #graph!: Graph;
  #saver = new MemorySaver();
  #run = "";
  #last: Result = {};
  #keyturn = new KeyturnReview({ tools: ["refund"], patienceMs });
  #refund = tool(async (args) => refund(args), {
    name: "refund", description: "Pays an order back.", schema: z.object({ order: z.string(), cents: z.number().int() }),
  });

  #agent(turns: Turns, checkpointer?: MemorySaver) {
    const model = new FakeModel(turns);
    this.#models.push(model);
    return createAgent({ model, tools: [this.#refund], middleware: this.#keyturn.middleware, ...(checkpointer ? { checkpointer } : {}) });
  }

  // Each turn is an agent of its own, and all of them run at once: as many interrupts.
  #parallel(turns: Turns): Graph {
    const State = Annotation.Root({ said: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }) });
    const nodes = turns.map((turn) => this.#agent([turn]));
    const graph = new StateGraph(State) as StateGraph<any, any, any, any>;
    nodes.forEach((agent, i) => {
      graph.addNode(`n${i}`, async (_state: unknown, config: object) => {
        const { messages } = await agent.invoke({ messages: [new HumanMessage("Pay it back.")] }, config);
        return { said: [messages.at(-1)!.text] };
      }).addEdge(START, `n${i}` as never).addEdge(`n${i}` as never, END);
    });
    return graph.compile({ checkpointer: this.#saver }) as unknown as Graph;
  }

  async #go(input: unknown): Promise<Look> {
    this.#last = await this.#graph.invoke(input, { configurable: { thread_id: this.#run } });
    const open = (this.#last.__interrupt__?.length ?? 0) > 0;
    const said = this.#last.said?.join(" ") ?? this.#last.messages?.at(-1)?.text ?? null;
    return { said: open ? null : said, waiting: [], told: Object.assign({}, ...this.#models.map((model) => model.told)) };
  }

  async start(run: string, turns: Turns, how: string): Promise<Look> {
    this.#run = run;
    this.#graph = how === "parallel" ? this.#parallel(turns) : this.#agent(turns, this.#saver) as unknown as Graph;
    return this.#go({ messages: [new HumanMessage("Pay it back.")] });
  }

  async resolve(waitMs: number): Promise<Look> {
    const { command, waiting } = await this.#keyturn.resume(this.#last, { waitMs });
    return command ? { ...await this.#go(command), waiting } : { said: null, waiting, told: {} };
  }

  // As LangChain's own examples do it: one answer, that names no interrupt.
  async force(): Promise<Look> {
    const calls = this.#last.__interrupt__![0]!.value.actionRequests;
    return this.#go(new Command({ resume: { decisions: calls.map(() => ({ type: "approve" })) } }));
  }

  save(): string {
    const text = (_key: string, value: unknown) => (value instanceof Uint8Array ? { $bytes: new TextDecoder().decode(value) } : value);
    return JSON.stringify({ storage: this.#saver.storage, writes: this.#saver.writes, last: { __interrupt__: this.#last.__interrupt__ } }, text);
  }

  async load(run: string, turns: Turns, state: string): Promise<void> {
    const bytes = (_key: string, value: any) => (typeof value?.$bytes === "string" ? new TextEncoder().encode(value.$bytes) : value);
    const { storage, writes, last } = JSON.parse(state, bytes);
    Object.assign(this.#saver, { storage, writes });
    this.#run = run;
    this.#last = last;
    this.#graph = this.#agent(turns, this.#saver) as unknown as Graph;
  }
}

await serve(new Runs());
