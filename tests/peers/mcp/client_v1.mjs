// The client of @modelcontextprotocol/sdk, driven (driver.mjs): 2025-11-25 over Streamable HTTP or stdio.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types from "@modelcontextprotocol/sdk/types.js";
import { capable, drive, event, inherited, sampled, tracing } from "./driver.mjs";

let transport;

function listen(client, answers) {
  client.onclose = () => event("closed");
  client.onerror = error => event("failed", { message: error.message });
  client.setNotificationHandler(types.LoggingMessageNotificationSchema, ({ params }) => event("log", params));
  client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => event("changed", { list: "tools" }));
  client.setNotificationHandler(types.PromptListChangedNotificationSchema, () => event("changed", { list: "prompts" }));
  client.setNotificationHandler(types.ResourceUpdatedNotificationSchema, ({ params }) => event("updated", params));
  const asked = (schema, name, answer) => answer && client.setRequestHandler(schema, ({ params }) => (event(name, { params }), answer));
  asked(types.ElicitRequestSchema, "asked", answers.elicitation);
  asked(types.CreateMessageRequestSchema, "sampled", sampled(answers.sampling));
  asked(types.ListRootsRequestSchema, "roots", answers.roots && { roots: answers.roots });
}

async function connect({ url, headers, command, env, answers = {}, trace, capabilities }) {
  const client = new Client({ name: "client-v1", version: "1.0.0" }, { capabilities: { ...capable(answers), ...capabilities } });
  listen(client, answers);
  transport = url
    ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch: tracing(trace) })
    : new StdioClientTransport({ command: command[0], args: command.slice(1), env: inherited(env), stderr: "inherit" });
  await client.connect(transport);
  return client;
}

/** tools/call as a task, followed to its end. */
async function callAsTask(client, { id, name, arguments: args }, options) {
  let ended;
  for await (const message of client.experimental.tasks.callToolStream({ name, arguments: args }, types.CallToolResultSchema, options)) {
    if (message.type === "result") ended = message.result;
    else if (message.type === "error") throw message.error;
    else event("task", { of: id, task: message.task });
  }
  return ended;
}

drive({
  connect,
  about: client => ({ era: "legacy", server: client.getServerVersion(), capabilities: client.getServerCapabilities(), session: transport.sessionId, instructions: client.getInstructions() }),
  tools: (client, { cursor }, options) => client.listTools({ cursor }, options),
  call: (client, command, options) => (options.task ? callAsTask(client, command, options)
    : client.callTool({ name: command.name, arguments: command.arguments, _meta: command.meta }, types.CallToolResultSchema, options)),
  resources: (client, { cursor }, options) => client.listResources({ cursor }, options),
  templates: (client, _, options) => client.listResourceTemplates({}, options),
  read: (client, { uri }, options) => client.readResource({ uri }, options),
  subscribe: (client, { uri }, options) => client.subscribeResource({ uri }, options),
  unsubscribe: (client, { uri }, options) => client.unsubscribeResource({ uri }, options),
  prompts: (client, { cursor }, options) => client.listPrompts({ cursor }, options),
  prompt: (client, { name, arguments: args }, options) => client.getPrompt({ name, arguments: args }, options),
  complete: (client, { ref, argument }, options) => client.complete({ ref, argument }, options),
  level: (client, { level }, options) => client.setLoggingLevel(level, options),
  ping: (client, _, options) => client.ping(options),
  task: (client, { taskId }, options) => client.experimental.tasks.getTask(taskId, options),
  task_result: (client, { taskId }, options) => client.experimental.tasks.getTaskResult(taskId, types.CallToolResultSchema, options),
  task_cancel: (client, { taskId }, options) => client.experimental.tasks.cancelTask(taskId, options),
  end_session: () => transport.terminateSession(),
  raw: (client, { method, params }, options) => client.request({ method, params }, types.ResultSchema.loose?.() ?? types.ResultSchema, options),
});
