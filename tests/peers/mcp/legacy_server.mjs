// A fixture server of 2025-11-25 on @modelcontextprotocol/sdk: stdio, or Streamable HTTP with sessions, a GET stream and Last-Event-ID.
import { randomUUID } from "node:crypto";
import { InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { UriTemplate } from "@modelcontextprotocol/sdk/shared/uriTemplate.js";
import * as types from "@modelcontextprotocol/sdk/types.js";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv";
import { completed, contents, prompts, requests, resources, templates } from "./everything.mjs";
import { given, listen, onDefinition, say } from "./serve.mjs";
import { text, tools as ours } from "./tools.mjs";

const tools = [...contents, ...requests, ...ours];
const taskable = new Set(["append", "slow"]);
const validator = new AjvJsonSchemaValidator();
const pageSize = 4;
const sessions = new Map();
const invalid = (message, data) => new types.McpError(types.ErrorCode.InvalidParams, message, data);
const named = (list, name, what) => list.find(entry => entry.name === name) ?? (() => { throw invalid(`${what} ${name} not found`); })();

const listed = ({ name, title, description, describe, inputSchema, outputSchema, annotations }) => ({
  name, title, description: description ?? describe(given.state), inputSchema, outputSchema, annotations,
  ...(taskable.has(name) ? { execution: { taskSupport: "optional" } } : {}),
});

function page(list, cursor) {
  const from = cursor === undefined ? 0 : Number(cursor);
  if (!(from >= 0 && from < list.length)) throw invalid(`Unknown cursor ${cursor}`);
  return { slice: list.slice(from, from + pageSize), ...(from + pageSize < list.length ? { nextCursor: String(from + pageSize) } : {}) };
}

/** The era's answers to what a tool may do. */
function callOf(server, request, extra) {
  const token = request.params?._meta?.progressToken;
  const results = { "elicitation/create": types.ElicitResultSchema, "sampling/createMessage": types.CreateMessageResultSchema, "roots/list": types.ListRootsResultSchema };
  return {
    era: "legacy", args: request.params.arguments ?? {}, meta: request.params._meta, headers: extra.requestInfo?.headers, signal: extra.signal, state: given.state,
    log: (level, data) => extra.sendNotification({ method: "notifications/message", params: { level, logger: "fixture", data } }),
    progress: (progress, total, message) =>
      token === undefined ? undefined : extra.sendNotification({ method: "notifications/progress", params: { progressToken: token, progress, total, message } }),
    inputs: async wanted => Object.fromEntries(await Promise.all(Object.entries(wanted).map(async ([key, ask]) => [key, await extra.sendRequest(ask, results[ask.method])]))),
    changed: () => everybody(one => one.sendToolListChanged()),
    dropStream: () => extra.closeSSEStream?.(),
  };
}

async function run(server, tool, request, extra) {
  const checked = validator.getValidator(tool.inputSchema)(request.params.arguments ?? {});
  if (!checked.valid) return { ...text(`Invalid arguments for tool ${tool.name}: ${checked.errorMessage}`), isError: true };
  try {
    return await tool.run(callOf(server, request, extra));
  } catch (error) {
    return { ...text(error.message), isError: true };
  }
}

async function callTool(server, request, extra) {
  const tool = named(tools, request.params.name, "Tool");
  if (!request.params.task || !taskable.has(tool.name)) return run(server, tool, request, extra);
  const task = await extra.taskStore.createTask({ ttl: request.params.task.ttl, pollInterval: 50 });
  const ended = new AbortController();
  run(server, tool, request, { ...extra, signal: ended.signal }).then(result => extra.taskStore.storeTaskResult(task.taskId, "completed", result)).catch(() => ended.abort());
  return { task };
}

function readResource(uri) {
  const found = resources.find(resource => resource.uri === uri);
  if (found) return found.read(uri);
  for (const template of templates) {
    const variables = new UriTemplate(template.uriTemplate).match(uri);
    if (variables) return template.read(uri, variables);
  }
  throw new types.McpError(-32002, "Resource not found", { uri });
}

function completion({ ref, argument }) {
  if (ref.type === "ref/prompt") return completed(named(prompts, ref.name, "Prompt").arguments.find(one => one.name === argument.name)?.values, argument.value);
  return completed(templates.find(template => template.uriTemplate === ref.uri)?.values[argument.name], argument.value);
}

function make() {
  const subscribed = new Set();
  const server = new Server({ name: "legacy-fixture", version: "1.0.0" }, {
    capabilities: {
      tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, prompts: { listChanged: true }, logging: {}, completions: {},
      tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
    },
    instructions: "A server for tests.",
    taskStore: new InMemoryTaskStore(),
  });
  const on = (schema, answer) => server.setRequestHandler(schema, answer);
  on(types.ListToolsRequestSchema, () => ({ tools: tools.map(listed) }));
  on(types.CallToolRequestSchema, (request, extra) => callTool(server, request, extra));
  on(types.ListResourcesRequestSchema, ({ params }) => {
    const { slice, ...more } = page(resources, params?.cursor);
    return { resources: slice.map(({ read: _, ...resource }) => resource), ...more };
  });
  on(types.ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: templates.map(({ read: _, values: __, ...template }) => template) }));
  on(types.ReadResourceRequestSchema, ({ params }) => readResource(params.uri));
  on(types.SubscribeRequestSchema, ({ params }) => (subscribed.add(params.uri), {}));
  on(types.UnsubscribeRequestSchema, ({ params }) => (subscribed.delete(params.uri), {}));
  on(types.ListPromptsRequestSchema, () => ({
    prompts: prompts.map(({ get: _, arguments: list, ...prompt }) => ({ ...prompt, arguments: list.map(({ values: __, ...argument }) => argument) })),
  }));
  on(types.GetPromptRequestSchema, ({ params }) => named(prompts, params.name, "Prompt").get({ args: params.arguments ?? {} }));
  on(types.CompleteRequestSchema, ({ params }) => completion(params));
  return Object.assign(server, { updated: uri => subscribed.has(uri) && server.sendResourceUpdated({ uri }) });
}

const servers = new Set();
const everybody = does => Promise.all([...servers].map(does));
const connected = async transport => {
  const server = make();
  servers.add(server);
  server.onclose = () => servers.delete(server);
  await server.connect(transport);
  return server;
};

/** Keeps what was sent on each stream, in its order, so that Last-Event-ID goes on from there. */
class Events {
  all = [];
  async storeEvent(stream, message) {
    return `${this.all.push({ stream, message })}`;
  }
  async replayEventsAfter(last, { send }) {
    const stream = this.all[Number(last) - 1]?.stream;
    for (const [index, event] of this.all.entries()) {
      if (event.stream === stream && index >= Number(last) && Object.keys(event.message).length) await send(`${index + 1}`, event.message);
    }
    return stream;
  }
}

async function session(port) {
  const hosts = ["localhost", "127.0.0.1", "[::1]"].flatMap(host => [host, `${host}:${port}`]);
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID, eventStore: new Events(), retryInterval: 100, enableJsonResponse: given.json,
    enableDnsRebindingProtection: true, allowedHosts: hosts,
    onsessioninitialized: id => void sessions.set(id, transport),
    onsessionclosed: id => void sessions.delete(id),
  });
  await connected(transport);
  return transport;
}

const refuse = (response, status, code, message) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null }));

async function answer(request, response, body) {
  const id = request.headers["mcp-session-id"];
  if (id && !sessions.has(id)) return refuse(response, 404, -32001, "Session not found");
  if (!id && !(request.method === "POST" && types.isInitializeRequest(body))) return refuse(response, 400, -32000, "Bad Request: Mcp-Session-Id header is required");
  const transport = sessions.get(id) ?? await session(request.socket.localPort);
  await transport.handleRequest(request, response, body);
}

onDefinition(() => everybody(server => server.sendToolListChanged()));
if (given.stdio) {
  const transport = new StdioServerTransport();
  await connected(transport);
  const take = transport.onmessage;
  transport.onmessage = (message, extra) => (say({ message }), take(message, extra));
} else {
  listen(answer, {
    sessions: () => [...sessions.keys()],
    forget: () => sessions.clear(),
    changed: () => everybody(server => server.sendToolListChanged()).then(() => true),
    updated: ({ uri }) => everybody(server => server.updated(uri)).then(() => true),
    log: ({ level, data }) => everybody(server => server.sendLoggingMessage({ level, data })).then(() => true),
  });
}
