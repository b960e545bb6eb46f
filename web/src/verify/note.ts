// C2SP signed-note and tlog-checkpoint: parsing a verifier key and a checkpoint, and checking the
// Ed25519 signature with WebCrypto where the browser has it.

import { concat, equal, fromBase64, fromHex, sha256, toHex, utf8, type Bytes } from "./bytes";

const ed25519 = 0x01;

export interface VerifierKey {
  name: string;
  id: Bytes; // 4 bytes
  key: Bytes; // 32 bytes
  text: string;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
  signed: Bytes; // the bytes that a signature covers
  signatures: { name: string; id: Bytes; signature: Bytes }[];
  text: string;
}

// `<name>+<8 hex digits>+<base64 of algorithm and key>`. Throws on any other form, on another
// algorithm, and when the key's id is not the one its name and bytes give.
export async function parseVerifierKey(text: string): Promise<VerifierKey> {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  if (!match) throw new Error("not a verifier key");
  const [, name = "", idHex = "", body = ""] = match;
  const bytes = fromBase64(body);
  if (bytes[0] !== ed25519 || bytes.length !== 33) throw new Error("not an Ed25519 key");
  const id = (await sha256(concat(utf8(name + "\n"), bytes))).slice(0, 4);
  if (!equal(id, fromHex(idHex))) throw new Error("the key's id does not fit the key");
  return { name, id, key: bytes.slice(1), text: `${name}+${idHex}+${body}` };
}

export function parseCheckpoint(text: string): Checkpoint {
  const split = text.lastIndexOf("\n\n");
  if (split < 0 || !text.endsWith("\n")) throw new Error("not a signed note");
  const body = text.slice(0, split + 1);
  const [origin = "", sizeText = "", rootText = ""] = body.split("\n");
  if (origin === "" || !/^(0|[1-9][0-9]*)$/.test(sizeText)) throw new Error("not a checkpoint");
  const size = Number(sizeText);
  const root = fromBase64(rootText);
  if (!Number.isSafeInteger(size) || root.length !== 32) throw new Error("not a checkpoint");
  const signatures = text.slice(split + 2, -1).split("\n").map(parseSignature);
  return { origin, size, root, signed: utf8(body), signatures, text };
}

function parseSignature(line: string): Checkpoint["signatures"][number] {
  const match = /^\u2014 (\S+) ([A-Za-z0-9+/=]+)$/.exec(line);
  if (!match) throw new Error("not a signature line");
  const [, name = "", body = ""] = match;
  const bytes = fromBase64(body);
  if (bytes.length < 5) throw new Error("a signature is too short");
  return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
}

export type SignatureVerdict =
  | "valid"
  | "invalid"
  | "absent" // no line by this key
  | "unsupported"; // this browser has no Ed25519

export async function verifySignature(
  checkpoint: Checkpoint, verifier: VerifierKey,
): Promise<SignatureVerdict> {
  if (checkpoint.origin !== verifier.name) return "absent";
  const lines = checkpoint.signatures.filter(
    (line) => line.name === verifier.name && equal(line.id, verifier.id),
  );
  const [line] = lines;
  if (!line) return "absent";
  // A note that carries two lines of one key is malformed; refuse it rather than choose.
  if (lines.length > 1 || line.signature.length !== 64) return "invalid";
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("raw", verifier.key, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    return error instanceof DOMException && error.name === "NotSupportedError"
      ? "unsupported"
      : "invalid";
  }
  const ok = await crypto.subtle.verify(
    { name: "Ed25519" }, key, line.signature, checkpoint.signed,
  );
  return ok ? "valid" : "invalid";
}

export function shortId(verifier: VerifierKey): string {
  return toHex(verifier.id);
}
