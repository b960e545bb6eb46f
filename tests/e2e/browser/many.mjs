// Ten thousand requests wait. They are asked for through the API; the verdicts here are places and counts, never times.
import assert from "node:assert/strict";
import { asAgent, ask, axe, complaints, enrol, page, run, setting, step, url } from "./person.mjs";

const all = 10_000;
const drawnMax = 60;
const atOnce = 50;
const ids = [];
page.setDefaultTimeout(90_000); // ten thousand of anything take a busy machine a while

async function fill(count) {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const { status, json } = await ask("append-session", `line ${left}`);
      assert.equal(status, 202, JSON.stringify(json));
      ids.push(json.id);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
const waiting = (count) => page.getByText(`${count.toLocaleString("en-US")} requests wait for your decision.`).waitFor();
const focusIsAt = (place) => page.waitForFunction((at) => document.activeElement?.closest("[role=listitem]")?.getAttribute("aria-posinset") === String(at), place, { timeout: 90_000 });
const fewDrawn = () => page.waitForFunction((most) => {
  const drawn = document.querySelectorAll("a[data-row]").length;
  return drawn > 0 && drawn <= most;
}, drawnMax);
async function middle() {
  const handle = await page.waitForFunction(() => document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest("a[data-row]")?.getAttribute("href")?.slice(3));
  return handle.jsonValue();
}
const standsAt = (id, y) => page.waitForFunction(([of, want]) => {
  const row = document.querySelector(`a[href="/a/${of}"]`);
  return row && Math.abs(row.getBoundingClientRect().top - want) <= 2;
}, [id, y]);
const top = (id) => page.locator(`a[href="/a/${id}"]`).evaluate((row) => row.getBoundingClientRect().top);

step("ten thousand wait, and the inbox opens with a few rows of them", async () => {
  await enrol(page, setting.link);
  await fill(all);
  await page.goto(url);
  await waiting(all);
  await page.getByRole("radio", { name: "Oldest" }).check();
  await page.locator("[aria-posinset='1']").waitFor();
  assert.equal(await page.locator("[role=listitem]").first().getAttribute("aria-setsize"), String(all));
  await fewDrawn();
  await axe();
});
step("the key End reaches the last of them", async () => {
  await page.keyboard.press("End");
  await focusIsAt(all);
  await fewDrawn();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), `/a/${[...ids].sort().at(-1)}`);
  await page.waitForFunction(() => {
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
  await axe();
});
step("in the middle, what comes and goes before and after moves nothing", async () => {
  await page.evaluate(() => window.scrollTo({ top: document.documentElement.scrollHeight / 2, behavior: "instant" }));
  const id = await middle();
  const before = await top(id);
  await fill(40);
  await waiting(all + 40);
  await standsAt(id, before);
  const sorted = [...ids].sort();
  await Promise.all([...sorted.slice(0, 25), ...sorted.slice(9_000, 9_025)].map(async (gone) => {
    const { status, json } = await asAgent("POST", `/v1/actions/${gone}/cancel`);
    assert.equal(status, 200, JSON.stringify(json));
  }));
  await waiting(all - 10);
  await standsAt(id, before);
  await fewDrawn();
});
step("the row with the focus stays where it is while others before it go", async () => {
  const id = await middle();
  await page.locator(`a[href="/a/${id}"]`).focus();
  const before = await top(id);
  const place = Number(await page.locator(`a[href="/a/${id}"]`).evaluate((row) => row.closest("[role=listitem]").getAttribute("aria-posinset")));
  const first = [...ids].sort().slice(25, 35);
  await Promise.all(first.map((gone) => asAgent("POST", `/v1/actions/${gone}/cancel`)));
  await waiting(all - 20);
  await focusIsAt(place - 10);
  await standsAt(id, before);
});
step("when the row with the focus goes, the focus is on the one in its place", async () => {
  const id = await page.evaluate(() => document.activeElement.getAttribute("href").slice(3));
  const place = Number(await page.evaluate(() => document.activeElement.closest("[role=listitem]").getAttribute("aria-posinset")));
  const { status } = await asAgent("POST", `/v1/actions/${id}/cancel`);
  assert.equal(status, 200);
  await page.locator(`a[href="/a/${id}"]`).waitFor({ state: "detached" });
  await focusIsAt(place);
});
step("activity draws as few", async () => {
  await page.goto(`${url}/activity`);
  await page.locator("a[data-row]").first().waitFor();
  for (const at of [100, 200, 300, 400]) {
    await page.keyboard.press("End");
    await page.waitForFunction((want) => Number(document.activeElement?.closest("[role=listitem]")?.getAttribute("aria-posinset")) >= want, at);
  }
  await fewDrawn();
  assert.equal(await page.locator(".badge .digits").textContent(), "999+");
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
