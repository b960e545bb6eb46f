// Bodies in, JSON out, and a server that can be taken down and up again on its port.
import http from "node:http";

const BODY_BYTES_MAX = 1 << 20;

export class Answer extends Error {
  constructor(status, body, headers = {}) {
    super(`${status}`);
    Object.assign(this, { status, body, headers });
  }
}

export const failure = (status, code, message, headers) => new Answer(status, { error: { code, message } }, headers);

export async function read(request) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > BODY_BYTES_MAX) throw failure(413, "MessageSizeTooBig", `more than ${BODY_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

export function parsed(text) {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw failure(400, "BadSyntax", "the body is no JSON");
  }
}

export function send(response, status, body, headers = {}) {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, text ? { "Content-Type": "application/json; charset=utf-8", ...headers } : headers);
  response.end(text);
}

export class Listener {
  constructor(handle) {
    this.handle = handle;
    this.port = 0;
  }

  up() {
    if (this.server?.listening) return Promise.resolve(this.port);
    this.server = http.createServer(this.handle);
    return new Promise((done, fail) => this.server.once("error", fail).listen(this.port, "127.0.0.1", () => {
      this.port = this.server.address().port;
      done(this.port);
    }));
  }

  down() {
    if (!this.server?.listening) return Promise.resolve();
    return new Promise((done) => {
      this.server.close(done);
      this.server.closeAllConnections();
    });
  }
}
