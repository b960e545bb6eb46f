// A person at work in headless Chromium, with a virtual authenticator, against a real Keyturn: what the scripts here share.
// Setting: JSON in the environment variable KEYTURN_BROWSER: {url, link, agent, carol, erin}. run() writes a line of JSON
// a step: {name, ok, why}. Nothing here waits for a time: what is waited for is a state of the page or an answer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
export const setting = JSON.parse(process.env.KEYTURN_BROWSER);
export const { url } = setting;

export const as = (token) => async (method, path, body, headers = {}) => {
  const response = await fetch(url + path, {
    method, headers: { Authorization: `Bearer ${token}`, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, json: await response.json() };
};
export const asAgent = as(setting.agent);
export const ask = (tool, text, more = {}) => asAgent("POST", "/v1/actions", { tool, args: { text }, ...more });
export const read = async (id) => (await asAgent("GET", `/v1/actions/${id}`)).json;

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

export const complaints = [];

// A browser of its own, with an authenticator of its own.
export async function device() {
  const context = await browser.newContext({
    reducedMotion: "reduce", viewport: { width: 1200, height: 800 }, permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(40_000); // a failure, never a pace
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 40[013]|ERR_INTERNET_DISCONNECTED/.test(message.text())) complaints.push(message.text());
  });
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return { context, page };
}
export const { context, page } = await device();

export async function enrol(on, link) {
  await on.goto(link);
  await on.getByRole("heading", { name: /Welcome/ }).waitFor();
  await on.getByRole("button", { name: "Create my passkey" }).click();
  await on.getByRole("heading", { name: "Inbox" }).waitFor();
}

export const approve = (on = page) => on.getByRole("button", { name: /^Approve/ });

// Part by part, as the key n shows them; each until the page has counted it.
export async function lookAtAllOfIt(on = page) {
  await approve(on).waitFor();
  const counted = () => on.locator(".meter .digits").textContent();
  while (await on.locator(".meter").count() > 0) {
    const before = await counted().catch(() => null);
    if (before === null) break;
    await on.keyboard.press("n");
    await on.waitForFunction((text) => document.querySelector(".meter .digits")?.textContent !== text, before);
  }
}

// The page moves the focus once it has drawn what it moves it to.
export async function isFocused(locator, why) {
  const handle = await locator.elementHandle();
  await locator.page().waitForFunction((element) => element === document.activeElement, handle).catch(() => assert.fail(why));
}
export async function axe(on = page) {
  await on.evaluate(axeSource);
  const found = await on.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`), []);
}

const steps = [];
export const step = (name, walk) => steps.push([name, walk]);

export async function run() {
  try {
    for (const [name, walk] of steps) {
      try {
        await walk();
        console.log(JSON.stringify({ name, ok: true }));
      } catch (error) {
        const picture = process.env.KEYTURN_PICTURES;
        if (picture) await page.screenshot({ path: `${picture}/${name.replace(/\W+/g, "-")}.png` }).catch(() => {});
        const shown = await page.locator("main").innerText().catch(() => "");
        console.log(JSON.stringify({ name, ok: false, why: `${String(error?.stack ?? error).slice(0, 3000)}\nThe page shows:\n${shown.slice(0, 600)}\n…\n${shown.slice(-400)}` }));
      }
    }
  } finally {
    await browser.close();
  }
}
