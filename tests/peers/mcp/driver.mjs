// A client that is driven: lines of JSON in, lines of JSON out. Both clients of the official SDKs are driven alike.
//   {"id": 1, "do": "connect", …}     → {"id": 1, "result": …} or {"id": 1, "error": {name, code, message, data}}
//   {"id": 2, "do": "call", "name": …, "arguments": …, "options": {timeout, resetTimeoutOnProgress, maxTotalTimeout, progress: true, task: {ttl}}}
//   {"id": 3, "do": "cancel", "of": 2, "reason": …}
// Besides them {"event": …}: progress, log, changed, updated, asked, sampled, closed, failed; with "trace": true also each exchange of HTTP.
// `connect` takes url and headers, or command and env; and answers: {elicitation, sampling, roots}, which are given to the server when it asks.
import { createInterface } from "node:readline";

export const out = line => process.stdout.write(JSON.stringify(line) + "\n");
export const event = (name, more) => out({ event: name, ...more });

/** fetch that tells what went over the wire. */
export function tracing(on) {
  if (!on) return fetch;
  return async (url, init = {}) => {
    const request = { method: init.method ?? "GET", headers: Object.fromEntries(new Headers(init.headers)), ...(init.body ? { body: JSON.parse(init.body) } : {}) };
    try {
      const response = await fetch(url, init);
      event("http", { request, status: response.status, headers: Object.fromEntries(response.headers) });
      return response;
    } catch (error) {
      event("http", { request, failed: String(error.cause ?? error) });
      throw error;
    }
  };
}

export const inherited = env => ({ ...Object.fromEntries(["PATH", "HOME"].filter(name => process.env[name]).map(name => [name, process.env[name]])), ...env });

/** What a client tells its server it can do, of what answers it was given. */
export const capable = answers => ({
  ...(answers?.elicitation ? { elicitation: { form: {}, url: {} } } : {}),
  ...(answers?.sampling ? { sampling: {} } : {}),
  ...(answers?.roots ? { roots: { listChanged: false } } : {}),
});

/** Sampling answers a string by a message of it. */
export const sampled = answer => (typeof answer === "string" ? { role: "assistant", model: "fixture", stopReason: "endTurn", content: { type: "text", text: answer } } : answer);

/** Request options of the SDKs of what a command gives. */
function optionsOf({ progress, ...given } = {}, id, signal) {
  return { ...given, signal, ...(progress ? { onprogress: what => event("progress", { of: id, ...what }) } : {}) };
}

/** `verbs.connect(command)` gives the client; each other verb is called with it, the command and request options. */
export function drive(verbs) {
  const running = new Map();
  let client, connecting;
  const does = {
    connect: async command => {
      connecting = verbs.connect(command);
      client = await connecting;
      return verbs.about(client);
    },
    cancel: ({ of, reason }) => running.get(of)?.abort(reason),
    close: () => client.close(),
  };
  const run = async command => {
    const controller = new AbortController();
    running.set(command.id, controller);
    try {
      if (!does[command.do]) await connecting;
      const options = optionsOf(command.options, command.id, controller.signal);
      const result = await (does[command.do] ? does[command.do](command) : verbs[command.do](client, command, options));
      out({ id: command.id, result: result ?? null });
    } catch (error) {
      const { name, code, message, data, status, cause } = error;
      out({ id: command.id, error: { name: error.constructor?.name ?? name, code, message, data, status, ...(cause ? { cause: String(cause) } : {}) } });
    } finally {
      running.delete(command.id);
    }
  };
  createInterface({ input: process.stdin }).on("line", line => run(JSON.parse(line))).on("close", async () => {
    await client?.close().catch(() => undefined);
    process.exit(0);
  });
  out({ ready: true });
}
