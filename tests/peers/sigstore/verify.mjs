// Checks logs' checkpoints and inclusion proofs with @sigstore/verify. Reads cases, one JSON object a line:
//   {name, vkey, note, index, leaf (base64), proof: [hex]}
// and answers each with {name, accepted, why, origin, size}. `vkey` is the key that is trusted, whatever the note says.
import {createPublicKey} from "node:crypto";
import {createRequire} from "node:module";
import {createInterface} from "node:readline";

const require = createRequire(import.meta.url);
// What the package checks of an entry of a transparency log, without the kinds of entry that only sigstore's log has.
const {verifyTLogInclusion} = require("@sigstore/verify/dist/tlog");
const {verifyCheckpoint} = require("@sigstore/verify/dist/tlog/checkpoint.js");
const {toTrustMaterial} = require("@sigstore/verify");
const {PublicKeyDetails} = require("@sigstore/protobuf-specs");

const spkiOfEd25519 = Buffer.from("302a300506032b6570032100", "hex");

function trusted(vkey) {
  const [name, id, key] = vkey.trim().split(/\+(.*?)\+(.*)/s);
  const rawBytes = Buffer.concat([spkiOfEd25519, Buffer.from(key, "base64").subarray(1)]);
  createPublicKey({key: rawBytes, format: "der", type: "spki"});
  const tlog = {
    baseUrl: `https://${name}`,
    logId: {keyId: Buffer.from(id, "hex")},
    publicKey: {rawBytes, keyDetails: PublicKeyDetails.PKIX_ED25519},
  };
  return toTrustMaterial({certificateAuthorities: [], timestampAuthorities: [], tlogs: [tlog], ctlogs: []}, {}).tlogs;
}

function check({name, vkey, note, index, leaf, proof}) {
  const entry = {
    canonicalizedBody: Buffer.from(leaf, "base64"),
    inclusionProof: {
      logIndex: String(index),
      hashes: proof.map((hash) => Buffer.from(hash, "hex")),
      checkpoint: {envelope: note},
    },
  };
  try {
    const tlogs = trusted(vkey);
    verifyTLogInclusion(entry, tlogs);
    const {origin, logSize} = verifyCheckpoint(entry, tlogs);
    return {name, accepted: true, origin, size: Number(logSize)};
  } catch (error) {
    return {name, accepted: false, why: `${error.code ?? error.name}: ${error.message}`};
  }
}

for await (const line of createInterface({input: process.stdin})) console.log(JSON.stringify(check(JSON.parse(line))));
