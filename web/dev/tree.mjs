// A ledger for the fixture: RFC 6962 by its recursive definition, and a signed checkpoint. Written apart from
// src/verify/, so that each checks the other.
import { createHash, generateKeyPairSync, sign } from "node:crypto";

const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const zero = Buffer.from([0]);
const one = Buffer.from([1]);
const split = (n) => { let k = 1; while (k * 2 < n) k *= 2; return k; };

export const leafHash = (leaf) => sha(zero, leaf);

export function root(hashes) {
  if (hashes.length === 0) return sha(Buffer.alloc(0));
  if (hashes.length === 1) return hashes[0];
  const k = split(hashes.length);
  return sha(one, root(hashes.slice(0, k)), root(hashes.slice(k)));
}

export function path(m, hashes) {
  if (hashes.length === 1) return [];
  const k = split(hashes.length);
  return m < k
    ? [...path(m, hashes.slice(0, k)), root(hashes.slice(k))]
    : [...path(m - k, hashes.slice(k)), root(hashes.slice(0, k))];
}

export function consistency(m, hashes, whole = true) {
  if (m === hashes.length) return whole ? [] : [root(hashes)];
  const k = split(hashes.length);
  return m <= k
    ? [...consistency(m, hashes.slice(0, k), whole), root(hashes.slice(k))]
    : [...consistency(m - k, hashes.slice(k), false), root(hashes.slice(0, k))];
}

export function signer(origin) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const tagged = Buffer.concat([one, raw]);
  const id = sha(Buffer.from(`${origin}\n`), tagged).subarray(0, 4);
  return {
    vkey: `${origin}+${id.toString("hex")}+${tagged.toString("base64")}`,
    checkpoint(size, rootHash) {
      const body = `${origin}\n${size}\n${rootHash.toString("base64")}\n`;
      const signature = sign(null, Buffer.from(body), privateKey);
      return `${body}\n\u2014 ${origin} ${Buffer.concat([id, signature]).toString("base64")}\n`;
    },
  };
}
