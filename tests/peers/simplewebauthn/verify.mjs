// Verifies, offline and with no code of Keyturn's, what people signed with their passkeys in an evidence bundle: votes, broken glass.
//   node verify.mjs BUNDLE --origin https://keyturn.example [--rp-id keyturn.example]
// BUNDLE: the folder, its .zip, or bundle.json. A line a signature; exit 0 when all hold, 1 when one does not or nothing can be read.
import {createHash} from "node:crypto";
import {readFileSync, statSync} from "node:fs";
import {parseArgs} from "node:util";
import {verifyAuthenticationResponse} from "@simplewebauthn/server";
import {isoBase64URL, isoCBOR} from "@simplewebauthn/server/helpers";
import {strFromU8, unzipSync} from "fflate";

const {values, positionals: [path]} = parseArgs({allowPositionals: true, options: {origin: {type: "string"}, "rp-id": {type: "string"}}});
if (!path || !values.origin) throw new Error("say which: node verify.mjs BUNDLE --origin https://keyturn.example [--rp-id keyturn.example]");
const file = statSync(path).isDirectory() ? path + "/bundle.json" : path;
const bundle = JSON.parse(file.endsWith(".zip") ? strFromU8(unzipSync(readFileSync(file), {filter: ({name}) => name === "bundle.json"})["bundle.json"]) : readFileSync(file));
if (bundle.format !== "keyturn/evidence-bundle/v1") throw new Error(`${file} is no evidence bundle`);
const leaves = bundle.entries.map((entry) => JSON.parse(typeof entry === "string" ? entry : Buffer.from(entry.base64, "base64")));
const canonical = (value) => Array.isArray(value) ? `[${value.map(canonical)}]` : value === null || typeof value !== "object" ? JSON.stringify(value)
  : `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)}}`; // RFC 8785
const cose = (algorithm, key) => isoCBOR.encode(new Map({ // RFC 9052, of the raw key that the ledger keeps
  [-7]: [[1, 2], [3, -7], [-1, 1], [-2, key.slice(0, 32)], [-3, key.slice(32)]],
  [-8]: [[1, 1], [3, -8], [-1, 6], [-2, key]],
  [-257]: [[1, 3], [3, -257], [-1, key.slice(0, -3)], [-2, key.slice(-3)]],
}[algorithm]));
const keys = new Map(), cases = new Map(); // what was registered, and which case was asked about, so far

async function check({stream, time}, kind, part, person) {
  const {assertion} = part, said = JSON.parse(assertion?.signed ?? "null"), {policy, nonce, expires_at} = said ?? {};
  if (!said) throw new Error("it says that a passkey signed it, and nothing is kept of that");
  const recorded = {v: 1, policy, nonce, expires_at, ...(kind === "vote"
    ? {action: stream.replace("action/", ""), digest: part.digest, decision: part.decision, reviewer: person}
    : {statement: {...said.statement, kind: "breakglass", agents: part.agents}, person})};
  const other = Object.keys({...recorded, ...said}).filter((name) => canonical(recorded[name] ?? null) !== canonical(said[name] ?? null));
  if (other.length) throw new Error(`signed with another ${other} than the entry says`);
  if (kind === "vote" && part.digest !== (cases.get(stream) ?? part.digest)) throw new Error("the vote is on another digest than was asked about");
  if (time > expires_at) throw new Error("the signature had expired");
  const key = keys.get(assertion.credential) ?? (bundle.from > 0 && !keys.has(assertion.credential) ? {...assertion, person} : null);
  if (key?.person !== person || key.public_key !== assertion.public_key || key.algorithm !== assertion.algorithm) throw new Error(`the passkey is not registered for ${person}`);
  const {credential: id, client_data_json: clientDataJSON, authenticator_data: authenticatorData, signature} = assertion;
  const {verified} = await verifyAuthenticationResponse({
    response: {id, rawId: id, type: "public-key", clientExtensionResults: {}, response: {clientDataJSON, authenticatorData, signature}},
    expectedChallenge: createHash("sha256").update(`keyturn/v1/${kind}\n${canonical(recorded)}`).digest("base64url"),
    expectedOrigin: values.origin, expectedRPID: values["rp-id"] ?? new URL(values.origin).hostname, requireUserVerification: true,
    credential: {id, publicKey: cose(key.algorithm, isoBase64URL.toBuffer(key.public_key)), counter: 0}});
  if (!verified) throw new Error("the signature does not verify");
}

const count = {good: 0, BAD: 0};
for (const [at, leaf] of leaves.entries()) {
  if (leaf.type === "identity.credential_added") keys.set(leaf.credential.id, leaf.credential);
  if (leaf.type === "identity.credential_removed") keys.set(leaf.stream.replace("credential/", ""), null);
  if (leaf.type === "review.opened") cases.set(leaf.stream, leaf.review.digest);
  const [kind, part, person, words] = leaf.type === "review.voted" ? ["vote", leaf.vote, leaf.vote.reviewer, `${leaf.vote.decision} of ${leaf.stream} ${leaf.vote.digest}`]
    : leaf.type === "breakglass.opened" ? ["statement", leaf.emergency, leaf.emergency.opener, `broken glass for ${leaf.emergency.agents}`] : [];
  if (!part || (kind === "vote" && !part.assertion && part.assurance !== "passkey")) continue;
  const wrong = await check(leaf, kind, part, person).catch((error) => error.message), verdict = wrong ? "BAD" : "good";
  console.log(`${verdict} ${bundle.from + at} ${person}: ${words}${wrong ? `: ${wrong}` : ""}`);
  count[verdict]++;
}
console.log(`${count.good} verified, ${count.BAD} not`);
process.exitCode = count.BAD ? 1 : 0;
