// Notices of the browser: asked for by a button, and what they say and do.
import assert from "node:assert/strict";
import { lookElsewhere as elsewhere, made as madeOn, polling, watchNotices } from "./notified.mjs";
import { as, ask, axe, complaints, context, enrol, page, run, setting, step, url } from "./person.mjs";

const asErin = as(setting.erin);
const inHours = (hours) => new Date(Date.now() + hours * 3_600_000 - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const made = () => madeOn(page);
const madeIs = (count) => page.waitForFunction((want) => globalThis.noticesMade.length === want, count, { polling });
const row = (id) => page.locator(`a[href="/a/${id}"]`);

await watchNotices(context);
const lookElsewhere = () => elsewhere(context, page);

step("nobody is asked for permission until they press the button", async () => {
  await enrol(page, setting.link);
  await page.goto(`${url}/account`);
  await page.getByText("This browser refuses notifications of Keyturn.").waitFor();
  await axe();
  await context.grantPermissions(["notifications"], { origin: url });
  await page.reload();
  const button = page.getByRole("button", { name: "Turn notifications on" });
  await button.waitFor();
  await ask("append-session", "before anybody turned them on");
  await page.locator(".badge .digits", { hasText: "1" }).waitFor();
  assert.deepEqual([await made(), await page.evaluate(() => globalThis.asked)], [[], 0]);
  await page.getByText("Notifications are off in this browser.").waitFor();
  await button.click();
  await page.getByText("Notifications are on in this browser").waitFor();
  await page.reload();
  await page.getByText("Notifications are on in this browser").waitFor();
  await axe();
});
step("whoever looks at Keyturn is shown none", async () => {
  await page.goto(url);
  await page.getByText("1 request waits for your decision.").waitFor();
  const asked = await ask("append-session", "while somebody looks");
  await row(asked.json.id).waitFor();
  assert.equal(await page.title(), "(2) Inbox · Keyturn");
  assert.deepEqual(await made(), []);
});
step("whoever looks elsewhere is told who, what tool and what about, and never an argument", async () => {
  const other = await lookElsewhere();
  const asked = await ask("append-session", "very-secret-argument", { reason: "very-secret-reason" });
  await madeIs(1);
  const [notice] = await made();
  assert.deepEqual(notice, { title: "bot asks for your decision", body: "write to file lines, through append-session", tag: `keyturn ${asked.json.id}` });
  assert(!JSON.stringify(notice).includes("secret"));
  await page.evaluate(() => globalThis.noticesMade[0].dispatchEvent(new Event("click")));
  await page.waitForURL(`${url}/a/${asked.json.id}`);
  await page.getByText("very-secret-argument").first().waitFor();
  await other.close();
});
step("many at once are one notice", async () => {
  const other = await lookElsewhere();
  const before = (await made()).length;
  await Promise.all(Array.from({ length: 12 }, (_, i) => ask("append-session", `many ${i}`)));
  await page.waitForFunction((was) => globalThis.noticesMade.slice(was).some(({ tag }) => tag === "keyturn"), before, { polling });
  const [many] = (await made()).filter(({ tag }) => tag === "keyturn");
  assert.match(many.title, /^\d+ new requests for you$/);
  assert.equal(many.body, "from bot");
  await other.close();
});
step("a notice of what others decided goes away", async () => {
  await page.goto(url);
  const other = await lookElsewhere();
  const asked = await ask("append-one", "others are faster");
  await madeIs(1);
  await page.evaluate(() => {
    globalThis.noticesClosed = 0;
    const close = globalThis.noticesMade[0].close.bind(globalThis.noticesMade[0]);
    globalThis.noticesMade[0].close = () => { globalThis.noticesClosed += 1; close(); };
  });
  const voted = await asErin("POST", `/v1/actions/${asked.json.id}/votes`, { decision: "deny", digest: asked.json.digest });
  assert.equal(voted.status, 200);
  await page.waitForFunction(() => globalThis.noticesClosed === 1, null, { polling });
  await other.close();
});
step("out of office there is none, nor a count in the title", async () => {
  await page.bringToFront();
  await page.goto(`${url}/account`);
  await page.getByLabel("Out of office until").fill(inHours(24));
  await page.getByRole("button", { name: "Out of office", exact: true }).click();
  await page.getByText("none is shown until you are back").waitFor();
  await page.waitForFunction(() => document.title === "Account · Keyturn");
  const other = await lookElsewhere();
  const asked = await ask("append-session", "not now");
  await page.locator(".badge .digits", { hasText: "16" }).waitFor(); // it was heard of
  assert.deepEqual(await made(), []);
  await other.close();
  await page.bringToFront();
  await page.getByRole("button", { name: "I am back" }).click();
  await page.waitForFunction(() => /^\(\d+\) Account/.test(document.title));
  assert.equal(asked.status, 202);
});
step("turned off they stay off", async () => {
  await page.getByRole("button", { name: "Turn notifications off" }).click();
  await page.getByText("Notifications are off in this browser.").waitFor();
  const other = await lookElsewhere();
  await ask("append-session", "quiet");
  await page.locator(".badge .digits", { hasText: "17" }).waitFor();
  assert.deepEqual(await made(), []);
  await other.close();
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
