// Microsoft Teams as a bot sees it, on loopback: Bot Framework's keys, Entra ID's token endpoint, the connector's REST API, and people.
//   node loopback.mjs 0 0        prints "SERVICE_PORT CONTROL_PORT" when both listen (0: any), and runs until it is ended
// What the bot is to be told (POST /control/urls says them all; tenant and app are those of /control/bot):
//   http://127.0.0.1:SERVICE/v1/.well-known/openidconfiguration       issuer https://api.botframework.com, keys with endorsements
//   http://127.0.0.1:SERVICE/{tenant}/v2.0/.well-known/openid-configuration
//   http://127.0.0.1:SERVICE/{tenant}/oauth2/v2.0/token               client credentials, scope https://api.botframework.com/.default
//   http://127.0.0.1:SERVICE/teams/                                   the serviceUrl of every activity; below it /v3/conversations…
// Tests: POST http://127.0.0.1:CONTROL/control/NAME with JSON (names: control.mjs). tests/support/teams.py wraps it:
//   bot {url}; user {name, email, guest, bot: "installed" | "blocked" | "removed"}; team {name, members, channels}
//   say | change | execute | refresh | install | roster: a person acts, the answer has the bot's {status, body, ms, n}; each takes
//     "forge": a name of `forgeries` (tokens.mjs), or {header, claims, key, hmac, from_now, body}; "activity": members changed in it, null: taken away
//   execute {user, conversation?, message?, verb | title | id, inputs?, stale?, force?}: the button must be on the card this person sees (stale: an older one).
//     The answer's "shown" is card | message | error | failed (with "why"), as Teams takes it.
//   messages {conversation | user}: as they stand, with versions and what single people were shown instead; card {user}: what they see
//   fault {on: token | metadata | keys | create | send | reply | update | delete | members | member | *, times, status, retry_after | hang | reset | delay_ms, after}
//   calls {since}: every call, in order; down, up, rotate, revoke, set {size_max, service_path, token_seconds}
// http://127.0.0.1:CONTROL/relay takes activities of another client without Authorization (the playground) and passes them to the bot, signed for their serviceUrl.
// Microsoft documents 100 KB (UTF-16) as the limit of a bot's message, 80 KB to be sure of; size_max is 28 KiB of UTF-8, the limit of its other ways
// into a channel, so that what fits here fits everywhere.
import { Answer, Listener, failure, parsed, read, send } from "./web.mjs";
import { Connector, route } from "./connector.mjs";
import { Deliverer } from "./deliver.mjs";
import { Faults } from "./faults.mjs";
import { Issuer } from "./issuer.mjs";
import { Keys } from "./keys.mjs";
import { Person } from "./person.mjs";
import { World } from "./world.mjs";
import { control } from "./control.mjs";

const CALLS_MAX = 5000;
const keys = await Keys.generate(), world = new World(keys), issuer = new Issuer(world), faults = new Faults();
const connector = new Connector(world), deliverer = new Deliverer(world), person = new Person(world, deliverer);
const calls = [];
let counted = 0;

function opened(path) {
  const tenant = /^\/([^/]+)\/(?:(v2\.0)\/)?\.well-known\/openid-configuration$/.exec(path);
  if (path === "/v1/.well-known/openidconfiguration") return ["metadata", () => issuer.frameworkMetadata()];
  if (path === "/v1/.well-known/keys") return ["keys", () => keys.jwks("framework")];
  if (tenant) return ["metadata", () => issuer.tenantMetadata(tenant[1], tenant[2] ? "2.0" : "1.0")];
  if (/^\/[^/]+\/discovery\/(v2\.0\/)?keys$/.test(path)) return ["keys", () => keys.jwks("tenant")];
  return null;
}

// [operation, conversation, what does it]
function serve(request, url) {
  const token = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(url.pathname);
  if (token && request.method === "POST") return ["token", null, (text) => [200, issuer.token(request, token[1], text)]];
  const document = request.method === "GET" && opened(url.pathname);
  if (document) return [document[0], null, () => [200, document[1]()]];
  const found = url.pathname.startsWith(world.service_path) && route(request.method, url.pathname.slice(world.service_path.length - 1));
  if (!found) return ["unknown", null, () => { throw failure(404, "NotFound", `no ${request.method} ${url.pathname}`); }];
  return [found.operation, found.id ?? null, async (text) => {
    await issuer.demand(request);
    return connector[found.operation](found, text, url.searchParams);
  }];
}

async function answered(request, response) {
  const url = new URL(request.url, world.url);
  const call = { n: (counted += 1), method: request.method, path: url.pathname, at_ms: Date.now() };
  calls.push(call);
  if (calls.length > CALLS_MAX) calls.shift();
  let answer;
  try {
    const [operation, conversation, act] = serve(request, url);
    const text = await read(request);
    Object.assign(call, { operation, conversation, authorization: request.headers.authorization ?? null, body: operation === "token" ? null : text && parsed(text) });
    await faults.meet(operation, conversation, false, response);
    answer = await act(text);
    await faults.meet(operation, conversation, true, response);
  } catch (error) {
    if (!(error instanceof Answer)) throw error;
    answer = [error.status, error.body, error.headers];
  }
  [call.status, call.answer] = answer;
  if (call.operation === "token") call.answer = null;
  if (answer[0]) send(response, ...answer); // 0: hang, or reset
}

const guarded = (handle) => (request, response) => handle(request, response).catch((error) => {
  if (error instanceof Answer) return send(response, error.status, error.body, error.headers);
  process.stderr.write(`${error.stack}\n`);
  if (!response.headersSent) send(response, 500, { error: { code: "LoopbackError", message: String(error.stack) } });
});

const service = new Listener(guarded(answered));
const orders = control({ world, issuer, faults, deliverer, person, service, calls });
const wire = new Listener(guarded(async (request, response) => {
  const path = new URL(request.url, "http://loopback").pathname;
  if (path === "/evil/keys") { // where forged jku and x5u point: whoever asks here trusted a forger
    calls.push({ n: (counted += 1), operation: "evil", method: request.method, path });
    return send(response, 200, { keys: [keys.stranger.jwk] });
  }
  if (path === "/relay") {
    const answer = await deliverer.relay(request.method, request.headers, await read(request));
    response.writeHead(answer.status || 502, { "Content-Type": answer.headers?.["content-type"] ?? "text/plain" });
    return response.end(answer.text ?? answer.error);
  }
  const order = path.startsWith("/control/") && orders[path.slice("/control/".length)];
  if (!order || request.method !== "POST") throw failure(404, "NotFound", `POST /control/NAME; there are ${Object.keys(orders).join(", ")}`);
  send(response, 200, await order(parsed(await read(request))));
}));

[service.port, wire.port] = process.argv.slice(2).map(Number);
world.url = `http://127.0.0.1:${await service.up()}`;
world.control_url = `http://127.0.0.1:${await wire.up()}`;
process.stdout.write(`${service.port} ${wire.port}\n`);
