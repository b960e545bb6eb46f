// The RSA keys of Bot Framework and of Entra ID: what is published, what signs, and one that nobody publishes.
import crypto from "node:crypto";
import * as jose from "jose";

const PUBLISHED_MAX = 8;

async function made(more = {}) {
  const { publicKey, privateKey } = await jose.generateKeyPair("RS256", { extractable: true });
  const kid = crypto.randomBytes(20).toString("base64url");
  const jwk = { kty: "RSA", use: "sig", kid, x5t: kid, ...(await jose.exportJWK(publicKey)), ...more };
  return { kid, jwk, privateKey: crypto.KeyObject.from(privateKey), publicKey: crypto.KeyObject.from(publicKey) };
}

export class Keys {
  static async generate() {
    const keys = new Keys();
    keys.framework = [await made({ endorsements: ["msteams", "webchat"] })];
    keys.unendorsed = await made({ endorsements: ["directline", "webchat"] }); // published, not for Teams
    keys.tenant = [await made()];
    keys.stranger = await made(); // published nowhere
    return keys;
  }

  signing(whose) { return this[whose].at(-1); }

  // A new key signs; the former ones stay published unless they are to be dropped.
  async rotate(whose, drop) {
    const kept = drop ? [] : this[whose].slice(1 - PUBLISHED_MAX);
    this[whose] = [...kept, await made(whose === "framework" ? { endorsements: ["msteams", "webchat"] } : {})];
    return this.signing(whose).kid;
  }

  jwks(whose) {
    const keys = this[whose].map((key) => key.jwk);
    return { keys: whose === "framework" ? [...keys, this.unendorsed.jwk] : keys };
  }
}
