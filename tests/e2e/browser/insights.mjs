// Figures of what really happened here: asked for, decided and denied through the API, then read from the page.
import assert from "node:assert/strict";
import { as, asAgent, ask, axe, complaints, enrol, page, run, setting, step, url } from "./person.mjs";

const asErin = as(setting.erin);
const figure = (name) => page.getByRole("slider", { name });
const table = async (name) => {
  const region = page.getByRole("region", { name: `${name}, as a table` });
  if (!await region.isVisible()) await page.locator("summary", { hasText: name }).click();
  return region.locator("tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
};
const vote = async (id, decision) => {
  const { json } = await asErin("GET", `/v1/actions/${id}`);
  assert.equal((await asErin("POST", `/v1/actions/${id}/votes`, { decision, digest: json.digest })).status, 200);
};

step("nothing was asked: it says so", async () => {
  await enrol(page, setting.link);
  await page.goto(`${url}/insights`);
  await page.getByText("Nothing was asked in this time").waitFor();
  await axe();
});
step("what was asked and decided is counted, by day and by tool", async () => {
  const ids = [];
  for (let i = 0; i < 6; i++) ids.push((await ask("append-one", `one ${i}`)).json.id);
  for (let i = 0; i < 4; i++) await vote(ids[i], i < 3 ? "approve" : "deny");
  for (let i = 0; i < 2; i++) assert.equal((await asAgent("POST", "/v1/actions", { tool: "forbidden", args: {} })).json.state, "denied");
  const total = 6 + 2; // one append-one still waits, one is cancelled
  assert.equal((await asAgent("POST", `/v1/actions/${ids[4]}/cancel`)).status, 200);
  await page.waitForFunction(async (want) => {
    const said = await (await fetch(`/v1/insights?from=${new Date(Date.now() - 86_400_000).toISOString().slice(0, 19)}Z`)).json();
    return said.by_day.reduce((sum, day) => sum + day.approved + day.refused + day.denied + day.cancelled, 0) === want;
  }, total - 1);
  await page.goto(`${url}/insights?days=7`);
  await figure("Actions a day").waitFor();
  await axe();
  const days = await table("Actions a day");
  assert.deepEqual(days[0], ["Day", "allowed by policy", "approved by people", "denied by policy", "refused by people", "expired", "cancelled"]);
  assert.equal(days.length, 8, "seven days and their head");
  assert.deepEqual(days.at(-1).slice(1), ["0", "3", "2", "1", "0", "1"]);
  const tools = await table("By tool");
  assert.deepEqual(tools.find(([name]) => name === "append-one").slice(1), ["0", "3", "0", "1", "0", "1"]);
  assert.deepEqual(tools.find(([name]) => name === "forbidden").slice(1), ["0", "0", "2", "0", "0", "0"]);
});
step("what is drawn has the size of its numbers", async () => {
  const bars = await page.getByRole("slider", { name: "Actions a day" }).locator("rect.bar").evaluateAll((all) => all.map((bar) => [bar.getAttribute("class"), Number(bar.getAttribute("height"))]));
  const high = Object.fromEntries(bars);
  assert(Math.abs(high["bar v-approved"] / high["bar v-refused"] - 3) < 0.05, JSON.stringify(bars));
  assert(Math.abs(high["bar v-denied"] / high["bar v-refused"] - 2) < 0.05, JSON.stringify(bars));
});
step("each value by keyboard, said to a screen reader", async () => {
  const plot = figure("Actions a day");
  await plot.focus();
  assert.match(await plot.getAttribute("aria-valuetext"), /approved by people 3, denied by policy 2, refused by people 1/);
  await page.locator(".tip").getByText("approved by people").waitFor();
  await page.keyboard.press("ArrowLeft");
  assert.match(await plot.getAttribute("aria-valuetext"), /approved by people 0/);
  await page.keyboard.press("Home");
  assert.equal(await plot.getAttribute("aria-valuenow"), "1");
  await page.keyboard.press("End");
  assert.equal(await plot.getAttribute("aria-valuenow"), "7");
  await axe();
  await page.keyboard.press("Escape");
  await page.locator(".tip").waitFor({ state: "detached" });
});
step("groups and hours, and nobody by name", async () => {
  await figure("By hour of the day").waitFor();
  const load = await table("Requests a member");
  assert(load.some(([name]) => /^dba \(\d people\)$/.test(name)), JSON.stringify(load));
  const text = await page.locator("main").innerText();
  for (const name of ["bob", "carol", "erin", "dave", "olga"]) assert(!text.includes(name), `${name} is named`);
});
step("agents that ask again after a no, with a link to the last", async () => {
  const list = page.getByRole("listitem").filter({ hasText: "forbidden" });
  if (await list.count() > 0) await list.getByRole("link").first().waitFor();
  await page.getByRole("radio", { name: "90 days" }).check();
  await page.waitForURL(/days=90/);
  await page.waitForFunction(() => document.querySelector("[role=slider]")?.getAttribute("aria-valuemax") === "90");
  await axe();
});
step("dark, and on a phone", async () => {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${url}/insights?days=30`);
    await figure("Actions a day").waitFor();
    assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, "it scrolls sideways");
    await axe();
  }
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
