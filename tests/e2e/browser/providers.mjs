// Signing in at an OpenID provider (npm oidc-provider) in the browser, signing out of both, and linking an account.
import assert from "node:assert/strict";
import { axe, complaints, device, enrol, page, run, setting, step, url } from "./person.mjs";

const atKeyboard = (account) => fetch(`${setting.provider}/control`, { method: "POST", body: JSON.stringify({ account }) });
const inbox = (on) => on.getByRole("heading", { name: "Inbox" }).waitFor();
const whoIsHere = (on) => on.evaluate(async () => (await fetch("/v1/me")).json());

step("a button on the page signs in at the provider, with the groups that it maps", async () => {
  await atKeyboard("zoe");
  await page.goto(`${url}/login`);
  await page.getByRole("button", { name: "Sign in with corp" }).waitFor();
  await axe();
  await page.getByRole("button", { name: "Sign in with corp" }).click();
  await inbox(page);
  const me = await whoIsHere(page);
  assert.deepEqual([me.id, me.groups, me.assurance], ["zoe", ["dba"], "session"]);
  assert.ok(!page.url().includes("code="), page.url());
});

step("signing out ends the provider's session, too", async () => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await page.getByRole("heading", { name: "Sign in to Keyturn" }).waitFor();
  await atKeyboard("yan");
  await page.getByRole("button", { name: "Sign in with corp" }).click();
  await inbox(page);
  assert.equal((await whoIsHere(page)).id, "yan");
});

step("an account is linked with a passkey's signature and a sign-in there, and signs in from then on", async () => {
  await atKeyboard("xi");
  const carols = await device();
  await enrol(carols.page, setting.link);
  await carols.page.goto(`${url}/account`);
  await carols.page.getByRole("button", { name: "Link an account at corp" }).click();
  await carols.page.getByRole("button", { name: "Unlink corp" }).waitFor();
  await axe(carols.page);
  const other = await device();
  await other.page.goto(`${url}/login`);
  await other.page.getByRole("button", { name: "Sign in with corp" }).click();
  await inbox(other.page);
  assert.equal((await whoIsHere(other.page)).id, "carol");
  await carols.page.getByRole("button", { name: "Unlink corp" }).click();
  await carols.page.getByRole("button", { name: "Unlink corp" }).waitFor({ state: "detached" });
  assert.equal((await whoIsHere(other.page)).code, "unauthenticated", "what it opened has ended");
  await carols.context.close();
  await other.context.close();
});

step("nothing complained", async () => {
  assert.deepEqual(complaints, []);
});

await run();
