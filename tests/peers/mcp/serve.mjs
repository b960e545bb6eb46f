// What both fixture servers do alike: read their command line, listen on loopback, and say in lines of JSON what arrives.
//   --stdio            speak over stdin and stdout; what arrives is appended to --log FILE
//   --port N           speak HTTP at /mcp (0: any); {"listening": port} first, then {"request": {method, headers, body}} each; on stdin come {"do": …}
//   --state FOLDER     where the definition of the tool `changing` stands (a file `definition`)
import { appendFileSync, watch } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { definitionOf } from "./tools.mjs";

export const given = parseArgs({
  options: {
    stdio: { type: "boolean" }, port: { type: "string" }, state: { type: "string" }, log: { type: "string" }, json: { type: "boolean" }, legacy: { type: "string" },
  },
}).values;

export const say = what => (given.stdio ? given.log && appendFileSync(given.log, JSON.stringify(what) + "\n") : process.stdout.write(JSON.stringify(what) + "\n"));

if (given.stdio) process.stdin.on("end", () => process.exit(0));

/** Calls when the definition on disk is another one. */
export function onDefinition(changed) {
  if (!given.state) return;
  let last = definitionOf(given.state);
  watch(given.state, () => {
    const now = definitionOf(given.state);
    if (now !== "" && now !== last) {
      last = now;
      changed();
    }
  }).unref();
}

async function bodyOf(request) {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  return text;
}

/** `answer(request, response, body)`; `orders`: what can be told to do on stdin, by name. */
export function listen(answer, orders = {}) {
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    try {
      const text = await bodyOf(request);
      const body = text && JSON.parse(text);
      say({ request: { method, url, headers, ...(text ? { body } : {}) } });
      response.on("close", () => say({ closed: { method, id: body?.id, whole: response.writableFinished } }));
      if (new URL(url, "http://x").pathname !== "/mcp") return response.writeHead(404).end();
      await answer(request, response, body || undefined);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "Parse error" } }));
    }
  });
  server.requestTimeout = 0;
  server.listen(Number(given.port ?? 0), "127.0.0.1", () => say({ listening: server.address().port }));
  createInterface({ input: process.stdin }).on("line", async line => {
    const { do: order, ...more } = JSON.parse(line);
    say({ [order]: (await orders[order](more)) ?? true });
  }).on("close", () => process.exit(0));
}
