// A person at work in headless Chromium, with a virtual authenticator, against a real Keyturn.
// Setting: JSON in the environment variable KEYTURN_BROWSER: {url, link, agent, carol}. A line of JSON a step: {name, ok, why}.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const { url, link, agent, carol } = JSON.parse(process.env.KEYTURN_BROWSER);

const as = (token) => async (method, path, body, headers = {}) => {
  const response = await fetch(url + path, {
    method, headers: { Authorization: `Bearer ${token}`, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, json: await response.json() };
};
const asAgent = as(agent);
const asCarol = as(carol);
const ask = (tool, text, more = {}) => asAgent("POST", "/v1/actions", { tool, args: { text }, ...more });
const askAndWait = (tool, text) => asAgent("POST", "/v1/actions", { tool, args: { text }, reason: "ticket OPS-812" }, { Prefer: "wait=40" });
const read = async (id) => (await asAgent("GET", `/v1/actions/${id}`)).json;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ reducedMotion: "reduce", viewport: { width: 1200, height: 800 } });
context.setDefaultTimeout(20_000);
const page = await context.newPage();
const complaints = [];
page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
page.on("console", (message) => {
  if (message.type() === "error" && !/status of 40[013]/.test(message.text())) complaints.push(message.text());
});
const devtools = await context.newCDPSession(page);
await devtools.send("WebAuthn.enable");
await devtools.send("WebAuthn.addVirtualAuthenticator", {
  options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
});

const approve = () => page.getByRole("button", { name: /^Approve/ });
async function lookAtAllOfIt() {
  await approve().waitFor();
  for (let i = 0; i < 200 && (await approve().isDisabled()); i += 1) {
    const before = await page.locator(".meter .digits").textContent().catch(() => "");
    await page.keyboard.press("n");
    await page.waitForFunction((text) => {
      const now = document.querySelector(".meter .digits");
      return !now || now.textContent !== text;
    }, before, { timeout: 2_000 }).catch(() => {});
  }
  assert(await approve().isEnabled(), "Approve did not open after all parts were shown");
}
async function axe() {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`), []);
}

const steps = [];
const step = (name, walk) => steps.push([name, walk]);

step("an enrolment link makes a passkey and forgets its token", async () => {
  await page.goto(link);
  await page.getByRole("heading", { name: /Welcome/ }).waitFor();
  await axe();
  await page.getByRole("button", { name: "Create my passkey" }).click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
  const cookies = await context.cookies();
  assert(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), JSON.stringify(cookies));
});
step("the link works once", async () => {
  const other = await browser.newContext();
  const again = await other.newPage();
  await again.goto(link);
  await again.getByText(/does not work|expired|was used/).first().waitFor();
  await other.close();
});
step("sign out, and in again with the passkey", async () => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Keyturn" }).waitFor();
  await axe();
  assert.equal((await context.cookies()).length, 0);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
});
step("a waiting action appears by itself, is seen whole, approved, and the agent goes on", async () => {
  await axe();
  const waiting = askAndWait("append-session", "from the browser");
  const row = page.locator("a[data-row]", { hasText: "append-session" });
  await row.first().waitFor();
  await axe();
  await row.first().click();
  await page.getByText("from the browser").first().waitFor();
  await page.getByText("OPS-812").first().waitFor();
  await axe();
  await lookAtAllOfIt();
  const clicked = performance.now();
  await approve().click();
  const answer = await waiting;
  const took = performance.now() - clicked;
  assert.equal(answer.status, 200);
  assert.equal(answer.json.state, "succeeded", JSON.stringify(answer.json));
  assert.equal(answer.json.votes[0].assurance, "session");
  assert.equal(answer.json.votes[0].channel, "web");
  await page.getByText("Succeeded").first().waitFor();
  await axe();
  console.error(`approve to the agent's answer: ${took.toFixed(0)} ms`);
});
step("a case that wants a passkey is signed", async () => {
  const asked = await ask("append-passkey", "signed in the browser");
  assert.equal(asked.status, 202);
  await page.goto(`${url}/a/${asked.json.id}`);
  await lookAtAllOfIt();
  await page.keyboard.press("a");
  await page.keyboard.press("Enter");
  await page.getByText("Succeeded").first().waitFor();
  const after = await read(asked.json.id);
  assert.equal(after.votes[0].assurance, "passkey");
});
step("a name that has to be typed again", async () => {
  const asked = await ask("append-retype", "typed again");
  await page.goto(`${url}/a/${asked.json.id}`);
  await approve().waitFor();
  for (let i = 0; i < 100 && !(await page.getByText(/parts seen/).count() === 0); i += 1) await page.keyboard.press("n");
  assert(await approve().isDisabled(), "Approve opens only when something was typed");
  const field = page.getByLabel(/To approve, type/);
  await field.fill("line");
  await approve().click();
  await page.getByText(/type resource.name again/).waitFor();
  await field.fill("lines");
  await approve().click();
  await page.getByText("Succeeded").first().waitFor();
});
step("deny with a note", async () => {
  const asked = await ask("append-session", "not this one");
  await page.goto(`${url}/a/${asked.json.id}`);
  await page.getByRole("button", { name: "Add a note" }).click();
  await page.getByLabel("Note, kept with your vote").fill("not on a Friday");
  await page.getByRole("button", { name: /^Deny/ }).click();
  await page.getByText("Denied").first().waitFor();
  const after = await read(asked.json.id);
  assert.equal(after.state, "denied");
  assert.equal(after.votes[0].note, "not on a Friday");
});
step("a colleague's vote shows without a reload", async () => {
  const asked = await ask("append", "two of us");
  await page.goto(`${url}/a/${asked.json.id}`);
  await approve().waitFor();
  const voted = await asCarol("POST", `/v1/actions/${asked.json.id}/votes`, { decision: "approve", digest: asked.json.digest });
  assert.equal(voted.status, 200);
  await page.getByText("carol").first().waitFor();
  await lookAtAllOfIt();
  await approve().click();
  await page.getByText("Succeeded").first().waitFor();
});
step("what could deceive is shown as what it is", async () => {
  const hostile = "echo safe \u202e txt.exe \u200b\u2066 \u001b[2K\r all\u0430y <img src=x onerror=alert(1)> [approved](javascript:1)" + " ".repeat(4000) + "rm -rf /srv";
  const asked = await ask("append-session", hostile);
  assert.equal(asked.status, 202, JSON.stringify(asked.json));
  await page.goto(`${url}/a/${asked.json.id}`);
  await approve().waitFor();
  for (const words of ["U+202E", "U+200B", "U+001B", "U+000D", "spaces]", "rm -rf /srv", "<img src=x"]) {
    await page.getByText(words, { exact: false }).first().waitFor({ state: "attached" });
  }
  const raw = await page.locator("main").evaluate((main) => /[\u202a-\u202e\u2066-\u2069\u200b\u001b]/.test(main.textContent));
  assert.equal(raw, false, "a raw control character reached the page");
  assert.equal(await page.locator("main img[src=x]").count(), 0);
  assert(await approve().isDisabled(), "Approve opens only after all of it was seen");
});
step("links change nothing", async () => {
  const asked = await ask("append-session", "only looked at");
  const before = await read(asked.json.id);
  for (const path of [`/a/${asked.json.id}`, `/v1/actions/${asked.json.id}/votes`, `/v1/actions/${asked.json.id}/cancel`, `/v1/actions/${asked.json.id}/votes?decision=approve`]) {
    await page.request.get(url + path); // with the person's own cookies, as a prefetch would
    await page.request.head(url + path);
    await fetch(url + path);
  }
  const after = await read(asked.json.id);
  assert.deepEqual([after.version, after.votes.length, after.state], [before.version, 0, "pending"]);
});
step("activity finds what was done", async () => {
  await page.goto(`${url}/activity`);
  await page.getByText("append-session").first().waitFor();
  await axe();
  await page.getByLabel("State").selectOption("denied");
  await page.waitForURL(/state=denied/);
  await page.locator(".state-succeeded").first().waitFor({ state: "detached" });
});
step("the ledger is verified in the browser", async () => {
  await page.goto(`${url}/ledger`);
  await page.locator(".check-good").first().waitFor();
  assert.equal(await page.locator(".check-bad").count(), 0);
  await page.goto(`${url}/ledger?entry=5`);
  await page.getByText("proven to be in the ledger").waitFor();
  await axe();
  const asked = await ask("append-session", "found through the ledger");
  for (let size = 0; size <= asked.json.ledger.index;) size = Number((await (await fetch(`${url}/checkpoint`)).text()).split("\n")[1]);
  await page.goto(`${url}/ledger?entry=${asked.json.ledger.index}`);
  await page.getByRole("link", { name: "Open the action that it is about" }).click();
  await page.getByText("found through the ledger").first().waitFor();
});
step("on a phone it fits and stays accessible", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  const asked = await ask("append-session", "on a phone");
  for (const path of ["/", `/a/${asked.json.id}`, "/activity", "/ledger"]) {
    await page.goto(url + path);
    await page.locator("main h1").first().waitFor();
    assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, `${path} scrolls sideways`);
    await axe();
  }
});
step("the page's console stayed silent under its strict policy", async () => {
  const response = await page.goto(url);
  const policy = response.headers()["content-security-policy"] ?? "";
  assert(/default-src 'none'/.test(policy) && /frame-ancestors 'none'/.test(policy) && !/unsafe/.test(policy), policy);
  assert.deepEqual(complaints, []);
});

try {
  for (const [name, walk] of steps) {
    try {
      await walk();
      console.log(JSON.stringify({ name, ok: true }));
    } catch (error) {
      const picture = process.env.KEYTURN_PICTURES;
      if (picture) await page.screenshot({ path: `${picture}/${name.replace(/\W+/g, "-")}.png` }).catch(() => {});
      const shown = await page.locator("main").innerText().catch(() => "");
      console.log(JSON.stringify({ name, ok: false, why: `${String(error?.stack ?? error).slice(0, 3000)}\nThe page shows:\n${shown.slice(0, 1500)}\n…\n${shown.slice(-1500)}` }));
    }
  }
} finally {
  await browser.close();
}
