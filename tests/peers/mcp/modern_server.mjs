// A fixture server of 2026-07-28 on @modelcontextprotocol/server: stdio or HTTP. 2025-11-25 is served, too, without sessions; --legacy reject: not at all.
import { randomBytes } from "node:crypto";
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from "@modelcontextprotocol/node";
import {
  CLIENT_CAPABILITIES_META_KEY, createMcpHandler, createRequestStateCodec, fromJsonSchema, inputRequired, McpServer, ProtocolError, ProtocolErrorCode, ResourceTemplate,
} from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { askingPrompt, completed, contents, prompts, requests, resources, rounds, templates } from "./everything.mjs";
import { given, listen, onDefinition, say } from "./serve.mjs";
import { definitionOf, tools as ours } from "./tools.mjs";

const pageSize = 4;
const seal = createRequestStateCodec({ key: randomBytes(32) });

/** Thrown by inputs(): what the client is to be asked before the same is run again. */
class Wanted extends Error {
  constructor(inputRequests, state) {
    super("the client is to be asked");
    Object.assign(this, { inputRequests, state });
  }
}

/** The era's answers to what a tool may do. */
function callOf(args, ctx, era, server) {
  const request = ctx.mcpReq;
  const token = request._meta?.progressToken;
  return {
    era, args: args ?? {}, meta: request._meta, headers: ctx.http?.req && Object.fromEntries(ctx.http.req.headers), signal: request.signal, state: given.state,
    capabilities: request.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {},
    stateOf: () => request.requestState?.(),
    log: (level, data) => request.log(level, data),
    progress: (progress, total, message) =>
      token === undefined ? undefined : request.notify({ method: "notifications/progress", params: { progressToken: token, progress, total, message } }),
    inputs: async (wanted, state) => {
      if (era === "legacy") return Object.fromEntries(await Promise.all(Object.entries(wanted).map(async ([key, ask]) => [key, await request.send(ask)])));
      const answers = request.inputResponses ?? {};
      const good = key => answers[key] && typeof answers[key] === "object" && ["action", "content", "roots"].some(field => field in answers[key]);
      if (!Object.keys(wanted).every(good)) throw new Wanted(wanted, state);
      return answers;
    },
    changed: list => (changes[list](), server.isConnected() && era === "legacy" && (list === "tools" ? server.sendToolListChanged() : server.sendPromptListChanged())),
    dropStream: () => undefined,
  };
}

const asking = does => async call => {
  try {
    return await does(call);
  } catch (error) {
    if (!(error instanceof Wanted)) throw error;
    return inputRequired({ inputRequests: error.inputRequests, ...(error.state ? { requestState: await seal.mint(error.state) } : {}) });
  }
};

function page(list, cursor) {
  const from = cursor === undefined ? 0 : Number(cursor);
  if (!(from >= 0 && from < list.length)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown cursor ${cursor}`);
  return { slice: list.slice(from, from + pageSize), ...(from + pageSize < list.length ? { nextCursor: String(from + pageSize) } : {}) };
}

function registerPrompt(server, era, prompt) {
  const { name, description, arguments: list } = prompt;
  const get = asking(prompt.get);
  if (!list.length) return server.registerPrompt(name, { description }, ctx => get(callOf({}, ctx, era, server)));
  const properties = Object.fromEntries(list.map(argument => [argument.name, { type: "string", description: argument.description }]));
  const argsSchema = fromJsonSchema({ type: "object", properties, required: list.map(argument => argument.name) });
  return server.registerPrompt(name, { description, argsSchema }, (args, ctx) => get(callOf(args, ctx, era, server)));
}

function make({ era }) {
  const server = new McpServer({ name: "modern-fixture", version: "1.0.0" }, {
    capabilities: {
      tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, prompts: { listChanged: true }, completions: {}, ...(era === "legacy" ? { logging: {} } : {}),
    },
    instructions: "A server for tests.",
    requestState: { verify: seal.verify },
    cacheHints: Object.fromEntries(["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"].map(method =>
      [method, { ttlMs: 1000, cacheScope: "private" }])),
  });
  const registered = {};
  for (const { name, title, description, describe, inputSchema, outputSchema, annotations, run } of [...contents, ...requests, ...rounds, ...ours]) {
    const go = asking(run);
    registered[name] = server.registerTool(name, {
      title, annotations, description: description ?? describe(given.state), inputSchema: fromJsonSchema(inputSchema), ...(outputSchema ? { outputSchema: fromJsonSchema(outputSchema) } : {}),
    }, (args, ctx) => go(callOf(args, ctx, era, server)));
  }
  for (const { name, uri, read, ...more } of resources) server.registerResource(name, uri, more, () => read(uri));
  for (const { name, uriTemplate, values, read, ...more } of templates) {
    const complete = Object.fromEntries(Object.entries(values).map(([variable, list]) => [variable, typed => list.filter(value => value.startsWith(typed))]));
    server.registerResource(name, new ResourceTemplate(uriTemplate, { list: undefined, complete }), more, (uri, variables) => read(uri.href, variables));
  }
  for (const prompt of era === "modern" ? [...prompts, askingPrompt] : prompts) registerPrompt(server, era, prompt);
  const on = (method, does) => server.server.setRequestHandler(method, does);
  on("resources/list", ({ params }) => {
    const { slice, ...more } = page(resources, params?.cursor);
    return { resources: slice.map(({ read: _, ...resource }) => resource), ...more };
  });
  on("completion/complete", ({ params: { ref, argument } }) => completed(
    ref.type === "ref/prompt" ? prompts.find(prompt => prompt.name === ref.name)?.arguments.find(one => one.name === argument.name)?.values
      : templates.find(template => template.uriTemplate === ref.uri)?.values[argument.name], argument.value));
  if (era === "legacy") {
    on("resources/subscribe", () => ({}));
    on("resources/unsubscribe", () => ({}));
  }
  connected.add(Object.assign(server, { redefine: description => registered.changing.update({ description }) }));
  server.server.onclose = () => connected.delete(server);
  return server;
}

const connected = new Set();
const tell = does => connected.forEach(server => server.isConnected() && does(server));
// On stdio the one connected server tells; over HTTP the handler does, on what listens.
const changes = {
  tools: () => (handler ? handler.notify.toolsChanged() : tell(server => server.sendToolListChanged())),
  prompts: () => (handler ? handler.notify.promptsChanged() : tell(server => server.sendPromptListChanged())),
  updated: uri => (handler ? handler.notify.resourceUpdated(uri) : tell(server => server.server.sendResourceUpdated({ uri }))),
};

const handler = given.stdio ? undefined : createMcpHandler(make, { legacy: given.legacy ?? "stateless", responseMode: given.json ? "json" : "auto" });
onDefinition(() => (handler ? changes.tools() : tell(server => server.redefine(definitionOf(given.state)))));
if (given.stdio) {
  const transport = new StdioServerTransport();
  serveStdio(make, { transport, legacy: given.legacy === "reject" ? "reject" : "serve" });
  const take = transport.onmessage;
  transport.onmessage = (message, extra) => (say({ message }), take(message, extra));
} else {
  const answer = toNodeHandler(handler);
  const [host, origin] = [localhostHostValidation(), localhostOriginValidation()];
  listen((request, response, body) => (host(request, response) && origin(request, response) ? answer(request, response, body) : undefined), {
    changed: ({ list }) => (changes[list ?? "tools"](), true),
    updated: ({ uri }) => (changes.updated(uri), true),
  });
}
