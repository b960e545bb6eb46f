import { beforeAll, describe, expect, it } from "vitest";
import { concat, sha256, toBase64, toHex, utf8, type Bytes } from "./bytes";
import { checkConsistency, checkInclusion } from "./log";
import { leafHash } from "./merkle";
import { parseCheckpoint, parseVerifierKey, verifySignature } from "./note";

// The example key of the C2SP signed-note specification's reference implementation.
const published = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

const origin = "example.test/keyturn";
let vkey = "";
let sign: (body: string) => Promise<string>;

beforeAll(async () => {
  const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, [
    "sign", "verify",
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const tagged = concat(new Uint8Array([1]), raw);
  const id = (await sha256(concat(utf8(origin + "\n"), tagged))).slice(0, 4);
  vkey = `${origin}+${toHex(id)}+${toBase64(tagged)}`;
  sign = async (body) => {
    const signature = await crypto.subtle.sign({ name: "Ed25519" }, pair.privateKey, utf8(body));
    return `${body}\n\u2014 ${origin} ${toBase64(concat(id, new Uint8Array(signature)))}\n`;
  };
});

const bodyOf = (size: number, root: Bytes) => `${origin}\n${size}\n${toBase64(root)}\n`;

describe("a verifier key", () => {
  it("of the published form is read", async () => {
    expect((await parseVerifierKey(published)).name).toBe("PeterNeumann");
  });
  it.each([
    ["another id", published.replace("c74f20a3", "c74f20a4")],
    ["another algorithm", published.replace("+ARpc", "+BBpc")],
    ["no name", published.slice(12)],
    ["no key", "PeterNeumann+c74f20a3+"],
  ])("with %s is refused", async (_, text) => {
    await expect(parseVerifierKey(text)).rejects.toThrow();
  });
});

describe("a published note", () => {
  it("verifies, and not with a letter changed", async () => {
    const body =
      "If you think cryptography is the answer to your problem,\n" +
      "then you don't know what your problem is.\n";
    const line =
      "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    const verifier = await parseVerifierKey(published);
    const bytes = Uint8Array.from(atob(line.split(" ")[2]!), (c) => c.charCodeAt(0));
    const note = (text: string) => ({
      origin: "PeterNeumann", size: 0, root: new Uint8Array(32), signed: utf8(text), text,
      signatures: [{ name: "PeterNeumann", id: bytes.slice(0, 4), signature: bytes.slice(4) }],
    });
    expect(await verifySignature(note(body), verifier)).toBe("valid");
    expect(await verifySignature(note(body.replace("your", "Your")), verifier)).toBe("invalid");
  });
});

describe("a checkpoint", () => {
  it("signed by its key is valid; changed, or by another name, it is not", async () => {
    const verifier = await parseVerifierKey(vkey);
    const text = await sign(bodyOf(7, new Uint8Array(32)));
    expect(await verifySignature(parseCheckpoint(text), verifier)).toBe("valid");
    const grown = text.replace("\n7\n", "\n8\n");
    expect(await verifySignature(parseCheckpoint(grown), verifier)).toBe("invalid");
    const renamed = text.replaceAll(origin, "other.test");
    expect(await verifySignature(parseCheckpoint(renamed), verifier)).toBe("absent");
  });
  it.each(["", "a\n1\n\n", "a\n01\nAA==\n\n\u2014 a AAAAAAA=\n", "a\n-1\nAA==\n\n"])(
    "of the form %j is refused", (text) => expect(() => parseCheckpoint(text)).toThrow());
});

describe("the checks of the page", () => {
  it("accept an entry that is there and refuse one that is not", async () => {
    const leaf = utf8('{"type":"action.requested"}');
    const root = await leafHash(leaf);
    const answer = {
      index: 0, size: 1, leaf_hash: toHex(root), root: toHex(root), proof: [],
      checkpoint: await sign(bodyOf(1, root)),
    };
    const good = await checkInclusion(0, toBase64(leaf), answer, vkey);
    expect(good.checks.map((check) => check.outcome)).toEqual(["good", "good", "good"]);
    const other = await checkInclusion(0, toBase64(utf8("{}")), answer, vkey);
    expect(other.checks.slice(0, 2).map((check) => check.outcome)).toEqual(["bad", "bad"]);
    const moved = await checkInclusion(1, toBase64(leaf), answer, vkey);
    expect(moved.checks.some((check) => check.outcome === "bad")).toBe(true);
  });

  it("raise an alarm when the log shrinks, forks or changes its key", async () => {
    const root = await leafHash(utf8("x"));
    const now = parseCheckpoint(await sign(bodyOf(1, root)));
    const none = async () => [];
    const seen = { size: 1, root: toHex(root), vkey, at: "then" };
    expect((await checkConsistency(seen, now, vkey, none)).outcome).toBe("good");
    expect((await checkConsistency(null, now, vkey, none)).outcome).toBe("skipped");
    expect((await checkConsistency({ ...seen, size: 2 }, now, vkey, none)).outcome).toBe("bad");
    expect((await checkConsistency({ ...seen, vkey: "k" }, now, vkey, none)).outcome).toBe("bad");
    const fork = { ...seen, root: toHex(await leafHash(root)) };
    expect((await checkConsistency(fork, now, vkey, none)).outcome).toBe("bad");
  });
});
