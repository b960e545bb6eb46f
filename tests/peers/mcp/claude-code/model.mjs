// A model for Claude Code on loopback: the Messages API, streamed. It follows a script: a list of {"tool", "input"}, called one after the other as the
// conversation goes on, then it ends with the last tool's result as its text. Says {"listening": port} and, of each turn, {"turn": …}; --script '[…]' or on stdin {"script": […]}.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { port: { type: "string", default: "0" }, script: { type: "string", default: "[]" } } });
const say = what => process.stdout.write(JSON.stringify(what) + "\n");
let script = JSON.parse(values.script);

const wordsOf = content => (typeof content === "string" ? content : (content ?? []).map(block => block.text ?? `(${block.type})`).join("\n"));
const resultsOf = messages => messages.flatMap(({ role, content }) => (role === "user" && Array.isArray(content) ? content.filter(block => block.type === "tool_result") : []));

/** What it says next: the content block of its turn. */
function next({ messages, tools = [] }) {
  const results = resultsOf(messages);
  const step = script[results.length];
  if (!tools.length) return { type: "text", text: "a title" }; // asked besides the conversation
  if (step) return { type: "tool_use", id: `toolu_${results.length + 1}`, name: step.tool, input: step.input ?? {} };
  const last = results.at(-1);
  return { type: "text", text: last ? `${last.is_error ? "error: " : ""}${wordsOf(last.content)}` : "nothing was to be called" };
}

/** The events of one streamed message. */
function* events(model, block) {
  const tool = block.type === "tool_use";
  const usage = { input_tokens: 10, output_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  yield { type: "message_start", message: { id: "msg_1", type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage } };
  yield { type: "content_block_start", index: 0, content_block: tool ? { ...block, input: {} } : { type: "text", text: "" } };
  yield { type: "content_block_delta", index: 0, delta: tool ? { type: "input_json_delta", partial_json: JSON.stringify(block.input) } : { type: "text_delta", text: block.text } };
  yield { type: "content_block_stop", index: 0 };
  yield { type: "message_delta", delta: { stop_reason: tool ? "tool_use" : "end_turn", stop_sequence: null }, usage };
  yield { type: "message_stop" };
}

const json = (response, status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

async function answer(request, response) {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  const path = new URL(request.url, "http://x").pathname;
  if (request.method !== "POST") return json(response, 200, {});
  if (path.endsWith("/count_tokens")) return json(response, 200, { input_tokens: 10 });
  if (path !== "/v1/messages") return json(response, 404, { type: "error", error: { type: "not_found_error", message: path } });
  const body = JSON.parse(text);
  const block = next(body);
  say({ turn: { tools: (body.tools ?? []).map(tool => tool.name).filter(name => name.startsWith("mcp__")), says: block, results: resultsOf(body.messages) } });
  if (!body.stream) {
    return json(response, 200, {
      id: "msg_1", type: "message", role: "assistant", model: body.model, content: [block], stop_reason: block.type === "tool_use" ? "tool_use" : "end_turn", stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 10 },
    });
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events(body.model, block)) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.end();
}

const server = createServer(answer);
server.listen(Number(values.port), "127.0.0.1", () => say({ listening: server.address().port }));
createInterface({ input: process.stdin }).on("line", line => {
  ({ script } = JSON.parse(line));
  say({ script: true });
}).on("close", () => process.exit(0));
