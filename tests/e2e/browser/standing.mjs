// Standing approvals in the browser: proposed from what people approved, used, looked at, ended.
import assert from "node:assert/strict";
import { as, asAgent, axe, complaints, device, enrol, isFocused, page, run, setting, step, url } from "./person.mjs";

const paid = { to: "acme", amount: 50, note: "rent" };
const ask = async (tool, args, wait = 0) =>
  (await asAgent("POST", "/v1/actions", { tool, args }, wait ? { Prefer: `wait=${wait}` } : {})).json;
const nav = (on = page) => on.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Standing" });
const dialog = page.getByRole("dialog");
const likeIt = page.getByRole("button", { name: "Agree to the like of it" });
const row = (text) => page.locator(".things > li").filter({ hasText: text });

async function approve(id) {
  const { json } = await as(setting.bob)("GET", `/v1/actions/${id}`);
  for (const who of ["bob", "erin"]) {
    const voted = await as(setting[who])("POST", `/v1/actions/${id}/votes`, { decision: "approve", digest: json.digest });
    assert.equal(voted.status, 200, JSON.stringify(voted.json));
  }
}
let model = "", proposed = "", standing = "";

step("where policy permits any there is a page, which says how to begin", async () => {
  await enrol(page, setting.link_pat);
  await nav().click();
  await page.getByRole("heading", { name: "Standing approvals" }).waitFor();
  await page.getByText("Nothing stands").waitFor();
  await axe();
  await page.getByRole("link", { name: "Inbox" }).first().click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  await page.keyboard.press("s");
  await page.getByText("Nothing stands").waitFor();
});
step("only what people approved can be agreed to", async () => {
  model = (await ask("pay", paid)).id;
  await page.goto(`${url}/a/${model}`);
  await page.getByRole("button", { name: /^Approve/ }).waitFor();
  assert.equal(await likeIt.count(), 0);
  await approve(model);
  await likeIt.waitFor();
  await page.getByText("Succeeded").first().waitFor();
});
step("only what policy lets be bounded varies; what the server refuses is said at its field", async () => {
  await likeIt.click();
  await dialog.getByText("Its parameters").waitFor();
  assert.equal(await dialog.getByLabel("amount: Its value").count(), 1);
  assert.equal(await dialog.getByLabel("to: Its value").count(), 0);
  await axe();
  const send = dialog.getByRole("button", { name: "Propose it" });
  assert(await send.isDisabled(), "without a reason");
  await dialog.getByLabel("Why").fill("every month");
  await dialog.getByLabel("How often").fill("21");
  await send.click();
  await dialog.getByText("permits at most 20 uses").waitFor();
  assert.equal(await dialog.getByLabel("How often").getAttribute("aria-invalid"), "true");
  await isFocused(dialog.getByLabel("How often"), "one is brought there");
  await axe();
  await dialog.getByLabel("How often").fill("2");
  await dialog.getByLabel("amount: Its value").selectOption("vary");
  await dialog.getByLabel("amount from").fill("60");
  await dialog.getByLabel("amount to").fill("a lot");
  await dialog.getByText("Two numbers are needed.").waitFor();
  assert(await send.isDisabled());
  await dialog.getByLabel("amount to").fill("100");
  await send.click();
  await dialog.getByText("the value that was approved is not within the bounds of amount").waitFor();
  assert.equal(await dialog.getByLabel("amount from").getAttribute("aria-invalid"), "true");
  assert.equal(await dialog.getByLabel("How often").getAttribute("aria-invalid"), null);
  await dialog.getByLabel("amount from").fill("1");
  await dialog.getByLabel("note: Its value").selectOption("vary");
  await dialog.getByLabel("note: one of these").fill("rent\nwater, gas");
  await axe();
  await send.click();
  await page.waitForURL((at) => /\/a\/act_/.test(at.pathname) && !at.pathname.endsWith(model));
  await page.getByText("keyturn.standing").first().waitFor();
  await page.getByText("every month").first().waitFor();
  proposed = new URL(page.url()).pathname.slice(3);
});
step("what people agreed to stands, in words", async () => {
  assert.equal((await ask("pay", paid)).state, "pending", "nothing stands before people agree");
  await approve(proposed);
  await page.getByText("Succeeded").first().waitFor();
  await nav().click();
  await row("in force").waitFor();
  for (const words of ["bot may write to account main", "amount from 1 to 100", 'note one of "rent", "water, gas"', 'to exactly "acme"', "used 0 of 2", "bob and erin agreed"]) {
    await row(words).waitFor();
  }
  await axe();
});
step("what it allowed says so, and by whom it was agreed", async () => {
  const used = await ask("pay", { ...paid, amount: 99, note: "water, gas" }, 20);
  assert.equal(used.state, "succeeded", JSON.stringify(used));
  await page.goto(`${url}/a/${used.id}`);
  const said = page.locator(".allowed-by");
  await said.getByText("Allowed by standing approval").waitFor();
  await said.getByText("used 1 of 2").waitFor();
  assert.match(await said.innerText(), /that bob and erin agreed to in act_/);
  assert.equal(await said.getByRole("link").last().getAttribute("href"), `/a/${proposed}`);
  assert.equal(await likeIt.count(), 0, "people did not approve this one");
  await axe();
  await said.getByRole("link").first().click();
  await page.getByText("used 1 of 2").waitFor();
  standing = new URL(page.url()).pathname;
  assert.match(standing, /^\/standing\/sa_/);
  await page.getByText("reason of pat, who proposed it").waitFor();
  assert.equal(await page.getByRole("link", { name: model }).getAttribute("href"), `/a/${model}`);
  await axe();
});
step("whom it does not concern sees none of it", async () => {
  const mia = (await device()).page;
  await enrol(mia, setting.link_mia);
  await mia.goto(`${url}/standing`);
  await mia.getByText("Nothing stands").waitFor();
  await mia.goto(url + standing);
  await mia.getByRole("heading", { name: "No such standing approval" }).waitFor();
  await axe(mia);
});
step("where policy permits none that is said", async () => {
  const { id } = await ask("script", { to: "a" });
  await approve(id);
  await page.goto(`${url}/a/${id}`);
  await likeIt.click();
  await dialog.getByText("Policy permits no standing approval for this.").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Propose it" }).count(), 0);
  await axe();
  await dialog.getByRole("button", { name: "Close" }).click();
});
step("in the dark and on a phone it fits and stays accessible", async () => {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of ["/standing", standing, `/a/${model}`]) {
      await page.goto(url + path);
      await page.locator(".card").first().waitFor();
      if (path.startsWith("/a/")) {
        await likeIt.click();
        await dialog.getByText("Its parameters").waitFor();
      }
      assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, `${path} scrolls sideways`);
      await axe();
    }
  }
  await page.setViewportSize({ width: 1200, height: 800 });
});
step("it is ended with a reason, and stands no more", async () => {
  await page.goto(`${url}/standing`);
  await row("in force").getByRole("button", { name: /^Revoke/ }).click();
  const yes = dialog.getByRole("button", { name: "Revoke it" });
  assert(await yes.isDisabled(), "without a reason");
  await dialog.getByLabel("Why (it stands in the record)").fill("moved out");
  await axe();
  await yes.click();
  await row("revoked by pat").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Revoke/ }).count(), 0);
  assert.equal((await ask("pay", { ...paid, amount: 3 })).state, "pending");
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints.filter((said) => !/status of 40[49]/.test(said)), []);
});

await run();
