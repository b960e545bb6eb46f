// Long lists: hundreds of real actions, asked for through the API.
import assert from "node:assert/strict";
import { as, ask, axe, complaints, enrol, page, run, setting, step, url } from "./person.mjs";

const asErin = as(setting.erin);
const rows = page.locator("a[data-row]");
const drawnMax = 60;
const ids = []; // in the order of asking

// `append-session`: bob decides. `append-one`: a token may, too.
async function askMany(count, tool = "append-session") {
  const batch = 20;
  for (let i = 0; i < count; i += batch) {
    const answers = await Promise.all(Array.from({ length: Math.min(batch, count - i) }, (_, j) => ask(tool, `line ${i + j}`)));
    for (const { status, json } of answers) {
      assert.equal(status, 202, JSON.stringify(json));
      ids.push(json.id);
    }
  }
}
async function cancel(id) {
  const { status, json } = await as(setting.agent)("POST", `/v1/actions/${id}/cancel`);
  assert.equal(status, 200, JSON.stringify(json));
}
const waiting = (count) => page.getByText(`${count} requests wait for your decision.`).waitFor();
const focusIsAt = (place) => page.waitForFunction((at) => document.activeElement?.closest("[role=listitem]")?.getAttribute("aria-posinset") === String(at), place);
const top = (id) => page.locator(`a[href="/a/${id}"]`).evaluate((row) => row.getBoundingClientRect().top);

// The row nearest to the middle of the screen, once the rows there are drawn.
async function rowInTheMiddle() {
  const handle = await page.waitForFunction(() =>
    document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest("a[data-row]")?.getAttribute("href")?.slice(3));
  return handle.jsonValue();
}
async function scrollTo(fraction) {
  await page.evaluate((part) => window.scrollTo({ top: part * document.documentElement.scrollHeight, behavior: "instant" }), fraction);
  return rowInTheMiddle();
}
// Until the page stands still: two frames with the same place of the row.
async function standsAt(id, y) {
  await page.waitForFunction(([of, want]) => {
    const row = document.querySelector(`a[href="/a/${of}"]`);
    return row && Math.abs(row.getBoundingClientRect().top - want) <= 2;
  }, [id, y]);
}

step("hundreds wait: the true count, and few rows drawn", async () => {
  await enrol(page, setting.link);
  await askMany(420);
  await page.goto(url);
  await waiting(420);
  assert.equal(await page.locator(".badge .digits").textContent(), "420");
  assert.equal(await page.locator("[role=listitem]").first().getAttribute("aria-setsize"), "420");
  await page.waitForFunction((most) => document.querySelectorAll("a[data-row]").length <= most, drawnMax);
  await axe();
});
step("pages come as one scrolls, and the list is as long as all of it from the start", async () => {
  const high = () => page.locator("[role=list]").first().evaluate((list) => list.offsetHeight);
  const before = await high();
  const fetched = page.waitForResponse((response) => /for=me.*after=/.test(response.url()));
  await scrollTo(0.6);
  await fetched;
  await page.waitForFunction(() => Number(document.querySelector("a[data-row]").closest("[role=listitem]").getAttribute("aria-posinset")) > 150);
  assert(Math.abs(await high() - before) < before / 10, "the list's length was no guess at all");
  await axe();
});
step("by keyboard: the end, back, the beginning, and on", async () => {
  await page.keyboard.press("End");
  await focusIsAt(420);
  for (const [key, place] of [["k", 419], ["k", 418], ["j", 419], ["Home", 1], ["j", 2], ["j", 3], ["End", 420], ["j", 420]]) {
    await page.keyboard.press(key);
    await focusIsAt(place);
  }
  await page.waitForFunction(() => {
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
  await axe();
});
step("the focus stays on a row that is scrolled out of view, and goes on from there", async () => {
  await page.keyboard.press("Home");
  await focusIsAt(1);
  await page.keyboard.press("j");
  await scrollTo(0.5);
  await focusIsAt(2);
  await page.waitForFunction((most) => document.querySelectorAll("a[data-row]").length <= most, drawnMax);
  await page.keyboard.press("j");
  await focusIsAt(3);
  await page.waitForFunction(() => document.activeElement.getBoundingClientRect().bottom < innerHeight && scrollY < innerHeight);
});
step("what is among hundreds is found by asking the server", async () => {
  await page.getByRole("searchbox", { name: "Find among what waits" }).fill(ids[7]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Activity" }).waitFor();
  await page.locator(`a[href="/a/${ids[7]}"]`).waitFor();
  await page.getByText("That is all of it.").waitFor();
  assert.equal(await rows.count(), 1);
  await page.goBack();
  await waiting(420);
});
step("from an action one comes back to the same row, at the same place, with the focus", async () => {
  const id = await scrollTo(0.5);
  const before = await top(id);
  await page.locator(`a[href="/a/${id}"]`).click();
  await page.getByRole("button", { name: /^Deny/ }).waitFor();
  await page.getByRole("link", { name: "Inbox", exact: true }).first().click();
  await page.locator(`a[href="/a/${id}"]`).waitFor();
  await standsAt(id, before);
  await page.waitForFunction((of) => document.activeElement?.getAttribute("href") === `/a/${of}`, id);
  await page.goForward();
  await page.getByRole("button", { name: /^Deny/ }).waitFor();
  await page.goBack();
  await standsAt(id, before);
});
step("a burst of newcomers is counted and moves nothing", async () => {
  const id = await scrollTo(0.5);
  const before = await top(id);
  await askMany(60);
  await waiting(480);
  await standsAt(id, before);
  await page.getByRole("radio", { name: "Oldest" }).check();
  await page.locator("[aria-posinset='1']").waitFor();
  const other = await scrollTo(0.6);
  const there = await top(other);
  await askMany(20);
  await waiting(500);
  await standsAt(other, there);
});
step("what others decide goes away by itself, the rest stays", async () => {
  await askMany(30, "append-one");
  await waiting(530);
  const decided = ids.slice(-30);
  await Promise.all(decided.map(async (id) => {
    const { json } = await asErin("GET", `/v1/actions/${id}`);
    const { status } = await asErin("POST", `/v1/actions/${id}/votes`, { decision: "deny", digest: json.digest });
    assert.equal(status, 200);
  }));
  await waiting(500);
  const first = ids[0];
  const { json } = await asErin("GET", `/v1/actions/${first}`);
  assert.equal(json.state, "pending");
  await cancel(first);
  await waiting(499);
  await page.locator(`a[href="/a/${first}"]`).waitFor({ state: "detached" });
});
step("activity: page after page, a row opened, and back where one was", async () => {
  await page.goto(`${url}/activity`);
  await rows.first().waitFor();
  for (const place of [100, 200, 300]) {
    await page.keyboard.press("End");
    await page.waitForFunction((at) => Number(document.activeElement?.closest("[role=listitem]")?.getAttribute("aria-posinset")) >= at, place);
  }
  await axe();
  const id = await scrollTo(0.5);
  const before = await top(id);
  await page.locator(`a[href="/a/${id}"]`).click();
  await page.getByRole("link", { name: "Activity", exact: true }).first().waitFor();
  await page.getByRole("heading", { level: 1 }).waitFor();
  const refreshed = page.waitForResponse((response) => response.url().includes("/v1/actions?"));
  await page.locator(".crumb a").click();
  await refreshed;
  await standsAt(id, before);
  await page.waitForFunction((most) => document.querySelectorAll("a[data-row]").length <= most, drawnMax);
});
step("activity: newcomers are counted and wait to be shown; rows change where they stand", async () => {
  const id = await scrollTo(0.5);
  const before = await top(id);
  await askMany(3);
  const newer = page.getByRole("button", { name: "3 newer actions: show" });
  await newer.waitFor();
  await cancel(id);
  await page.locator(`a[href="/a/${id}"]`).getByText("Cancelled").waitFor();
  await standsAt(id, before);
  await newer.click();
  await page.locator(`a[href="/a/${ids.at(-1)}"]`).waitFor();
  assert.equal(await page.evaluate(() => window.scrollY), 0);
});
step("activity: a filter counts only newcomers that fit it", async () => {
  await page.getByLabel("State").selectOption("cancelled");
  await page.waitForURL(/state=cancelled/);
  await page.locator(".state-pending").first().waitFor({ state: "detached" });
  await page.getByText("That is all of it.").waitFor();
  await askMany(1);
  await cancel(ids.at(-1));
  await page.getByRole("button", { name: "1 newer action: show" }).click();
  await page.locator(`a[href="/a/${ids.at(-1)}"]`).waitFor();
});
step("the console stayed silent over all of it", async () => {
  assert.deepEqual(complaints, []);
});

await run();
