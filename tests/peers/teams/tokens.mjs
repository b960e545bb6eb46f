// What is in an Authorization header: as Bot Framework makes it, and every forgery of it.
import crypto from "node:crypto";

const text = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
const HOUR_S = 3600;

export function jwt(header, claims, key) {
  const data = `${text(defined(header))}.${text(defined(claims))}`;
  if (header.alg === "none") return `${data}.`;
  if (header.alg === "HS256") return `${data}.${crypto.createHmac("sha256", key).update(data).digest("base64url")}`;
  return `${data}.${crypto.sign("sha256", Buffer.from(data), key.privateKey).toString("base64url")}`;
}

const now = () => Math.floor(Date.now() / 1000);

export function frameworkClaims(bot, serviceUrl) {
  return { serviceurl: serviceUrl, nbf: now() - 5, exp: now() + HOUR_S, iss: "https://api.botframework.com", aud: bot.app_id };
}

// A token of Entra ID, as skills and emulators send it, and as the connector gets it from a bot.
export function tenantClaims(version, tenant, audience, app, seconds = HOUR_S) {
  const issuer = version === "1.0" ? `https://sts.windows.net/${tenant}/` : `https://login.microsoftonline.com/${tenant}/v2.0`;
  return { aud: audience, iss: issuer, iat: now(), nbf: now() - 5, exp: now() + seconds, tid: tenant, ver: version,
    ...(version === "1.0" ? { appid: app, appidacr: "1" } : { azp: app, azpacr: "1" }), oid: crypto.randomUUID(), uti: crypto.randomBytes(12).toString("base64url") };
}

// name -> what differs from a good request. header and claims are merged (null takes away); key: whose key signs; body: merged into the activity.
// {evil} etc. are filled in by authorization(). A bot that answers any of them with success believes a forger.
export const FORGERIES = {
  "no-authorization": { authorization: null },
  "not-bearer": { scheme: "Basic" },
  "empty-bearer": { authorization: "Bearer " },
  "garbage": { authorization: "Bearer not.a.token" },
  "other-bot": { claims: { aud: "00000000-1111-2222-3333-444444444444" } },
  "no-audience": { claims: { aud: null } },
  "wrong-issuer": { claims: { iss: "https://api.botframework.example" } },
  "no-issuer": { claims: { iss: null } },
  "wrong-serviceurl": { claims: { serviceurl: "https://evil.example/teams/" } },
  "no-serviceurl": { claims: { serviceurl: null } },
  "body-serviceurl": { body: { serviceUrl: "http://127.0.0.1:9/evil/" } },
  "expired": { from_now: { nbf: -7200, exp: -3600 } },
  "no-expiry": { claims: { exp: null } },
  "not-yet-valid": { from_now: { nbf: 3600, exp: 7200 } },
  "alg-none": { header: { alg: "none" } },
  "alg-none-no-kid": { header: { alg: "none", kid: null } },
  "hs256-public-pem": { header: { alg: "HS256" }, hmac: "pem" },
  "hs256-public-der": { header: { alg: "HS256" }, hmac: "der" },
  "hs256-modulus": { header: { alg: "HS256" }, hmac: "modulus" },
  "alg-rs512-named": { header: { alg: "RS512" } },
  "missing-kid": { header: { kid: null } },
  "unknown-kid": { header: { kid: "no-such-key" } },
  "unendorsed-key": { key: "unendorsed" },
  "stranger-key": { key: "stranger", header: { kid: "{framework}" } },
  "jku": { key: "stranger", header: { jku: "{evil}", kid: "{stranger}" } },
  "jku-known-kid": { key: "stranger", header: { jku: "{evil}", kid: "{framework}" } },
  "x5u": { key: "stranger", header: { x5u: "{evil}", kid: "{framework}" } },
  "embedded-jwk": { key: "stranger", header: { jwk: "{jwk}", kid: "{framework}" } },
  "tenant-key": { key: "tenant" },
  "signature-cut": { cut: true },
  "claims-changed": { tampered: { nbf: 0 } },
  "other-tenant-token": { tenant_token: { version: "1.0", tenant: "other" } },
  "other-tenant-token-v2": { tenant_token: { version: "2.0", tenant: "other" } },
  "other-app-of-tenant": { tenant_token: { version: "2.0", app: "99999999-1111-2222-3333-444444444444" } },
  "bot-token-back": { tenant_token: { version: "1.0", audience: "https://api.botframework.com" } },
};

function filled(header, keys, evil) {
  const values = { "{evil}": evil, "{framework}": keys.signing("framework").kid, "{stranger}": keys.stranger.kid, "{jwk}": keys.stranger.jwk };
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name, typeof value === "string" && value in values ? values[value] : value]));
}

function hmacKey(form, key) {
  if (form === "modulus") return Buffer.from(key.jwk.n, "base64url");
  return key.publicKey.export({ type: "spki", format: form });
}

function keyOf(name, keys) {
  return name === "framework" || name === "tenant" ? keys.signing(name) : keys[name];
}

// The value of Authorization for this bot and serviceUrl; null: none. how: {} is a good one, else one of FORGERIES or of that shape.
export function authorization(how, { keys, bot, serviceUrl, evil, other_tenant }) {
  if ("authorization" in how) return how.authorization;
  const alike = how.tenant_token;
  const key = keyOf(how.key ?? (alike ? "tenant" : "framework"), keys);
  const base = alike ? tenantClaims(alike.version, alike.tenant === "other" ? other_tenant : bot.tenant, alike.audience ?? bot.app_id, alike.app ?? bot.app_id)
    : frameworkClaims(bot, serviceUrl);
  const moved = Object.fromEntries(Object.entries(how.from_now ?? {}).map(([name, seconds]) => [name, now() + seconds]));
  const header = { alg: "RS256", kid: key.kid, x5t: key.kid, typ: "JWT", ...filled(how.header ?? {}, keys, evil) };
  if (header.kid === null) header.x5t = null;
  let token = jwt(header, { ...base, ...how.claims, ...moved }, how.hmac ? hmacKey(how.hmac, key) : key);
  if (how.cut) token = token.slice(0, -8);
  if (how.tampered) token = token.split(".").map((part, i) => (i === 1 ? text({ ...base, ...how.tampered }) : part)).join(".");
  return `${how.scheme ?? "Bearer"} ${token}`;
}
