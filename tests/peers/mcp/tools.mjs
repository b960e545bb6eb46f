// The tools of the fixture servers that our own tests call, told once for both eras. `call` is what a server gives a tool:
//   args, meta, headers, signal, era; log(level, data); progress(done, total, message); inputs(requests): what the client answers to them, by key;
//   changed(list): says that a list is not what it was; state: the folder of the server.
import { appendFileSync, existsSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";

export const text = (...lines) => ({ content: lines.map(line => ({ type: "text", text: line })) });
export const object = (properties = {}, required = Object.keys(properties)) => ({ type: "object", properties, ...(required.length ? { required } : {}) });

const string = { type: "string" };

/** Until the file is there or the client does not want it any more. */
export async function fileOrCancelled(path, signal) {
  const folder = join(path, "..");
  for (const watcher = watch(folder); ;) {
    const looked = new Promise(resolve => {
      watcher.once("change", resolve);
      signal.addEventListener("abort", resolve, { once: true });
    });
    if (existsSync(path) || signal.aborted) {
      watcher.close();
      return signal.aborted ? "cancelled" : "done";
    }
    await looked;
  }
}

export const definitionOf = state => {
  const file = state && join(state, "definition");
  return file && existsSync(file) ? readFileSync(file, "utf8") : "A tool whose definition can change.";
};

const shown = ({ headers, meta, args }) => ({
  headers,
  meta,
  args,
  arguments: process.argv.slice(2),
  environment: Object.fromEntries(Object.entries(process.env).filter(([name]) => /TOKEN|KEY|SECRET|PASSWORD|FIXTURE/.test(name))),
});

export const tools = [
  {
    name: "append",
    description: "Appends a line to a file.",
    inputSchema: object({ file: string, text: string }),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
    run: ({ args }) => {
      appendFileSync(args.file, `${args.text}\n`);
      return text(`appended ${args.text}`);
    },
  },
  {
    name: "add",
    title: "Add two numbers",
    description: "Adds, and says so as text and as structured content.",
    inputSchema: object({ a: { type: "number" }, b: { type: "number" } }),
    outputSchema: object({ sum: { type: "number" } }),
    annotations: { readOnlyHint: true },
    run: ({ args: { a, b } }) => ({ ...text(JSON.stringify({ sum: a + b })), structuredContent: { sum: a + b } }),
  },
  {
    name: "echo",
    description: "Gives back its text.",
    inputSchema: object({ text: string }),
    annotations: { readOnlyHint: true },
    run: ({ args }) => text(args.text),
  },
  {
    name: "slow",
    description: "Takes `ms`, or as long as the file `until` is not there. Appends how it began and ended to `log`.",
    inputSchema: object({ ms: { type: "integer" }, until: string, log: string }, []),
    run: async ({ args, signal }) => {
      const note = word => args.log && appendFileSync(args.log, `${word}\n`);
      note("began");
      const ended = args.until
        ? await fileOrCancelled(args.until, signal)
        : await new Promise(resolve => {
          const timer = setTimeout(resolve, args.ms ?? 0, "done");
          signal.addEventListener("abort", () => (clearTimeout(timer), resolve("cancelled")), { once: true });
        });
      note(ended === "done" ? "done" : `cancelled: ${signal.reason?.message ?? signal.reason ?? ""}`);
      return text(ended);
    },
  },
  {
    name: "whoami",
    description: "Says what it was called with: headers, environment, arguments of the command.",
    inputSchema: object(),
    annotations: { readOnlyHint: true },
    run: call => text(JSON.stringify(shown(call))),
  },
  {
    name: "changing",
    describe: definitionOf,
    inputSchema: object({ text: string }, []),
    run: ({ args }) => text(`changing ${args.text ?? ""}`),
  },
  {
    name: "redefine",
    description: "Gives the tool `changing` another description.",
    inputSchema: object({ description: string }),
    run: ({ args, state }) => {
      writeFileSync(join(state, "definition"), args.description);
      return text("redefined");
    },
  },
  {
    name: "ask",
    description: "Asks the client's user for a colour.",
    inputSchema: object({ message: string }, []),
    run: async call => {
      const params = { message: call.args.message ?? "Which colour?", requestedSchema: object({ colour: string }) };
      const { answer } = await call.inputs({ answer: { method: "elicitation/create", params } });
      return text(`answer: ${answer.action} ${JSON.stringify(answer.content ?? {})}`);
    },
  },
  {
    name: "sample",
    description: "Lets the client's model answer.",
    inputSchema: object({ prompt: string }),
    run: async call => {
      const messages = [{ role: "user", content: { type: "text", text: call.args.prompt } }];
      const { sampled } = await call.inputs({ sampled: { method: "sampling/createMessage", params: { messages, maxTokens: 64 } } });
      return text(`sampled: ${sampled.content.text}`);
    },
  },
  {
    name: "steps",
    description: "Tells of its progress and logs, `count` times.",
    inputSchema: object({ count: { type: "integer" } }),
    run: async call => {
      for (let step = 1; step <= call.args.count; step++) {
        await call.progress(step, call.args.count, `step ${step}`);
        await call.log("info", `step ${step}`);
      }
      return text(`${call.args.count} steps`);
    },
  },
  {
    name: "large",
    description: "Gives a text of that many bytes.",
    inputSchema: object({ bytes: { type: "integer" } }),
    run: ({ args }) => text("x".repeat(args.bytes)),
  },
  {
    name: "crash",
    description: "Ends the server at once.",
    inputSchema: object(),
    run: () => process.exit(3),
  },
];
