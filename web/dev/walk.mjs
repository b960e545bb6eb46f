// Uses the inbox as a person does, against the fixture: `npm run build && npm run walk`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const port = Number(process.env.LOOK_PORT ?? 7732);
const base = `http://localhost:${port}`;
const id = (n) => `act_01JD${String(n).padStart(4, "0")}K7Q2`;
const fixture = spawn(process.execPath, [fileURLToPath(new URL("./fixture.mjs", import.meta.url)), String(port)], { stdio: ["ignore", "pipe", "inherit"] });
await new Promise((resolve) => fixture.stdout.once("data", resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const steps = [];
const step = (name, walk) => steps.push([name, walk]);
// The next unseen part, until the page has counted it.
async function seeNext(page) {
  const before = await page.locator(".meter .digits").textContent();
  await page.keyboard.press("n");
  await page.waitForFunction((text) => document.querySelector(".meter .digits")?.textContent !== text, before);
}
async function seeAll(page) {
  await approve(page).waitFor();
  while (await page.locator(".meter").count() > 0) await seeNext(page);
}
const approve = (page) => page.getByRole("button", { name: /^Approve/ });

step("approve opens only when every page was seen, and then records", async (page) => {
  await page.goto(`${base}/a/${id(3)}`);
  await approve(page).waitFor();
  assert(await approve(page).isDisabled());
  const before = await page.locator(".meter .digits").textContent();
  await page.keyboard.press("End");
  await page.waitForFunction((text) => document.querySelector(".meter .digits")?.textContent !== text, before);
  assert(await approve(page).isDisabled(), "jumping to the end shows not all of it");
  await seeAll(page);
  assert(await approve(page).isEnabled());
  await page.getByRole("button", { name: "Add a note" }).click();
  await page.getByLabel("Note, kept with your vote").fill("looked at all 180");
  await approve(page).click();
  await page.getByText("Your approval is recorded.").waitFor();
  await page.getByText("Succeeded").first().waitFor();
});
step("a case that the server could not send whole is never approvable", async (page) => {
  await page.goto(`${base}/a/${id(5)}`);
  await page.getByText("Approve is not offered").waitFor();
  await page.locator(".seen-done").first().waitFor();
  assert(await approve(page).isDisabled());
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("Denied").first().waitFor();
});
step("a vote that needs a passkey is signed", async (page) => {
  await page.goto(`${base}/a/${id(2)}`);
  await seeAll(page);
  const sent = page.waitForRequest((request) => request.url().endsWith("/votes") && request.method() === "POST");
  await page.keyboard.press("a");
  await page.keyboard.press("Enter");
  const { assertion, digest } = (await sent).postDataJSON();
  assert.equal(assertion.ceremony, "c-1");
  for (const field of ["clientDataJSON", "authenticatorData", "signature"]) assert.match(assertion.credential.response[field], /^[\w-]+$/);
  assert.match(digest, /^sha256:/);
  await page.getByText("You approved this").waitFor();
  await page.getByRole("button", { name: "Take my vote back" }).click();
  await approve(page).waitFor();
});
step("enrolment makes a passkey and forgets the token", async (page) => {
  await page.goto(`${base}/enrol#GOOD`);
  const sent = page.waitForRequest((request) => request.url().endsWith("/auth/enrol/finish"));
  await page.getByRole("button", { name: "Create my passkey" }).click();
  const body = (await sent).postDataJSON();
  assert.equal(body.token, "GOOD");
  assert.match(body.credential.response.attestationObject, /^[\w-]+$/);
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
});
step("keys move, open, comment and help", async (page) => {
  await page.goto(base);
  await page.locator("a[data-row]").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/a\//);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.getByLabel("Comment").waitFor();
  await page.keyboard.press("c");
  await page.keyboard.type("a word ?");
  await page.getByRole("button", { name: "Comment" }).click();
  await page.getByText("Your comment is recorded.").waitFor();
  await page.locator(".timeline").getByText("a word ?").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("/");
  await page.waitForURL(/activity/);
});
step("a colleague's vote arrives by itself, in every tab", async (page, context) => {
  const other = await context.newPage();
  await other.goto(base);
  await other.locator(`a[href="/a/${id(1)}"]`).waitFor();
  await page.goto(`${base}/a/${id(1)}`);
  await page.getByText("0 of 1").locator("visible=true").first().waitFor();
  await page.evaluate(async (action) => fetch("/demo/vote", {
    method: "POST", headers: { "X-Keyturn-CSRF": "fixture-csrf" }, body: JSON.stringify({ colleague: "bo-simulated", action, decision: "approve" }),
  }), id(1));
  await page.getByText("Succeeded").first().waitFor();
  await other.locator(`a[href="/a/${id(1)}"]`).waitFor({ state: "detached" });
});
step("search, filter and page back", async (page) => {
  await page.goto(`${base}/activity`);
  await page.getByText("That is all of it.").waitFor();
  await page.getByLabel("State").selectOption("denied");
  await page.waitForURL(/state=denied/);
  await page.locator(".state-succeeded").first().waitFor({ state: "detached" });
});
step("an auditor sees all of the administration and changes nothing", async (page, context) => {
  await context.addCookies([{ name: "fixture", value: "auditor", url: base }]);
  await page.goto(`${base}/admin`);
  await page.getByText("You are an auditor").waitFor();
  for (const tab of ["People", "Groups", "Agents", "Tokens", "Sessions", "Channels"]) {
    await page.getByRole("radio", { name: tab }).check();
    await page.getByRole("heading", { name: tab, level: 2 }).waitFor();
    await page.locator(".things > li").first().waitFor();
    // The agent that they own, and their own session, are theirs to end.
    const acts = await page.locator(".things").getByRole("button").allTextContents();
    assert.deepEqual(acts.filter((name) => !/^(Suspend… ops-bot|End… the session of alice)$/.test(name)), [], tab);
  }
});
step("the ledger is remembered, and a fork is an alarm", async (page) => {
  await page.goto(`${base}/ledger?entry=17`);
  await page.getByText("proven to be in the ledger").waitFor();
  await page.reload();
  await page.getByText(/all 83 entries known since/).waitFor();
  await page.evaluate(() => {
    const name = "keyturn.seen.localhost/keyturn";
    const seen = JSON.parse(localStorage.getItem(name));
    localStorage.setItem(name, JSON.stringify({ ...seen, root: "00".repeat(32), size: 40 }));
  });
  await page.reload();
  await page.getByText("This ledger does not fit what it should be.").waitFor();
});
step("colours change and stay", async (page) => {
  await page.goto(base);
  await page.getByRole("button", { name: /^Colours/ }).click();
  await page.getByRole("button", { name: /^Colours: light/ }).click();
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), "rgb(17, 23, 26)");
  await page.reload();
  await page.getByRole("button", { name: /^Colours: dark/ }).waitFor();
});
step("without a connection the page says so", async (page, context) => {
  await page.goto(base);
  await page.locator("a[data-row]").first().waitFor();
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
});

let failed = 0;
try {
  for (const [name, walk] of steps) {
    const context = await browser.newContext({ reducedMotion: "reduce", viewport: { width: 1200, height: 800 } });
    context.setDefaultTimeout(8_000);
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", privateKey)).toString("base64");
    if (name.includes("needs a passkey")) {
      await devtools.send("WebAuthn.addCredential", { authenticatorId, credential: { credentialId: "AAAA", isResidentCredential: true, rpId: "localhost", privateKey: pkcs8, userHandle: "YWxpY2U=", signCount: 0 } });
    }
    try {
      await walk(page, context);
      console.log("ok  ", name);
    } catch (error) {
      failed += 1;
      console.error("FAIL", name, "\n", error);
      await page.screenshot({ path: `/tmp/walk-${failed}.png` }).catch(() => {});
    }
    await context.close();
  }
} finally {
  await browser.close();
  fixture.kill();
}
process.exit(failed ? 1 : 0);
