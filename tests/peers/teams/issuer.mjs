// The OpenID metadata and keys of Bot Framework and of a tenant, and the token endpoint of client credentials.
import { Answer } from "./web.mjs";
import { jwt, tenantClaims } from "./tokens.mjs";
import * as jose from "jose";

export const CONNECTOR = "https://api.botframework.com";
const refused = (status, error, code, description) => new Answer(status, { error, error_description: `AADSTS${code}: ${description}`, error_codes: [code] });

function credentials(request, form) {
  const [scheme, value] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Basic") return [form.get("client_id"), form.get("client_secret")];
  return Buffer.from(value ?? "", "base64").toString().split(":").map(decodeURIComponent);
}

export class Issuer {
  constructor(world) {
    this.world = world;
    this.token_seconds = 3599; // expires_in
    this.generation = 0; // of an earlier one's tokens the connector wants nothing more
  }

  frameworkMetadata() {
    return { issuer: CONNECTOR, authorization_endpoint: "https://invalid.botframework.com", jwks_uri: `${this.world.url}/v1/.well-known/keys`,
      id_token_signing_alg_values_supported: ["RS256"], token_endpoint_auth_methods_supported: ["private_key_jwt"] };
  }

  tenantMetadata(tenant, version) {
    this.known(tenant);
    return { issuer: tenantClaims(version, tenant).iss, jwks_uri: `${this.world.url}/${tenant}/discovery/v2.0/keys`, token_endpoint: `${this.world.url}/${tenant}/oauth2/v2.0/token`,
      response_types_supported: ["code", "id_token"], subject_types_supported: ["pairwise"], id_token_signing_alg_values_supported: ["RS256"],
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"] };
  }

  known(tenant) {
    if (tenant !== this.world.bot.tenant && tenant !== "botframework.com") throw refused(400, "invalid_tenant", 90002, `Tenant '${tenant}' not found.`);
  }

  token(request, tenant, body) {
    const form = new URLSearchParams(body), { bot, keys } = this.world;
    if (!(request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded")) throw refused(400, "invalid_request", 900144, "The request body must be a form.");
    this.known(tenant);
    if (tenant === "botframework.com" && !bot.multi_tenant) throw refused(400, "unauthorized_client", 700016, `Application '${bot.app_id}' was not found in the directory 'Bot Framework'.`);
    if (form.get("grant_type") !== "client_credentials") throw refused(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
    if (form.get("scope") !== `${CONNECTOR}/.default`) throw refused(400, "invalid_scope", 70011, `The provided value for the input parameter 'scope' is not valid: ${form.get("scope")}`);
    const [id, secret] = credentials(request, form);
    if (id !== bot.app_id) throw refused(400, "unauthorized_client", 700016, `Application with identifier '${id}' was not found in the directory.`);
    if (secret !== bot.secret) throw refused(401, "invalid_client", 7000215, "Invalid client secret provided.");
    const key = keys.signing("tenant");
    const claims = { ...tenantClaims("1.0", bot.tenant, CONNECTOR, bot.app_id, this.token_seconds), generation: this.generation };
    return { token_type: "Bearer", expires_in: this.token_seconds, ext_expires_in: this.token_seconds, access_token: jwt({ alg: "RS256", kid: key.kid, typ: "JWT" }, claims, key) };
  }

  // The connector's side: whose call is this? 401 where it is nobody's.
  async demand(request) {
    const [scheme, token] = (request.headers.authorization ?? "").split(" ");
    try {
      if (scheme !== "Bearer") throw new Error("no bearer token");
      const { payload } = await jose.jwtVerify(token, jose.createLocalJWKSet(this.world.keys.jwks("tenant")), { audience: CONNECTOR, algorithms: ["RS256"] });
      if (payload.appid !== this.world.bot.app_id || payload.generation !== this.generation) throw new Error("another app's, or revoked");
    } catch {
      throw new Answer(401, { message: "Authorization has been denied for this request." });
    }
  }
}
