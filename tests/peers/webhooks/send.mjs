// Lines of {"secret", "url", "id", "age", "body"} in; sends what npm's standardwebhooks signs, and says what was answered.
// "age": seconds ago that it was signed. "forge": sent instead of the body that was signed.
import readline from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { secret, url, id, age = 0, body, forge } = JSON.parse(line);
  const at = new Date(Date.now() - age * 1000);
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, at, body),
  };
  const answer = await fetch(url, { method: "POST", headers, body: forge ?? body });
  console.log(JSON.stringify({ status: answer.status, body: await answer.json(), headers }));
}
