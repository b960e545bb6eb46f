// An agent that wants to pay an order back, with the SDK's mock model: no key, no network.
// Interrupted (Ctrl-C) and started again it goes on with the same chat, from refund-chat.json.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { generateText, tool, type ModelMessage } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { z } from "zod";
import { KeyturnApprovals } from "../src/index.js";

const kept = "refund-chat.json";

// Calls the tool, then repeats what it was told. Put a real one here.
const model = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const last = prompt.at(-1)!;
    const told = last.role === "tool" ? JSON.stringify(last.content.flatMap((part) => (part.type === "tool-result" ? [part.output] : []))) : undefined;
    return {
      warnings: [],
      usage: { inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 0, text: 0, reasoning: 0 } },
      finishReason: { unified: told ? "stop" : "tool-calls", raw: undefined },
      content: told
        ? [{ type: "text", text: `I was told: ${told}` }]
        : [{ type: "tool-call", toolCallId: `call_${Date.now()}`, toolName: "refund", input: JSON.stringify({ order: "A17", cents: 4200 }) }],
    };
  },
});

const refund = tool({
  description: "Pays an order back.",
  inputSchema: z.object({ order: z.string(), cents: z.number().int() }),
  execute: async ({ order, cents }) => {
    console.log(`*** paying back ${cents} cents of ${order}`);
    return `paid back ${cents} cents of ${order}`;
  },
});

const chat: { id: string; messages: ModelMessage[] } = existsSync(kept)
  ? JSON.parse(readFileSync(kept, "utf8"))
  : { id: `chat-${Date.now()}`, messages: [{ role: "user", content: "The parcel A17 never came." }] };
const { tools, toolApproval, answers } = new KeyturnApprovals().forRun(chat.id, { refund });

for (;;) {
  const now = await answers(chat.messages);
  for (const words of now.waiting) console.log(words);
  const { message, waiting } = now.waiting.length > 0 ? await answers(chat.messages, { waitMs: 3_600_000 }) : now;
  if (waiting.length > 0) continue;
  if (message) chat.messages.push(message);
  const result = await generateText({ model, tools, toolApproval, messages: chat.messages });
  chat.messages.push(...result.responseMessages);
  writeFileSync(kept, JSON.stringify(chat));
  if (!result.text) continue;
  rmSync(kept);
  console.log(result.text);
  break;
}
