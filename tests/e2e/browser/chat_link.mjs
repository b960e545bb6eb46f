// Linking a chat account, in the page and in the chat: nothing is linked by one side alone, and it ends when either wants it.
import assert from "node:assert/strict";
import { ask, axe, complaints, device, enrol, isFocused, page, read, run, setting, step, url } from "./person.mjs";

const card = page.getByRole("region", { name: "Chat accounts" });
const linking = page.getByRole("region", { name: "Linking Slack" });
const confirm = page.getByRole("button", { name: "Confirm: it is mine" });
const dialog = page.getByRole("dialog");
const inSlack = async (order, told) => {
  const answer = await fetch(`${setting.slack}/${order}`, { method: "POST", body: JSON.stringify(told) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
};
const links = () => page.evaluate(async () => (await fetch("/v1/me/links")).json());
const begin = async () => {
  await card.getByRole("button", { name: /in Slack$/ }).click();
  await linking.getByRole("heading", { name: "Say this code to Keyturn in Slack" }).waitFor();
  return (await linking.locator(".link-code").textContent()).trim();
};
const linked = async () => {
  await inSlack("said", { who: "bob", code: await begin() });
  await confirm.waitFor();
  await inSlack("pressed", { who: "bob", button: "link_yes" });
  await confirm.click(); // once it may be
  await card.getByText("Your account in Slack is linked.").waitFor();
};

step("the account page says which chats there are, and that nothing is linked", async () => {
  await enrol(page, setting.link_bob);
  await page.goto(`${url}/account`);
  await card.getByText("no account of yours is linked").waitFor();
  assert.equal(await card.getByText("Teams").count(), 0, "this server does not speak to it");
  await axe();
});
step("a code is shown with what to do with it, and for how long", async () => {
  const code = await begin();
  assert.match(code, /^\w{4}-\w{4}$/);
  await isFocused(linking.getByRole("heading"), "the focus is on what is new");
  await linking.getByText(`/keyturn link ${code}`, { exact: true }).waitFor();
  const left = await linking.getByRole("timer").textContent();
  assert.match(left, /^(10:00|9:\d\d) left$/);
  await page.waitForFunction((before) => document.querySelector(".linking [role=timer]").textContent !== before, left);
  assert.equal(await confirm.count(), 0);
  assert.equal(await linking.getByText("This was not begun on this page.").count(), 0);
  await axe();
});
step("a page that did not begin it says so", async () => {
  await page.reload();
  await linking.getByText("This was not begun on this page.").waitFor();
  await axe();
});
step("stopped, it is over, and its code is worth nothing", async () => {
  const code = (await linking.locator(".link-code").textContent()).trim();
  await linking.getByRole("button", { name: "Stop" }).click();
  await linking.waitFor({ state: "detached" });
  assert.equal(await card.getByText("Nothing was linked").count(), 0, "nobody has to be told of what they did");
  assert.match((await inSlack("said", { who: "bob", code })).shown, /not known/);
});
step("whoever says the code is shown as they are, and may be turned away", async () => {
  await inSlack("renamed", { who: "erin", name: "Bob \u202etnuocca <!channel> *yours*" });
  await inSlack("said", { who: "erin", code: await begin() });
  await linking.getByRole("heading", { name: "Is this you?" }).waitFor();
  await linking.getByText("U0ERIN00000").waitFor();
  assert.equal(await linking.locator(".said-by .mark-bidi").textContent(), "U+202E");
  assert.match(await linking.locator(".said-by").textContent(), /<!channel> \*yours\*/);
  await linking.getByText("its clicks count as yours").waitFor();
  assert(await confirm.isDisabled());
  assert.equal(await page.evaluate((id) => document.getElementById(id).textContent, await confirm.getAttribute("aria-describedby")), "It has to agree in the chat first: Keyturn asks it there.");
  await axe();
  await linking.getByRole("button", { name: "It is not mine: stop" }).click();
  await linking.waitFor({ state: "detached" });
  assert.deepEqual((await links()).items, []);
});
step("what is refused in the chat is told here", async () => {
  await inSlack("said", { who: "bob", code: await begin() });
  await confirm.waitFor();
  await inSlack("pressed", { who: "bob", button: "link_no" });
  await card.getByText("Nothing was linked in Slack: that account said no there").waitFor();
  assert.equal(await linking.count(), 0);
  await axe();
});
step("it is linked when the account agreed and the person confirmed it", async () => {
  await linked();
  assert.match((await links()).items[0].account, /^slack:T\w+\/U0BOB00000$/);
  await card.getByText("U0BOB00000").waitFor();
  assert.equal(await card.getByText("Nothing was linked").count(), 0);
  await axe();
});
step("a click there counts, and the case says over what it came", async () => {
  const { id } = (await ask("append-chat", "from the chat")).json;
  await inSlack("clicked", { who: "bob", action: id });
  await page.goto(`${url}/a/${id}`);
  await page.getByRole("region", { name: "Votes" }).getByText("chat · over Slack").waitFor();
  assert.equal((await read(id)).votes?.[0]?.channel ?? "slack", "slack");
  await axe();
});
step("an administrator sees whose it is, and ends it", async () => {
  const ada = await device();
  await enrol(ada.page, setting.link_ada);
  await ada.page.goto(`${url}/admin?tab=people&q=u0bob`);
  const bob = ada.page.locator(".things > li").filter({ hasText: "bob" });
  await bob.getByText(/in Slack as T\w+\/U0BOB00000/).waitFor();
  await axe(ada.page);
  await bob.getByRole("button", { name: "Unlink… Slack of bob" }).click();
  await ada.page.getByRole("dialog").getByText("no word").waitFor();
  await axe(ada.page);
  await ada.page.getByRole("dialog").getByRole("button", { name: "Unlink it" }).click();
  await bob.waitFor({ state: "detached" });
  assert.deepEqual((await links()).items, []);
  await ada.context.close();
});
step("one's own is unlinked after a question", async () => {
  await page.goto(`${url}/account`);
  await linked();
  await card.getByRole("button", { name: "Unlink… Slack" }).click();
  await dialog.getByText("no click and no word there counts as yours").waitFor();
  await axe();
  await dialog.getByRole("button", { name: "Keep it" }).click();
  assert.equal((await links()).items.length, 1);
  await card.getByRole("button", { name: "Unlink… Slack" }).click();
  await dialog.getByRole("button", { name: "Unlink it" }).click();
  await card.getByText("no account of yours is linked").waitFor();
  assert.deepEqual((await links()).items, []);
});
step("in the dark and on a phone it fits and stays accessible", async () => {
  await begin();
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 390, height: 844 });
    assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0);
    await axe();
  }
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
