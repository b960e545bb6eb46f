// The client of @modelcontextprotocol/client, driven (driver.mjs): "era" is auto (asks with server/discover, falls back), legacy, or modern (2026-07-28 only).
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { capable, drive, event, inherited, sampled, tracing } from "./driver.mjs";

const modes = { auto: "auto", legacy: "legacy", modern: { pin: "2026-07-28" } };
let transport;

function listen(client, answers) {
  client.onclose = () => event("closed");
  client.onerror = error => event("failed", { message: error.message });
  client.setNotificationHandler("notifications/message", ({ params }) => event("log", params));
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => event("updated", params));
  const asked = (method, name, answer) => answer && client.setRequestHandler(method, ({ params }) => (event(name, { params }), answer));
  asked("elicitation/create", "asked", answers.elicitation);
  asked("sampling/createMessage", "sampled", sampled(answers.sampling));
  asked("roots/list", "roots", answers.roots && { roots: answers.roots });
}

async function connect({ url, headers, command, env, answers = {}, trace, era = "auto", rounds, changes = true, capabilities }) {
  const onChanged = list => ({ onChanged: () => event("changed", { list }), autoRefresh: false, debounceMs: 0 });
  const client = new Client({ name: "client-v2", version: "1.0.0" }, {
    capabilities: { ...capable(answers), ...capabilities },
    versionNegotiation: { mode: modes[era] },
    ...(changes ? { listChanged: { tools: onChanged("tools"), prompts: onChanged("prompts") } } : {}),
    ...(rounds === undefined ? {} : { inputRequired: rounds === 0 ? { autoFulfill: false } : { maxRounds: rounds } }),
  });
  listen(client, answers);
  transport = url
    ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch: tracing(trace) })
    : new StdioClientTransport({ command: command[0], args: command.slice(1), env: inherited(env), stderr: "inherit" });
  await client.connect(transport);
  return client;
}

drive({
  connect,
  about: client => ({
    era: client.getProtocolEra(), version: client.getNegotiatedProtocolVersion(), server: client.getServerVersion(), capabilities: client.getServerCapabilities(),
    session: transport.sessionId, instructions: client.getInstructions(),
  }),
  discover: (client, _, options) => client.discover(options),
  tools: (client, { cursor }, options) => client.listTools(cursor === undefined ? undefined : { cursor }, { ...options, cacheMode: "bypass" }),
  call: (client, { name, arguments: args, meta }, options) => client.callTool({ name, arguments: args, _meta: meta }, options),
  resources: (client, { cursor }, options) => client.listResources(cursor === undefined ? undefined : { cursor }, options),
  templates: (client, _, options) => client.listResourceTemplates(undefined, options),
  read: (client, { uri }, options) => client.readResource({ uri }, options),
  listen: async (client, { filter }, options) => {
    const subscription = await client.listen(filter, options);
    subscription.closed?.then(why => event("unlistened", { why }));
    return { honored: subscription.honoredFilter };
  },
  subscribe: (client, { uri }, options) => client.subscribeResource({ uri }, options),
  prompts: (client, { cursor }, options) => client.listPrompts(cursor === undefined ? undefined : { cursor }, options),
  prompt: (client, { name, arguments: args }, options) => client.getPrompt({ name, arguments: args }, options),
  complete: (client, { ref, argument }, options) => client.complete({ ref, argument }, options),
  level: (client, { level }, options) => client.setLoggingLevel(level, options),
  ping: (client, _, options) => client.ping(options),
  end_session: () => transport.terminateSession(),
});
