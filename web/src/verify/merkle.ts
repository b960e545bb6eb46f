// The Merkle tree of RFC 6962 §2.1 (SHA-256, 0x00 before a leaf, 0x01 before a node), and the two
// verifications of RFC 9162 §2.1.3.2 and §2.1.4.2. Sizes are JavaScript numbers, exact to 2^53; no
// 32-bit operators are used on them.

import { concat, equal, sha256, type Bytes } from "./bytes";

const leafPrefix = new Uint8Array([0]);
const nodePrefix = new Uint8Array([1]);

export function leafHash(leaf: Bytes): Promise<Bytes> {
  return sha256(concat(leafPrefix, leaf));
}

export function nodeHash(left: Bytes, right: Bytes): Promise<Bytes> {
  return sha256(concat(nodePrefix, left, right));
}

export interface Step {
  sibling: Bytes;
  side: "left" | "right"; // where the sibling stands
  hash: Bytes; // the parent of both
}

export class ProofError extends Error {}

const odd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

function requireCount(name: string, n: number): void {
  if (!Number.isSafeInteger(n) || n < 0) throw new ProofError(`${name} is not a count`);
}

// Walks from the leaf to the root; the last step's hash is the root (with no steps, the leaf's hash).
// Throws ProofError when the proof is too long or too short for this index and size.
export async function inclusionSteps(
  index: number, size: number, leaf: Bytes, proof: Bytes[],
): Promise<Step[]> {
  requireCount("index", index);
  requireCount("size", size);
  if (index >= size) throw new ProofError("the entry lies beyond the tree");
  const steps: Step[] = [];
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0) throw new ProofError("the proof is too long");
    if (odd(fn) || fn === sn) {
      hash = await nodeHash(sibling, hash);
      steps.push({ sibling, side: "left", hash });
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      hash = await nodeHash(hash, sibling);
      steps.push({ sibling, side: "right", hash });
    }
    fn = half(fn);
    sn = half(sn);
  }
  if (sn !== 0) throw new ProofError("the proof is too short");
  return steps;
}

export async function inclusionRoot(
  index: number, size: number, leaf: Bytes, proof: Bytes[],
): Promise<Bytes> {
  return (await inclusionSteps(index, size, leaf, proof)).at(-1)?.hash ?? leaf;
}

// Does the tree (newSize, newRoot) begin with all of the tree (oldSize, oldRoot)?
export async function verifyConsistency(
  oldSize: number, oldRoot: Bytes, newSize: number, newRoot: Bytes, proof: Bytes[],
): Promise<boolean> {
  requireCount("old size", oldSize);
  requireCount("new size", newSize);
  if (oldSize > newSize) return false;
  if (oldSize === newSize) return proof.length === 0 && equal(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0;
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (!first) return false;
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (odd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  let oldHash = first;
  let newHash = first;
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (odd(fn) || fn === sn) {
      oldHash = await nodeHash(sibling, oldHash);
      newHash = await nodeHash(sibling, newHash);
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      newHash = await nodeHash(newHash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equal(oldHash, oldRoot) && equal(newHash, newRoot);
}

function isPowerOfTwo(n: number): boolean {
  let rest = n;
  while (rest > 1 && !odd(rest)) rest = half(rest);
  return rest === 1;
}
