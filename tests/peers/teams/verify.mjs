// What npm's jose says of tokens: lines of {"authorization", "jwks", "issuer", "audience"} in; each out as {"claims"} or {"why"}.
import readline from "node:readline";
import * as jose from "jose";

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { authorization, jwks, issuer, audience } = JSON.parse(line);
  try {
    if (!authorization?.startsWith("Bearer ")) throw new Error("no bearer token");
    const keys = jose.createRemoteJWKSet(new URL(jwks));
    const key = (header) => (header.kid ? keys(header) : Promise.reject(new Error("no kid")));
    const { payload } = await jose.jwtVerify(authorization.slice("Bearer ".length), key, { issuer, audience, algorithms: ["RS256"], requiredClaims: ["exp", "nbf"] });
    process.stdout.write(`${JSON.stringify({ claims: payload })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ why: error.message })}\n`);
  }
}
