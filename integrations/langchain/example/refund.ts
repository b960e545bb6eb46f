// An agent that wants to pay an order back, with a fake model: no key, no network. What it waits for survives a restart only
// with a checkpointer that does (PostgresSaver, SqliteSaver); MemorySaver is for this example.
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { MemorySaver } from "@langchain/langgraph";
import { AIMessage, createAgent, HumanMessage, tool, ToolMessage, type BaseMessage } from "langchain";
import { z } from "zod";
import { KeyturnReview } from "../src/index.js";

// Calls the tool, then repeats what it was told. Put a real one here.
class FakeModel extends BaseChatModel {
  _llmType() {
    return "fake";
  }

  override bindTools() {
    return this;
  }

  async _generate(messages: BaseMessage[]) {
    const last = messages.at(-1)!;
    const message = ToolMessage.isInstance(last)
      ? new AIMessage(`I was told: ${last.text}`)
      : new AIMessage({ content: "", tool_calls: [{ type: "tool_call", id: `call_${Date.now()}`, name: "refund", args: { order: "A17", cents: 4200 } }] });
    return { generations: [{ text: message.text, message }] };
  }
}

const refund = tool(async ({ order, cents }) => {
  console.log(`*** paying back ${cents} cents of ${order}`);
  return `paid back ${cents} cents of ${order}`;
}, { name: "refund", description: "Pays an order back.", schema: z.object({ order: z.string(), cents: z.number().int() }) });

const keyturn = new KeyturnReview({ tools: ["refund"] });
const agent = createAgent({ model: new FakeModel({}), tools: [refund], middleware: keyturn.middleware, checkpointer: new MemorySaver() });

const config = { configurable: { thread_id: `c-${Date.now()}` } };
let result = await agent.invoke({ messages: [new HumanMessage("The parcel A17 never came.")] }, config);
while (result.__interrupt__?.length) {
  for (const words of (await keyturn.resume(result)).waiting) console.log(words);
  const { command } = await keyturn.resume(result, { waitMs: 3_600_000 });
  if (command) result = await agent.invoke(command, config);
}
console.log(result.messages.at(-1)?.text);
