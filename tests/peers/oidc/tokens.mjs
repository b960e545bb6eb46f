// Tokens that npm `jose` makes, good and bad, with what jose says of each: a line of JSON each.
// `stricter` says why Keyturn refuses what jose lets pass.
import crypto from "node:crypto";
import * as jose from "jose";

const now = 1_800_000_000;
const issuer = "https://issuer.example", audience = "keyturn";
const claims = { iss: issuer, aud: audience, sub: "s", iat: now - 5, exp: now + 300 };
const text = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const pairs = {};
for (const alg of ["RS256", "PS256", "ES256", "EdDSA", "ES384", "RS512"]) {
  pairs[alg] = await jose.generateKeyPair(alg, { extractable: true });
}
pairs.weak = crypto.generateKeyPairSync("rsa", { modulusLength: 1024 });
pairs.k1 = crypto.generateKeyPairSync("ec", { namedCurve: "secp256k1" });
pairs.other = await jose.generateKeyPair("RS256", { extractable: true });
const publicJwk = async (name, more) => ({ ...(await jose.exportJWK(pairs[name].publicKey)), kid: name, ...more });
const keys = { keys: [
  ...(await Promise.all(["RS256", "PS256", "ES256", "EdDSA"].map((alg) => publicJwk(alg, { alg, use: "sig" })))),
  await publicJwk("ES384", { alg: "ES384" }), await publicJwk("RS512", { alg: "RS512" }),
  { ...pairs.weak.publicKey.export({ format: "jwk" }), kid: "weak", alg: "RS256" },
  { ...pairs.k1.publicKey.export({ format: "jwk" }), kid: "k1" },
  { ...(await publicJwk("other")), kid: "enc", alg: "RS256", use: "enc" },
] };
const pairsJwk = Object.fromEntries(await Promise.all(["RS256", "ES256"].map(async (alg) => [alg, await jose.exportJWK(pairs[alg].privateKey)])));
const found = jose.createLocalJWKSet(keys);

async function verdict(token, nonce) {
  try {
    const { payload, protectedHeader } = await jose.jwtVerify(token, found, {
      issuer, audience, clockTolerance: 60, currentDate: new Date(now * 1000), requiredClaims: ["exp"], algorithms: ["RS256", "PS256", "ES256", "EdDSA"] });
    // jose looks at iat only with maxTokenAge
    if (payload.iat !== undefined && payload.iat > now + 60) return "iat in the future";
    if (nonce !== undefined && payload.nonce !== nonce) return "nonce";
    return protectedHeader ? "good" : "";
  } catch (error) {
    return error.code ?? error.message;
  }
}

async function say(name, token, { nonce, stricter } = {}) {
  const said = await verdict(token, nonce);
  console.log(JSON.stringify({ name, token, keys, issuer, audience, now, jose: said, ...(nonce === undefined ? {} : { nonce }), ...(stricter ? { stricter } : {}) }));
}
const sign = (payload, alg, header = {}) => new jose.SignJWT(payload).setProtectedHeader({ alg, kid: alg, ...header }).sign(pairs[alg].privateKey);
// Signed by hand: what jose itself would not make.
function raw(header, payload, signer) {
  const data = `${text(header)}.${text(payload)}`;
  return `${data}.${signer(data).toString("base64url")}`;
}
const rs256 = (key) => (data) => crypto.sign("sha256", Buffer.from(data), crypto.createPrivateKey({ key: key.export ? key.export({ format: "jwk" }) : key, format: "jwk" }));

for (const alg of ["RS256", "PS256", "ES256", "EdDSA"]) {
  const good = await sign(claims, alg);
  await say(`${alg} good`, good);
  for (const [what, changed] of Object.entries({
    "another issuer": { iss: "https://issuer.example/" }, "no issuer": { iss: undefined }, "another audience": { aud: "other" }, "audiences": { aud: ["x", audience] },
    "expired": { exp: now - 61 }, "in the leeway": { exp: now - 59 }, "no exp": { exp: undefined }, "exp is text": { exp: "soon" }, "not yet": { nbf: now + 61 },
    "almost": { nbf: now + 59 }, "from the future": { iat: now + 61 }, "fractions": { iat: now - 0.5, exp: now + 0.25 }, "unicode": { name: "Zoë \u{1f600}" } }))
    await say(`${alg} ${what}`, await sign({ ...claims, ...changed }, alg));
  for (const at of [0.1, 0.4, 0.6, 0.9, 0.999]) {
    const index = Math.floor(good.length * at);
    const bytes = good[index] === "." ? good : good.slice(0, index) + (good[index] === "A" ? "Q" : "A") + good.slice(index + 1);
    if (bytes !== good) await say(`${alg} changed at ${at}`, bytes);
  }
  await say(`${alg} nonce`, await sign({ ...claims, nonce: "n" }, alg), { nonce: "n" });
  await say(`${alg} another nonce`, await sign({ ...claims, nonce: "m" }, alg), { nonce: "n" });
  await say(`${alg} no nonce`, good, { nonce: "n" });
  await say(`${alg} unknown kid`, await sign(claims, alg, { kid: "nobody" }));
  await say(`${alg} kid of another`, await sign(claims, alg, { kid: alg === "ES256" ? "EdDSA" : "ES256" }));
  await say(`${alg} no kid`, await sign(claims, alg, { kid: undefined }), alg === "RS256" ? {} : { stricter: "kid is required" }); // two keys would fit RS256
  await say(`${alg} crit`, await new jose.SignJWT(claims).setProtectedHeader({ alg, kid: alg, crit: ["x"], x: 1 }).sign(pairs[alg].privateKey, { crit: { x: true } }));
  await say(`${alg} no signature`, good.slice(0, good.lastIndexOf(".") + 1));
  await say(`${alg} padded`, `${good}=`);
  await say(`${alg} four parts`, `${good}.x`);
}
await say("none", `${text({ alg: "none", kid: "RS256" })}.${text(claims)}.`);
for (const kid of ["RS256", "ES256", "EdDSA"]) {
  for (const secret of [pairs.RS256.publicKey, pairs.ES256.publicKey]) {
    const pem = await jose.exportSPKI(secret);
    for (const bytes of [pem, pem.trim()])
      await say(`HS256 with a public key, kid ${kid}`, raw({ alg: "HS256", kid }, claims, (data) => crypto.createHmac("sha256", bytes).update(data).digest()));
  }
}
await say("RS256 by another key", raw({ alg: "RS256", kid: "RS256" }, claims, rs256(await jose.exportJWK(pairs.other.privateKey))));
await say("weak key", raw({ alg: "RS256", kid: "weak" }, claims, rs256(pairs.weak.privateKey)));
await say("key for encryption", raw({ alg: "RS256", kid: "enc" }, claims, rs256(await jose.exportJWK(pairs.other.privateKey))));
await say("ES384", await sign(claims, "ES384"));
await say("RS512", await sign(claims, "RS512"));
await say("secp256k1", raw({ alg: "ES256", kid: "k1" }, claims, (data) => crypto.sign("sha256", Buffer.from(data), { key: pairs.k1.privateKey, dsaEncoding: "ieee-p1363" })));
await say("ES256 in DER", raw({ alg: "ES256", kid: "ES256" }, claims, (data) => crypto.sign("sha256", Buffer.from(data), crypto.createPrivateKey({ key: pairsJwk.ES256, format: "jwk" }))));
await say("PS256 key says RS256", await new jose.SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "RS256" }).sign(pairs.RS256.privateKey));
await say("a key of its own", await new jose.SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "RS256", jwk: await jose.exportJWK(pairs.other.publicKey) }).sign(pairs.other.privateKey));
await say("doubled claim", raw({ alg: "RS256", kid: "RS256" }, `{"iss":"x","iss":"${issuer}","aud":"${audience}","exp":${now + 300}}`, rs256(pairsJwk.RS256)), { stricter: "JSON with double keys has two meanings" });
await say("doubled alg", raw(`{"alg":"none","alg":"RS256","kid":"RS256"}`, claims, rs256(pairsJwk.RS256)), { stricter: "JSON with double keys has two meanings" });
await say("payload is a list", raw({ alg: "RS256", kid: "RS256" }, [claims], rs256(pairsJwk.RS256)));
await say("17 KiB", await sign({ ...claims, x: "x".repeat(17 * 1024) }, "RS256"), { stricter: "at most 16 KiB" });
