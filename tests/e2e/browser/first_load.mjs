// What the first load brings, and what comes later: pages that are fetched when they are opened.
import assert from "node:assert/strict";
import { ask, complaints, enrol, page, run, setting, step, url } from "./person.mjs";

const nav = (name) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name });
const scripts = () => page.evaluate(() => performance.getEntriesByType("resource").map((one) => new URL(one.name).pathname).filter((path) => /^\/assets\/.*\.js$/.test(path)));
const has = async (name) => (await scripts()).some((path) => path.startsWith(`/assets/${name}-`));
let policy = "";

step("deciding needs nothing but the first load", async () => {
  await enrol(page, setting.link);
  const asked = await ask("append-session", "looked at by itself");
  for (const path of ["/", `/a/${asked.json.id}`]) {
    await page.goto(url + path);
    await page.locator("main h1").waitFor();
    await page.waitForLoadState("networkidle");
    for (const name of ["policy", "ledger", "account", "emergencies", "sign_in"]) assert(!await has(name), `${name} came with ${path}`);
  }
});
step("a page is fetched when its link is pointed at, before it is opened", async () => {
  await page.goto(url);
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  const fetched = page.waitForResponse((response) => /\/assets\/policy-[0-9a-f]+\.js$/.test(response.url()));
  await nav("Policy").hover();
  policy = (await fetched).url();
  assert.equal(new URL(page.url()).pathname, "/");
  const focused = page.waitForResponse((response) => /\/assets\/ledger-[0-9a-f]+\.js$/.test(response.url()));
  await nav("Ledger").focus();
  await focused;
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Ledger", level: 1 }).waitFor();
});
step("what is named by its content is kept for good, the page itself is asked for again", async () => {
  const script = await fetch(policy);
  assert.match(script.headers.get("cache-control"), /immutable/);
  assert.match(script.headers.get("content-type"), /^text\/javascript/);
  assert.equal((await fetch(url)).headers.get("cache-control"), "no-cache");
  assert.equal((await fetch(`${url}/assets/policy-00000000.js`)).status, 404);
});
step("a page that cannot be fetched says so, and a reload brings it", async () => {
  await page.route(/\/assets\/policy-/, (route) => route.abort("connectionrefused"));
  await page.goto(url);
  await nav("Policy").click();
  await page.getByText("This page could not be loaded.").waitFor();
  await nav("Inbox").click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  await nav("Policy").click();
  await page.getByText("This page could not be loaded.").waitFor();
  await page.unroute(/\/assets\/policy-/);
  await page.getByRole("button", { name: "Load it again" }).click();
  await page.getByText("In force", { exact: true }).first().waitFor();
});
step("the console said nothing but that", async () => {
  assert.deepEqual(complaints.filter((said) => !/ERR_CONNECTION_REFUSED|Failed to fetch dynamically|Unable to preload/.test(said)), []);
});

await run();
