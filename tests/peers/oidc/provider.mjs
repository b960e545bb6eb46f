// npm oidc-provider on loopback: a certified implementation, with whoever POST /control {"account": NAME} puts at its keyboard.
// argv: PORT, then JSON {redirect_uris, post_logout_redirect_uris, accounts: {NAME: claims}}. Keys are new with every start.
import crypto from "node:crypto";
import http from "node:http";
import { Provider } from "oidc-provider";

const port = Number(process.argv[2]), setting = JSON.parse(process.argv[3]);
const issuer = `http://localhost:${port}`;
const generation = crypto.randomBytes(4).toString("hex");
const jwk = (kind, options, more) => ({ ...crypto.generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), use: "sig", ...more });
let account = Object.keys(setting.accounts)[0];

const provider = new Provider(issuer, {
  clients: [{ client_id: "keyturn", client_secret: "a secret of the client", redirect_uris: setting.redirect_uris,
    post_logout_redirect_uris: setting.post_logout_redirect_uris, grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
    response_types: ["code"], id_token_signed_response_alg: setting.alg ?? "ES256" }],
  jwks: { keys: [jwk("rsa", { modulusLength: 2048 }, { alg: "RS256", kid: `rsa-${generation}` }), jwk("ec", { namedCurve: "P-256" }, { alg: "ES256", kid: `ec-${generation}` }),
    jwk("ed25519", {}, { alg: "EdDSA", kid: `ed-${generation}` })] },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
  cookies: { keys: [crypto.randomBytes(16).toString("hex")] },
  claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"], groups: ["groups"] },
  scopes: ["openid", "profile", "email", "groups"],
  conformIdTokenClaims: setting.conform ?? false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, userinfo: { enabled: true }, deviceFlow: { enabled: true,
    userCodeInputSource: async (ctx, form) => { ctx.body = `<form-holder>${form}</form-holder><button form="op.deviceInputForm">Go</button>`; },
    userCodeConfirmSource: async (ctx, form) => { ctx.body = `${form}<button form="op.deviceConfirmForm">Yes</button>`; },
    successSource: async (ctx) => { ctx.body = "done"; } },
  rpInitiatedLogout: { enabled: true, logoutSource: async (ctx, form) => { ctx.body = `${form}<button autofocus type="submit" form="op.logoutForm" value="yes" name="logout">Yes</button>`; } } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, ...setting.accounts[id] }) }),
  ttl: { Session: 600, Interaction: 600, Grant: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60, DeviceCode: 600 },
});

async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId: account } });
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(prompt.details.missingOIDCScope?.join(" ") ?? "openid profile email groups");
  if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

const callback = provider.callback();
http.createServer((request, response) => {
  if (request.url === "/control") {
    let body = "";
    request.on("data", (piece) => { body += piece; });
    request.on("end", () => { account = JSON.parse(body).account; response.end("{}"); });
    return;
  }
  if (request.url === "/favicon.ico") {
    response.writeHead(204).end();
    return;
  }
  if (request.url.startsWith("/interaction/")) {
    interact(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
    return;
  }
  callback(request, response);
}).listen(port, "127.0.0.1", () => console.log(port));
