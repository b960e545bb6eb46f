// A client that costs next to nothing: text out, text in, on one connection. It looks whether the answer is the one to its call.
import { connect } from "node:net";
import { onMessages, post } from "./wire.mjs";

class Client {
  number = 0;

  constructor(url, headers) {
    this.url = new URL(url);
    this.request = post(this.url.pathname, this.url.host, headers);
  }

  /** Servers close what nobody used for a while. */
  connection() {
    if (this.socket?.writable) return this.socket;
    const socket = connect(Number(this.url.port), "127.0.0.1");
    socket.on("error", error => this.fail(error)).on("close", () => this.fail(new Error(`${this.url} closed the connection`))).on("end", () => socket.destroy());
    onMessages(socket, answer => this.take(answer));
    return (this.socket = socket);
  }

  say(body) {
    return new Promise((resolve, reject) => {
      Object.assign(this, { take: resolve, fail: reject });
      this.connection().write(this.request(body), "latin1");
    });
  }

  async ask(method, params) {
    const id = ++this.number, answer = await this.say(`{"method":"${method}","params":${params},"jsonrpc":"2.0","id":${id}}`);
    if (!answer.startsWith("HTTP/1.1 200 ") || !answer.includes(`"id":${id}`) || !answer.includes('"result":')) throw new Error(`not the answer to ${method}: ${answer}`);
    return answer;
  }
}

export async function connected({ url, headers }) {
  const client = new Client(url, headers);
  const begun = await client.ask("initialize", '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1.0.0"}}');
  client.request = post(client.url.pathname, client.url.host, { ...headers, "mcp-session-id": /\r\nmcp-session-id: ([^\r]*)/i.exec(begun)[1], "mcp-protocol-version": "2025-11-25" });
  await client.say('{"method":"notifications/initialized","jsonrpc":"2.0"}');
  await client.ask("tools/list", "{}");
  return client;
}

export async function call(client, text) {
  const answer = await client.ask("tools/call", `{"name":"echo","arguments":{"text":"${text}"}}`);
  if (!answer.includes(`"text":"${text}"`)) throw new Error(`not the answer to ${text}: ${answer}`);
}
