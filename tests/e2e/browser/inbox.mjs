// What a person does in the inbox, step by step.
import assert from "node:assert/strict";
import { approve, as, asAgent, ask, axe, complaints, context, device, browser, enrol, lookAtAllOfIt, page, read, run, setting, step, url } from "./person.mjs";

const { link } = setting;
const asCarol = as(setting.carol);
const askAndWait = (tool, text) => asAgent("POST", "/v1/actions", { tool, args: { text }, reason: "ticket OPS-812" }, { Prefer: "wait=40" });

step("an enrolment link makes a passkey and forgets its token", async () => {
  await page.goto(link);
  await page.getByRole("heading", { name: /Welcome/ }).waitFor();
  await axe();
  await page.getByRole("button", { name: "Create my passkey" }).click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
  const cookies = await context.cookies();
  assert(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), JSON.stringify(cookies));
});
step("the link works once", async () => {
  const other = await browser.newContext();
  const again = await other.newPage();
  await again.goto(link);
  await again.getByText(/does not work|expired|was used/).first().waitFor();
  await other.close();
});
step("sign out, and in again with the passkey", async () => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Keyturn" }).waitFor();
  await axe();
  assert.equal((await context.cookies()).length, 0);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
});
step("a waiting action appears by itself, is seen whole, approved, and the agent goes on", async () => {
  await axe();
  const waiting = askAndWait("append-session", "from the browser");
  const row = page.locator("a[data-row]", { hasText: "append-session" });
  await row.first().waitFor();
  await axe();
  await row.first().click();
  await page.getByText("from the browser").first().waitFor();
  await page.getByText("OPS-812").first().waitFor();
  await axe();
  await lookAtAllOfIt();
  assert(await approve().isEnabled(), "Approve did not open after all parts were shown");
  const clicked = performance.now();
  await approve().click();
  const answer = await waiting;
  const took = performance.now() - clicked;
  assert.equal(answer.status, 200);
  assert.equal(answer.json.state, "succeeded", JSON.stringify(answer.json));
  assert.equal(answer.json.votes[0].assurance, "session");
  assert.equal(answer.json.votes[0].channel, "web");
  await page.getByText("Succeeded").first().waitFor();
  await axe();
  console.error(`approve to the agent's answer: ${took.toFixed(0)} ms`);
});
step("a case that wants a passkey is signed", async () => {
  const asked = await ask("append-passkey", "signed in the browser");
  assert.equal(asked.status, 202);
  await page.goto(`${url}/a/${asked.json.id}`);
  await lookAtAllOfIt();
  await page.keyboard.press("a");
  await page.keyboard.press("Enter");
  await page.getByText("Succeeded").first().waitFor();
  const after = await read(asked.json.id);
  assert.equal(after.votes[0].assurance, "passkey");
});
step("a name that has to be typed again", async () => {
  const asked = await ask("append-retype", "typed again");
  await page.goto(`${url}/a/${asked.json.id}`);
  await approve().waitFor();
  await lookAtAllOfIt();
  assert(await approve().isDisabled(), "Approve opens only when something was typed");
  const field = page.getByLabel(/To approve, type/);
  await field.fill("line");
  await approve().click();
  await page.getByText(/type resource.name again/).waitFor();
  await field.fill("lines");
  await approve().click();
  await page.getByText("Succeeded").first().waitFor();
});
step("deny with a note", async () => {
  const asked = await ask("append-session", "not this one");
  await page.goto(`${url}/a/${asked.json.id}`);
  await page.getByRole("button", { name: "Add a note" }).click();
  await page.getByLabel("Note, kept with your vote").fill("not on a Friday");
  await page.getByRole("button", { name: /^Deny/ }).click();
  await page.getByText("Denied").first().waitFor();
  const after = await read(asked.json.id);
  assert.equal(after.state, "denied");
  assert.equal(after.votes[0].note, "not on a Friday");
});
step("a colleague's vote shows without a reload", async () => {
  const asked = await ask("append", "two of us");
  await page.goto(`${url}/a/${asked.json.id}`);
  await approve().waitFor();
  const voted = await asCarol("POST", `/v1/actions/${asked.json.id}/votes`, { decision: "approve", digest: asked.json.digest });
  assert.equal(voted.status, 200);
  await page.getByText("carol").first().waitFor();
  await lookAtAllOfIt();
  await approve().click();
  await page.getByText("Succeeded").first().waitFor();
});
step("what could deceive is shown as what it is", async () => {
  const hostile = "echo safe \u202e txt.exe \u200b\u2066 \u001b[2K\r all\u0430y <img src=x onerror=alert(1)> [approved](javascript:1)" + " ".repeat(4000) + "rm -rf /srv";
  const asked = await ask("append-session", hostile);
  assert.equal(asked.status, 202, JSON.stringify(asked.json));
  await page.goto(`${url}/a/${asked.json.id}`);
  await approve().waitFor();
  for (const words of ["U+202E", "U+200B", "U+001B", "U+000D", "spaces]", "rm -rf /srv", "<img src=x"]) {
    await page.getByText(words, { exact: false }).first().waitFor({ state: "attached" });
  }
  const raw = await page.locator("main").evaluate((main) => /[\u202a-\u202e\u2066-\u2069\u200b\u001b]/.test(main.textContent));
  assert.equal(raw, false, "a raw control character reached the page");
  assert.equal(await page.locator("main img[src=x]").count(), 0);
  assert(await approve().isDisabled(), "Approve opens only after all of it was seen");
});
step("links change nothing", async () => {
  const asked = await ask("append-session", "only looked at");
  const before = await read(asked.json.id);
  for (const path of [`/a/${asked.json.id}`, `/v1/actions/${asked.json.id}/votes`, `/v1/actions/${asked.json.id}/cancel`, `/v1/actions/${asked.json.id}/votes?decision=approve`]) {
    await page.request.get(url + path); // with the person's own cookies, as a prefetch would
    await page.request.head(url + path);
    await fetch(url + path);
  }
  const after = await read(asked.json.id);
  assert.deepEqual([after.version, after.votes.length, after.state], [before.version, 0, "pending"]);
});
step("activity finds what was done", async () => {
  await page.goto(`${url}/activity`);
  await page.getByText("append-session").first().waitFor();
  await axe();
  await page.getByLabel("State").selectOption("denied");
  await page.waitForURL(/state=denied/);
  await page.locator(".state-succeeded").first().waitFor({ state: "detached" });
});
step("the ledger is verified in the browser", async () => {
  await page.goto(`${url}/ledger`);
  await page.locator(".check-good").first().waitFor();
  assert.equal(await page.locator(".check-bad").count(), 0);
  await page.goto(`${url}/ledger?entry=5`);
  await page.getByText("proven to be in the ledger").waitFor();
  await axe();
  const asked = await ask("append-session", "found through the ledger");
  for (let size = 0; size <= asked.json.ledger.index;) size = Number((await (await fetch(`${url}/checkpoint`)).text()).split("\n")[1]);
  await page.goto(`${url}/ledger?entry=${asked.json.ledger.index}`);
  await page.getByRole("link", { name: "Open the action that it is about" }).click();
  await page.getByText("found through the ledger").first().waitFor();
});
step("a token of one's own: made, shown once, used, revoked", async () => {
  await page.goto(`${url}/account`);
  await page.getByLabel("What is it for?").fill("laptop");
  await axe();
  await page.getByRole("button", { name: "Make a token" }).click();
  const token = await page.locator("[data-token]").textContent();
  assert.match(token, /^kt_[\w-]{40,}$/);
  await axe();
  await page.getByRole("button", { name: "Copy the token" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  const me = await as(token)("GET", "/v1/me");
  assert.deepEqual([me.status, me.json.id, me.json.assurance], [200, "bob", "token"]);
  await page.reload();
  const row = page.getByRole("listitem").filter({ hasText: "laptop" });
  await row.waitFor();
  assert.equal(await page.locator("[data-token]").count(), 0);
  assert(!(await page.content()).includes(token), "the token is still on the page");
  await row.getByRole("button", { name: /^Revoke/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke it" }).click();
  await row.waitFor({ state: "detached" });
  assert.equal((await as(token)("GET", "/v1/me")).status, 401);
});
step("a further passkey on another device, and away with it", async () => {
  await page.goto(`${url}/account`);
  await page.getByRole("button", { name: "Add another passkey" }).click();
  const further = await page.locator(".token-line").textContent();
  assert(further.startsWith(`${url}/enrol#`), further);
  const phone = await device();
  await enrol(phone.page, further);
  await page.getByRole("button", { name: "Done", exact: true }).click();
  const rows = page.getByRole("list", { name: "Your passkeys" }).getByRole("listitem");
  await rows.nth(1).waitFor();
  await axe();
  const lost = rows.filter({ hasNotText: "this session" });
  await lost.getByRole("button", { name: /^Remove/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).click();
  await lost.waitFor({ state: "detached" });
  assert.equal(await page.getByRole("button", { name: /^Remove/ }).count(), 0, "the last one stays");
  await phone.page.getByRole("link", { name: "Activity" }).click();
  await phone.page.getByText("Your session has ended").waitFor();
  await phone.page.waitForURL(/login\?to=%2F/); // the words may come before the address
  await phone.page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await phone.page.getByText("this passkey is not enrolled here").waitFor();
  await phone.context.close();
});
step("without a connection the page says so, and catches up", async () => {
  await page.goto(url);
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await axe();
  const asked = await ask("append-session", "while nobody heard");
  await context.setOffline(false);
  await page.locator(`a[href="/a/${asked.json.id}"]`).waitFor();
  await page.getByText("You are offline.").waitFor({ state: "detached" });
});
step("after a vote the next request is one click away", async () => {
  const [first, second] = [await ask("append-session", "the first of two"), await ask("append-session", "the second of two")];
  await page.goto(`${url}/a/${first.json.id}`);
  await page.getByRole("button", { name: /^Deny/ }).click();
  await page.getByText("Denied by bob").waitFor();
  await page.getByRole("link", { name: /^Next request/ }).click();
  await page.waitForURL((to) => /\/a\//.test(to.pathname) && !to.pathname.endsWith(first.json.id));
  await approve().waitFor();
  assert.equal((await read(second.json.id)).state, "pending");
});
step("on a phone it fits and stays accessible", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  const asked = await ask("append-session", "on a phone");
  for (const path of ["/", `/a/${asked.json.id}`, "/activity", "/ledger", "/account"]) {
    await page.goto(url + path);
    await page.locator("main h1").first().waitFor();
    assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, `${path} scrolls sideways`);
    await axe();
  }
});
step("the page's console stayed silent under its strict policy", async () => {
  const response = await page.goto(url);
  const policy = response.headers()["content-security-policy"] ?? "";
  assert(/default-src 'none'/.test(policy) && /frame-ancestors 'none'/.test(policy) && !/unsafe/.test(policy), policy);
  assert.deepEqual(complaints, []);
});

await run();
