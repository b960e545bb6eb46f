// What nobody answers: people are reminded, others are told of it, and policy says whether those may decide.
import assert from "node:assert/strict";
import { approve, as, ask, axe, complaints, context, device, enrol, lookAtAllOfIt, page, run, setting, step, url } from "./person.mjs";
import { lookElsewhere, made, saysSoon, watchNotices } from "./notified.mjs";

const row = (on, id) => on.locator(`a[href="/a/${id}"]`);
const mia = await device();
let known = ""; // what mia is told of, and may not decide

async function turnOn(on, where) {
  await where.grantPermissions(["notifications"], { origin: url });
  await on.goto(`${url}/account`);
  await on.getByRole("button", { name: "Turn notifications on" }).click();
  await on.getByText("Notifications are on in this browser").waitFor();
  await on.goto(url);
  await on.getByRole("heading", { name: "Inbox" }).waitFor();
}

step("people who look elsewhere are reminded, and the notice says that it is a reminder", async () => {
  await watchNotices(context);
  await enrol(page, setting.link_bob);
  await turnOn(page, context);
  const other = await lookElsewhere(context, page);
  const asked = await ask("restart", "very-secret-argument");
  await saysSoon(page, "bot asks for your decision");
  await saysSoon(page, "Reminder: bot still waits for your decision");
  assert(!JSON.stringify(await made(page)).includes("secret"));
  await other.close();
  await page.bringToFront();
  await row(page, asked.json.id).getByText(/people were reminded \d+ times?/).waitFor();
  await row(page, asked.json.id).getByText("escalated to leads").waitFor();
  await axe();
});
step("it comes to whom it is escalated to, with a notice that says so", async () => {
  await watchNotices(mia.context);
  await enrol(mia.page, setting.link_mia);
  await turnOn(mia.page, mia.context);
  const other = await lookElsewhere(mia.context, mia.page);
  const asked = await ask("restart", "nobody answers");
  await saysSoon(mia.page, "Escalated to leads: bot still waits for a decision");
  assert.deepEqual((await made(mia.page)).map(({ title }) => title).filter((title) => /asks for your/.test(title)), [], "it is told once");
  await other.close();
  await mia.page.bringToFront();
  await row(mia.page, asked.json.id).getByText("escalated to leads").waitFor();
  await row(mia.page, asked.json.id).click();
  await mia.page.getByText("You may decide.").waitFor();
  await axe(mia.page);
  await lookAtAllOfIt(mia.page);
  await approve(mia.page).click();
  await mia.page.getByText("Succeeded").first().waitFor();
});
step("whoever is only told reads and comments, and it stays in the inbox", async () => {
  await mia.page.goto(url);
  await mia.page.getByRole("heading", { name: "Inbox" }).waitFor();
  known = (await ask("vacuum", "only told")).json.id;
  await row(mia.page, known).waitFor();
  await mia.page.getByText(/1 of them for you to know, not to decide/).waitFor();
  await row(mia.page, known).click();
  await mia.page.getByText("To decide is for dba.").waitFor();
  assert.equal(await approve(mia.page).count(), 0);
  await mia.page.getByLabel("Comment").fill("is nobody there?");
  await mia.page.getByRole("button", { name: "Comment" }).click();
  await mia.page.locator(".event-comment").getByText("is nobody there?").waitFor();
  await axe(mia.page);
  await mia.page.getByRole("navigation").getByRole("link", { name: /^Inbox/ }).click();
  await row(mia.page, known).waitFor();
  await mia.page.reload();
  await row(mia.page, known).waitFor();
});
step("in the dark and on a phone it fits and stays accessible", async () => {
  for (const colorScheme of ["dark", "light"]) {
    await mia.page.emulateMedia({ colorScheme });
    await mia.page.setViewportSize({ width: 390, height: 844 });
    for (const path of ["/", `/a/${known}`]) {
      await mia.page.goto(url + path);
      await mia.page.getByText("escalated to leads").first().waitFor();
      assert(await mia.page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, `${path} scrolls sideways`);
      await axe(mia.page);
    }
  }
});
step("when it is decided it leaves", async () => {
  await mia.page.goto(url);
  await row(mia.page, known).waitFor();
  const asBob = as(setting.bob);
  const { json } = await asBob("GET", `/v1/actions/${known}`);
  assert.equal((await asBob("POST", `/v1/actions/${known}/votes`, { decision: "approve", digest: json.digest })).status, 200);
  await row(mia.page, known).waitFor({ state: "detached" });
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
