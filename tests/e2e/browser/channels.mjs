// Channels on the page of administration: what was given up, trying it again, and who may.
import assert from "node:assert/strict";
import { as, ask, axe, complaints, device, enrol, isFocused, page, run, setting, step, url } from "./person.mjs";

const ops = (on = page) => on.locator(".things > li").filter({ hasText: "ops" });
const letters = (on = page) => ops(on).locator(".letters > li");
const given = (n, on = page) => ops(on).locator("summary").filter({ hasText: new RegExp(`^${n} messages? given up`) });
const again = (id) => page.getByRole("button", { name: `Try again for ${id}` });
const receiver = async () => (await fetch(setting.receiver)).json();
const order = (what) => fetch(`${setting.receiver}/${what}`, { method: "POST" });
const channel = async () => (await as(setting.ada)("GET", "/v1/admin/channels")).json.items.find((one) => one.name === "ops");
const until = async (holds) => {
  for (const end = Date.now() + 30_000; !(await holds());) {
    assert(Date.now() < end, "what was waited for did not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const open = async (on = page) => {
  await on.goto(`${url}/admin?tab=channels`);
  await ops(on).waitFor();
};
const asked = [];

step("a webhook and a pager are listed with what they are", async () => {
  await enrol(page, setting.link_ada);
  await open();
  await ops().getByText("webhook", { exact: true }).waitFor();
  await page.locator(".things > li").filter({ hasText: "calls" }).getByText("pager", { exact: true }).waitFor();
  await ops().getByText("works").waitFor();
  assert.equal(await ops().locator("summary").count(), 0);
  await axe();
});
step("what it gave up stands behind a disclosure, each with its action and the reason", async () => {
  for (const text of ["one", "two", "three"]) asked.push((await ask("append-one", text)).json.id);
  await until(async () => (await channel()).dead.length === 3);
  await open();
  await ops().getByText("look at it").waitFor();
  assert.equal(await letters().first().isVisible(), false, "it is folded");
  await given(3).click();
  assert.equal(await letters().count(), 3);
  await letters().filter({ hasText: asked[0] }).getByText("the receiver answered 400").waitFor();
  await axe();
  await page.getByRole("searchbox").fill("answered 400");
  await page.getByText(/^1 of/).waitFor();
  await page.getByRole("searchbox").fill("");
});
step("tried again in vain, it is there again, and the page says so by itself", async () => {
  await order("hold");
  await again(asked[1]).click();
  await ops().getByText("1 message on the way again").waitFor();
  await given(2).waitFor();
  for (let looks = 0; looks < 2; ++looks) await page.waitForResponse((response) => response.url() === `${url}/v1/admin/channels`); // opening the page accounts for one
  await order("go");
  await given(3).waitFor();
  await letters().filter({ hasText: asked[1] }).waitFor();
  assert.deepEqual((await receiver()).taken, []);
});
step("an auditor sees all of it and tries nothing again", async () => {
  const alan = await device();
  await enrol(alan.page, setting.link_alan);
  await open(alan.page);
  await given(3, alan.page).click();
  await letters(alan.page).filter({ hasText: asked[0] }).waitFor();
  assert.equal(await alan.page.getByRole("button", { name: /^Try/ }).count(), 0);
  await axe(alan.page);
  const status = await alan.page.evaluate(async () => {
    const { csrf } = await (await fetch("/v1/me")).json();
    return (await fetch("/v1/admin/channels/ops/retry", { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-Keyturn-CSRF": csrf } })).status;
  });
  assert.equal(status, 403);
  await alan.context.close();
});
step("tried again when the receiver takes it: one, then all the others", async () => {
  await order("status/200");
  await again(asked[0]).click();
  await given(2).waitFor();
  await isFocused(ops().locator("[role=status]"), "the focus is where the news is");
  await until(async () => (await receiver()).taken.includes(asked[0]));
  assert.equal((await receiver()).taken.length, 1, "of the others nothing was sent");
  await page.getByRole("button", { name: "Try all of them again" }).click();
  await ops().getByText("2 messages on the way again").waitFor();
  await ops().getByText("works").waitFor();
  await ops().locator("summary").waitFor({ state: "detached" });
  await until(async () => (await receiver()).taken.length === 3);
  assert.deepEqual((await receiver()).taken.toSorted(), asked.toSorted());
  await axe();
});
step("from what was given up the way leads to its action", async () => {
  await order("status/400");
  const { id } = (await ask("append-one", "four")).json;
  await until(async () => (await channel()).dead.length === 1);
  await open();
  await given(1).click();
  await ops().getByRole("link", { name: id }).click();
  await page.waitForURL(`${url}/a/${id}`);
  await page.getByText("four").first().waitFor();
});
step("in the dark and on a phone it fits and stays accessible", async () => {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    await given(1).click();
    await letters().first().waitFor();
    assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0);
    await axe();
  }
});
step("without a chat, the account page says nothing of chats", async () => {
  const links = page.waitForResponse((response) => response.url() === `${url}/v1/me/links`);
  await page.goto(`${url}/account`);
  assert.deepEqual(await (await links).json(), { items: [], under_way: [], channels: [], next: null });
  await page.getByRole("heading", { name: "Tokens" }).waitFor();
  assert.equal(await page.getByRole("heading", { name: "Chat accounts" }).count(), 0);
});
step("chat accounts of others are told to administrators, not to everybody", async () => {
  const dave = await device();
  await enrol(dave.page, setting.link_dave);
  const told = (on) => on.evaluate(async () => (await (await fetch("/v1/people")).json()).items.map((one) => "chat_accounts" in one));
  assert((await told(page)).every(Boolean));
  assert(!(await told(dave.page)).some(Boolean));
  await dave.context.close();
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
