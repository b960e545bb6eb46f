// An agent that wants to pay an order back, with a fake model in place of OpenAI's: no key, no network.
// Interrupted (Ctrl-C) and started again it goes on with the same run, from refund-run.json.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, run, RunState, setTracingDisabled, Usage, type Model } from "@openai/agents";
import { z } from "zod";
import { KeyturnApprovals } from "../src/index.js";

setTracingDisabled(true);
const kept = "refund-run.json";

// Calls the tool, then repeats what it was told. Leave `model` out below for a real one.
const model: Model = {
  async getResponse({ input }) {
    const last = typeof input === "string" ? undefined : input.at(-1);
    const told = last?.type === "function_call_result" ? JSON.stringify(last.output) : undefined;
    return {
      usage: new Usage(),
      output: told
        ? [{ type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: `I was told: ${told}` }] }]
        : [{ type: "function_call", callId: `call_${Date.now()}`, name: "refund", arguments: JSON.stringify({ order: "A17", cents: 4200 }), status: "completed" }],
    };
  },
  getStreamedResponse() {
    throw new Error("not used here");
  },
};

interface Context { conversation: string }

const keyturn = new KeyturnApprovals<Context>({ run: (context) => context.conversation });
const refund = keyturn.tool({
  name: "refund",
  description: "Pays an order back.",
  parameters: z.object({ order: z.string(), cents: z.number().int() }),
  execute: ({ order, cents }) => {
    console.log(`*** paying back ${cents} cents of ${order}`);
    return `paid back ${cents} cents of ${order}`;
  },
});
const agent = new Agent<Context>({ name: "shop", instructions: "You help customers.", model, tools: [refund] });

let result = existsSync(kept)
  ? await run(agent, await RunState.fromString<Context, typeof agent>(agent, readFileSync(kept, "utf8")))
  : await run(agent, "The parcel A17 never came.", { context: { conversation: `c-${Date.now()}` } });
while (result.interruptions.length > 0) {
  writeFileSync(kept, result.state.toString());
  for (const { words } of await keyturn.resolve(result.state)) console.log(words);
  await keyturn.resolve(result.state, { waitMs: 3_600_000 });
  result = await run(agent, result.state);
}
rmSync(kept, { force: true });
console.log(result.finalOutput);
