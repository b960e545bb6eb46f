// What the Ledger page claims, step by step: each check says what was compared and how it ended.
// Pure but for WebCrypto; fetching and remembering are the page's.

import { equal, fromBase64, fromHex, toHex, type Bytes } from "./bytes";
import { inclusionSteps, leafHash, verifyConsistency, type Step } from "./merkle";
import {
  parseCheckpoint, parseVerifierKey, verifySignature, type Checkpoint, type VerifierKey,
} from "./note";

export type Outcome = "good" | "bad" | "skipped";

export interface Check {
  name: string;
  outcome: Outcome;
  detail: string;
}

// What this browser remembers of a log between visits.
export interface Seen {
  size: number;
  root: string; // hex
  vkey: string;
  at: string;
}

export interface ProofAnswer {
  index: number;
  size: number;
  leaf_hash: string;
  root: string;
  proof: string[];
  checkpoint: string;
}

function failure(name: string, error: unknown): Check {
  return { name, outcome: "bad", detail: error instanceof Error ? error.message : String(error) };
}

export async function checkSignature(checkpoint: Checkpoint, vkey: string): Promise<Check> {
  const name = "The checkpoint is signed by the ledger's key";
  try {
    const verifier: VerifierKey = await parseVerifierKey(vkey);
    const verdict = await verifySignature(checkpoint, verifier);
    switch (verdict) {
      case "valid":
        return { name, outcome: "good", detail: `Ed25519, key ${toHex(verifier.id)}` };
      case "invalid":
        return { name, outcome: "bad", detail: "the signature does not fit the checkpoint" };
      case "absent":
        return { name, outcome: "bad", detail: "no signature line by this key and origin" };
      case "unsupported":
        return { name, outcome: "skipped", detail: "this browser has no Ed25519: not checked" };
    }
  } catch (error) {
    return failure(name, error);
  }
}

export interface Inclusion {
  checks: Check[];
  steps: Step[];
  leaf: Bytes;
}

// Verifies that `leaf` (base64 of the stored bytes) is entry `index` of the checkpoint's tree. The
// server's own leaf hash and root are compared, never trusted.
export async function checkInclusion(
  index: number, leaf: string, answer: ProofAnswer, vkey: string,
): Promise<Inclusion> {
  const checks: Check[] = [];
  let steps: Step[] = [];
  let bytes: Bytes = new Uint8Array();
  const inTree = "Its path leads to the root of the tree";
  try {
    bytes = fromBase64(leaf);
    const hash = await leafHash(bytes);
    checks.push({
      name: "The entry's bytes give its leaf hash",
      outcome: toHex(hash) === answer.leaf_hash.toLowerCase() ? "good" : "bad",
      detail: `SHA-256(00 ‖ ${bytes.length} bytes) = ${toHex(hash)}`,
    });
    const checkpoint = parseCheckpoint(answer.checkpoint);
    if (answer.index !== index) throw new Error("the server proved another entry");
    if (answer.size !== checkpoint.size) throw new Error("the proof is for another tree size");
    steps = await inclusionSteps(index, checkpoint.size, hash, answer.proof.map(fromHex));
    const root = steps.at(-1)?.hash ?? hash;
    const good = equal(root, checkpoint.root);
    checks.push({
      name: inTree,
      outcome: good ? "good" : "bad",
      detail: good
        ? `${steps.length} steps to ${toHex(root)}, the root that the checkpoint states`
        : `the path gives ${toHex(root)}, the checkpoint states ${toHex(checkpoint.root)}`,
    });
    checks.push(await checkSignature(checkpoint, vkey));
  } catch (error) {
    checks.push(failure(inTree, error));
  }
  return { checks, steps, leaf: bytes };
}

// Compares the log now with what this browser saw before. `prove` is asked only when the tree grew.
export async function checkConsistency(
  seen: Seen | null, now: Checkpoint, vkey: string,
  prove: (from: number, to: number) => Promise<string[]>,
): Promise<Check> {
  const name = "Nothing this browser saw before was changed";
  if (!seen) {
    return { name, outcome: "skipped", detail: "first visit: there is nothing to compare with yet" };
  }
  if (seen.vkey !== vkey) {
    return { name, outcome: "bad", detail: `the ledger's key changed since ${seen.at}` };
  }
  if (now.size < seen.size) {
    return {
      name, outcome: "bad",
      detail: `the log shrank: ${seen.size} entries on ${seen.at}, ${now.size} now`,
    };
  }
  try {
    const proof = seen.size === now.size || seen.size === 0
      ? [] : await prove(seen.size, now.size);
    const good = await verifyConsistency(
      seen.size, fromHex(seen.root), now.size, now.root, proof.map(fromHex));
    return {
      name,
      outcome: good ? "good" : "bad",
      detail: good
        ? `all ${seen.size} entries known since ${seen.at} are still there, in order`
        : `the tree of ${now.size} does not begin with the tree of ${seen.size} seen on ${seen.at}`,
    };
  } catch (error) {
    return failure(name, error);
  }
}
