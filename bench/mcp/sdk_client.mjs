// A client of @modelcontextprotocol/sdk.
import { Client, StreamableHTTPClientTransport } from "./sdk.mjs";

export async function connected({ url, headers }) {
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  await client.listTools();
  return client;
}

export async function call(client, text) {
  const { content, isError } = await client.callTool({ name: "echo", arguments: { text } });
  if (isError || content[0].text !== text) throw new Error(`not the answer to ${text}: ${JSON.stringify(content)}`);
}
