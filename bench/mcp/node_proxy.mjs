// The yardstick: a proxy that only passes on, on the transports of @modelcontextprotocol/sdk. It checks, records and reads nothing.
//   node node_proxy.mjs PORT UPSTREAM_URL
// A session of a client is one session at the server; messages go across between the two transports, without handlers and schemas between them, which is the
// least that the SDK lets a proxy do. Connections are kept on both sides.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { StreamableHTTPClientTransport, StreamableHTTPServerTransport, isInitializeRequest, isJSONRPCRequest } from "./sdk.mjs";

const [port, upstream] = process.argv.slice(2);
const sessions = new Map();

async function session() {
  const server = new StreamableHTTPClientTransport(new URL(upstream));
  const client = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: id => void sessions.set(id, client),
    onsessionclosed: id => (sessions.delete(id), server.terminateSession()),
  });
  let initialize;
  client.onmessage = message => {
    if (isInitializeRequest(message)) initialize = message.id;
    server.send(message).catch(error =>
      isJSONRPCRequest(message) && client.send({ jsonrpc: "2.0", id: message.id, error: { code: -32000, message: error.message } }));
  };
  server.onmessage = message => {
    if (message.id === initialize && message.result?.protocolVersion) server.setProtocolVersion(message.result.protocolVersion);
    client.send(message).catch(error => console.error(error));
  };
  client.onclose = () => server.close();
  await Promise.all([client.start(), server.start()]);
  return client;
}

async function jsonOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return pieces.length ? JSON.parse(Buffer.concat(pieces)) : undefined;
}

createServer(async (request, response) => {
  const id = request.headers["mcp-session-id"];
  const body = await jsonOf(request);
  const client = id ? sessions.get(id) : isInitializeRequest(body) && await session();
  if (!client) return response.writeHead(id ? 404 : 400).end();
  await client.handleRequest(request, response, body);
}).listen(Number(port), "127.0.0.1");
