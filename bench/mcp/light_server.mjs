// An MCP server (2025-11-25, Streamable HTTP) that costs next to nothing: one tool, whose answer is made of prepared text. It reads of a message only what it needs.
//   node light_server.mjs PORT
import { randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { empty, event, onMessages } from "./wire.mjs";

const tool = { name: "echo", description: "Says it again.", inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] } };
const result = (id, value) => `{"result":${JSON.stringify(value)},"jsonrpc":"2.0","id":${id}}`;
const sessions = new Set();

function begun(id) {
  const session = randomUUID();
  sessions.add(session);
  return event(result(id, { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "light", version: "1.0.0" } }), `mcp-session-id: ${session}\r\n`);
}

function answer(request) {
  if (!request.startsWith("POST ")) return empty(405);
  const body = request.slice(request.indexOf("\r\n\r\n") + 4);
  const method = /"method":"([^"]*)"/.exec(body)[1], id = /"id":("[^"]*"|\d+)/.exec(body)?.[1];
  if (method === "initialize") return begun(id);
  if (!sessions.has(/\r\nmcp-session-id: ([^\r]*)/i.exec(request)?.[1])) throw new Error(`no session: ${request}`);
  if (id === undefined) return empty(202);
  if (method === "tools/list") return event(result(id, { tools: [tool] }));
  if (method !== "tools/call") throw new Error(`not a method of this server: ${request}`);
  return event(`{"result":{"content":[{"type":"text","text":${/"text":("[^"]*")/.exec(body)[1]}}]},"jsonrpc":"2.0","id":${id}}`);
}

createServer(socket => {
  onMessages(socket, request => socket.write(answer(request), "latin1"));
  socket.on("error", () => socket.destroy());
}).listen(Number(process.argv[2]), "127.0.0.1");
