// WebAuthn: the JSON forms of the specification (§5.1.8 to §5.1.10) to and from what the browser takes.
// Written out because parseCreationOptionsFromJSON and toJSON are missing in browsers still in use.

import { fromBase64Url, toBase64Url } from "../verify/bytes";
import { Problem } from "./client";

interface DescriptorJson {
  id: string;
  type: PublicKeyCredentialType;
  transports?: AuthenticatorTransport[];
}

export interface CreationOptionsJson
  extends Omit<PublicKeyCredentialCreationOptions, "challenge" | "user" | "excludeCredentials"> {
  challenge: string;
  user: { id: string; name: string; displayName: string };
  excludeCredentials?: DescriptorJson[];
}

export interface RequestOptionsJson
  extends Omit<PublicKeyCredentialRequestOptions, "challenge" | "allowCredentials"> {
  challenge: string;
  allowCredentials?: DescriptorJson[];
}

export interface CredentialJson {
  id: string;
  rawId: string;
  type: string;
  authenticatorAttachment?: string;
  clientExtensionResults: object;
  response: Record<string, unknown>;
}

const descriptor = (json: DescriptorJson): PublicKeyCredentialDescriptor => ({
  ...json,
  id: fromBase64Url(json.id),
});

const encode = (buffer: ArrayBuffer): string => toBase64Url(new Uint8Array(buffer));

export const passkeysWork = (): boolean =>
  typeof PublicKeyCredential !== "undefined" && window.isSecureContext && !hostIsAddress();

// Passkeys are bound to names; browsers refuse IP addresses.
export const hostIsAddress = (): boolean =>
  /^(\d+\.){3}\d+$/.test(location.hostname) || location.hostname.includes(":") ||
  location.hostname.startsWith("[");

export async function createPasskey(options: CreationOptionsJson): Promise<CredentialJson> {
  const { challenge, user, excludeCredentials, ...rest } = options;
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...rest,
    challenge: fromBase64Url(challenge),
    user: { ...user, id: fromBase64Url(user.id) },
    excludeCredentials: (excludeCredentials ?? []).map(descriptor),
  };
  const credential = await ask(() => navigator.credentials.create({ publicKey }));
  const response = credential.response as AuthenticatorAttestationResponse;
  const fields: Record<string, unknown> = {
    clientDataJSON: encode(response.clientDataJSON),
    attestationObject: encode(response.attestationObject),
    authenticatorData: encode(response.getAuthenticatorData()),
    transports: response.getTransports?.() ?? [],
    publicKeyAlgorithm: response.getPublicKeyAlgorithm(),
  };
  const key = response.getPublicKey();
  if (key) fields.publicKey = encode(key);
  return envelope(credential, fields);
}

export async function usePasskey(options: RequestOptionsJson): Promise<CredentialJson> {
  const { challenge, allowCredentials, ...rest } = options;
  const publicKey: PublicKeyCredentialRequestOptions = {
    ...rest,
    challenge: fromBase64Url(challenge),
    allowCredentials: (allowCredentials ?? []).map(descriptor),
  };
  const credential = await ask(() => navigator.credentials.get({ publicKey }));
  const response = credential.response as AuthenticatorAssertionResponse;
  const fields: Record<string, unknown> = {
    clientDataJSON: encode(response.clientDataJSON),
    authenticatorData: encode(response.authenticatorData),
    signature: encode(response.signature),
  };
  if (response.userHandle) fields.userHandle = encode(response.userHandle);
  return envelope(credential, fields);
}

function envelope(
  credential: PublicKeyCredential, response: Record<string, unknown>,
): CredentialJson {
  const json: CredentialJson = {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
  if (credential.authenticatorAttachment) {
    json.authenticatorAttachment = credential.authenticatorAttachment;
  }
  return json;
}

async function ask(prompt: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (!passkeysWork()) {
    throw new Problem(0, "no_passkeys", "Passkeys do not work here",
      hostIsAddress()
        ? "Browsers refuse passkeys on an IP address. Open this page by its name, for example http://localhost."
        : "This browser or this connection does not allow passkeys. Use HTTPS, or http://localhost.");
  }
  try {
    const credential = await prompt();
    if (credential instanceof PublicKeyCredential) return credential;
    throw new Problem(0, "no_passkey", "No passkey was given", "The browser returned nothing.");
  } catch (error) {
    if (error instanceof Problem) throw error;
    const name = error instanceof DOMException ? error.name : "";
    if (name === "InvalidStateError") {
      throw new Problem(0, "passkey_exists", "This device is enrolled already",
        "It holds a passkey of yours. Sign in with it.");
    }
    if (name === "NotAllowedError" || name === "AbortError") {
      throw new Problem(0, "passkey_refused", "The passkey was not used",
        "The prompt was closed, or it timed out. Nothing was sent; you can try again.");
    }
    throw new Problem(0, "passkey_failed", "The passkey could not be used",
      error instanceof Error ? error.message : "The browser gave no reason.");
  }
}
