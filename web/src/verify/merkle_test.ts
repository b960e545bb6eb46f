import { describe, expect, it } from "vitest";
import { fromHex, toHex, type Bytes } from "./bytes";
import { inclusionRoot, leafHash, nodeHash, verifyConsistency } from "./merkle";

// Known answers: the eight leaves and roots of the Certificate Transparency reference tree.
const leaves = [
  "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
].map(fromHex);
const roots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

// The recursive definitions of RFC 6962 §2.1, written apart from the code under test.
const split = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};
async function mth(d: Bytes[]): Promise<Bytes> {
  const [only] = d;
  if (d.length === 1 && only) return leafHash(only);
  const k = split(d.length);
  return nodeHash(await mth(d.slice(0, k)), await mth(d.slice(k)));
}
async function path(m: number, d: Bytes[]): Promise<Bytes[]> {
  if (d.length === 1) return [];
  const k = split(d.length);
  return m < k
    ? [...(await path(m, d.slice(0, k))), await mth(d.slice(k))]
    : [...(await path(m - k, d.slice(k))), await mth(d.slice(0, k))];
}
async function subproof(m: number, d: Bytes[], whole: boolean): Promise<Bytes[]> {
  if (m === d.length) return whole ? [] : [await mth(d)];
  const k = split(d.length);
  return m <= k
    ? [...(await subproof(m, d.slice(0, k), whole)), await mth(d.slice(k))]
    : [...(await subproof(m - k, d.slice(k), false)), await mth(d.slice(0, k))];
}
const tree = (n: number): Bytes[] => Array.from({ length: n }, (_, i) => new Uint8Array([i, n]));

describe("an inclusion proof", () => {
  it("leads to the known roots", async () => {
    for (let n = 1; n <= 8; n++) {
      const d = leaves.slice(0, n);
      for (let i = 0; i < n; i++) {
        const root = await inclusionRoot(i, n, await leafHash(d[i]!), await path(i, d));
        expect(toHex(root)).toBe(roots[n - 1]);
      }
    }
  });

  it("of the reference tree is the published one", async () => {
    const proof = [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ].map(fromHex);
    const root = await inclusionRoot(5, 8, await leafHash(leaves[5]!), proof);
    expect(toHex(root)).toBe(roots[7]);
  });

  it("with a bit flipped, a hash missing or a hash too many fails", async () => {
    for (const [i, n] of [[0, 1], [2, 3], [5, 8], [6, 7], [16, 17]] as const) {
      const d = tree(n);
      const [leaf, proof, root] = [await leafHash(d[i]!), await path(i, d), toHex(await mth(d))];
      const broken = leaf.slice();
      broken[0]! ^= 1;
      expect(toHex(await inclusionRoot(i, n, broken, proof))).not.toBe(root);
      await expect(inclusionRoot(i, n, leaf, [...proof, leaf])).rejects.toThrow("too long");
      if (n > 1) await expect(inclusionRoot(i, n, leaf, proof.slice(1))).rejects.toThrow("too short");
      await expect(inclusionRoot(n, n, leaf, proof)).rejects.toThrow("beyond");
    }
  });
});

describe("a consistency proof", () => {
  it("holds for every pair of sizes up to 20, and for no other root", async () => {
    for (let n = 1; n <= 20; n++) {
      const d = tree(20);
      for (let m = 1; m <= n; m++) {
        const proof = m === n ? [] : await subproof(m, d.slice(0, n), true);
        const [old, now] = [await mth(d.slice(0, m)), await mth(d.slice(0, n))];
        expect(await verifyConsistency(m, old, n, now, proof)).toBe(true);
        expect(await verifyConsistency(m, await leafHash(old), n, now, proof)).toBe(false);
        expect(await verifyConsistency(m, old, n, await leafHash(now), proof)).toBe(false);
        expect(await verifyConsistency(m, old, n, now, [...proof, now])).toBe(false);
        if (proof.length) {
          expect(await verifyConsistency(m, old, n, now, proof.slice(1))).toBe(false);
        }
      }
    }
  });

  it("never lets a log shrink", async () => {
    const root = fromHex(roots[3]!);
    expect(await verifyConsistency(4, root, 3, root, [])).toBe(false);
  });
});
