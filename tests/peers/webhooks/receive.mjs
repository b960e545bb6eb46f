// A receiver of webhooks on loopback, that verifies by npm's standardwebhooks and holds each message against the schema that the documentation
// has (with ajv). Arguments: the port, and the secret.
// Lines out: {"listening"}, and of each request {"path", "method", "headers", "body", "verified", "wrong": what the schema says, "status"}.
// Lines in: {"answers": [{"status", "headers", "hang"}, …], "otherwise": {…}}: what the next ones are answered.
import fs from "node:fs";
import http from "node:http";
import readline from "node:readline";
import Ajv from "ajv/dist/2020.js";
import { Webhook } from "standardwebhooks";

const [port, secret] = process.argv.slice(2);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const documentation = fs.readFileSync(new URL("../../../docs/formats/channel-webhook.md", import.meta.url), "utf8");
const fits = new Ajv().compile(JSON.parse(/```json\n([^]*?)```/.exec(documentation)[1]));
let answers = [], otherwise = { status: 204 };

function verified(headers, body) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

function wrong(body) {
  try {
    return fits(JSON.parse(body)) ? null : fits.errors;
  } catch (error) {
    return error.message;
  }
}

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const body = Buffer.concat(pieces).toString();
    const { status, headers = {}, hang = false } = answers.shift() ?? otherwise;
    say({ path: request.url, method: request.method, headers: request.headers, body, verified: verified(request.headers, body), wrong: wrong(body), status });
    if (hang) return request.socket.destroy();
    response.writeHead(status, headers).end();
  });
});
server.listen(Number(port), "127.0.0.1", () => say({ listening: server.address().port }));

for await (const line of readline.createInterface({ input: process.stdin })) {
  ({ answers = [], otherwise = { status: 204 } } = JSON.parse(line));
  say({ ready: true });
}
process.exit(0);
