// An OpenID provider that says whatever it is told to, for attacks and for the habits of Okta and Entra.
// Several issuers, one a path: http://127.0.0.1:PORT/NAME. Control (JSON):
//   POST /control {key: value, …} merges into the state, `fresh` empties it first, `reset` the list below, too; GET /control answers what was asked of it.
// State: header, claims (merged into the id token's; null takes a claim away), sign ("rs256" | "es256" | "hs256-public" | "other" | "none"),
//   metadata (merged), userinfo, graph ({value: […]} or null: 403), challenge (PKCE, checked when it is there), device ("pending" | "granted").
import crypto from "node:crypto";
import http from "node:http";
import * as jose from "jose";

const keys = { rs256: await jose.generateKeyPair("RS256", { extractable: true }), es256: await jose.generateKeyPair("ES256", { extractable: true }),
  other: await jose.generateKeyPair("RS256", { extractable: true }) };
const jwks = { keys: [{ ...(await jose.exportJWK(keys.rs256.publicKey)), kid: "rs256", alg: "RS256", use: "sig" },
  { ...(await jose.exportJWK(keys.es256.publicKey)), kid: "es256", use: "sig" }] };
let state = {};
const asked = [];

const text = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined));

async function token(issuer, client) {
  const how = state.sign ?? "rs256", now = Math.floor(Date.now() / 1000);
  const alg = { rs256: "RS256", other: "RS256", es256: "ES256", "hs256-public": "HS256", none: "none" }[how];
  const header = defined({ alg, kid: how === "es256" ? "es256" : "rs256", typ: "JWT", ...state.header });
  const claims = defined({ iss: issuer, aud: client, sub: "subject-1", iat: now, exp: now + 300, nonce: state.nonce, ...state.claims });
  const data = `${text(header)}.${text(claims)}`;
  if (how === "none") return `${data}.`;
  if (how === "hs256-public") return `${data}.${crypto.createHmac("sha256", await jose.exportSPKI(keys.rs256.publicKey)).update(data).digest("base64url")}`;
  const key = await jose.exportPKCS8(keys[how].privateKey);
  return `${data}.${crypto.sign("sha256", Buffer.from(data), how === "es256" ? { key, dsaEncoding: "ieee-p1363" } : key).toString("base64url")}`;
}

function body(request) {
  return new Promise((done) => {
    let all = "";
    request.on("data", (piece) => { all += piece; });
    request.on("end", () => done(all));
  });
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  const sent = await body(request);
  const answer = (status, value) => { response.writeHead(status, { "content-type": "application/json" }); response.end(JSON.stringify(value)); };
  if (url.pathname === "/control") {
    if (request.method === "GET") return answer(200, asked);
    const wanted = JSON.parse(sent);
    if (wanted.fresh || wanted.reset) state = {};
    if (wanted.reset) asked.length = 0;
    Object.assign(state, wanted);
    if (wanted.make) return answer(200, { token: await token(wanted.make.issuer, wanted.make.audience) });
    return answer(200, {});
  }
  asked.push({ path: url.pathname, authorization: request.headers.authorization ?? "", body: sent });
  const at = ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo", "/device"].find((tail) => url.pathname.endsWith(tail)) ?? "";
  const base = `http://127.0.0.1:${server.address().port}${url.pathname.slice(0, url.pathname.length - at.length)}`;
  if (at.includes("well-known")) {
    return answer(200, defined({ issuer: base, authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token`, jwks_uri: `${base}/jwks`,
      userinfo_endpoint: `${base}/userinfo`, device_authorization_endpoint: `${base}/device`, ...state.metadata }));
  }
  if (at === "/jwks") return answer(200, jwks);
  if (at === "/userinfo") return state.userinfo ? answer(200, state.userinfo) : answer(403, {});
  if (at === "/device") return answer(200, { device_code: "d", user_code: "ABCD", verification_uri: `${base}/enter`, interval: 1, expires_in: 300 });
  if (at === "/token") {
    const form = new URLSearchParams(sent);
    const client = request.headers.authorization ? Buffer.from(request.headers.authorization.slice(6), "base64").toString().split(":")[0] : form.get("client_id");
    if (form.get("grant_type").includes("device") && state.device !== "granted") return answer(400, { error: "authorization_pending" });
    const verifier = form.get("code_verifier") ?? "";
    if (state.challenge && crypto.createHash("sha256").update(verifier).digest("base64url") !== state.challenge) return answer(400, { error: "invalid_grant" });
    return answer(200, { id_token: await token(base, client), access_token: "access", token_type: "Bearer" });
  }
  if (url.pathname.endsWith("/getMemberObjects")) return state.graph ? answer(200, state.graph) : answer(403, {});
  return answer(404, {});
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(server.address().port));
