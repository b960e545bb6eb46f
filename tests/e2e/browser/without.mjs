// Without a connection, without a server, and when the server says no: every page says what is, and what to do. The server is real
// and is stopped and started by the driver (setting.control).
import assert from "node:assert/strict";
import { approve, ask, asAgent, axe, complaints, context, enrol, lookAtAllOfIt, page, read, run, setting, step, url } from "./person.mjs";

const server = async (order) => assert.equal((await fetch(`${setting.control}/${order}`, { method: "POST" })).status, 200, order);
const banner = page.locator(".banner-lost");
const nav = (name) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: new RegExp(`^${name}`) });
const deny = page.getByRole("button", { name: /^Deny/ });
const sent = [];
page.on("request", (request) => { if (request.method() !== "GET") sent.push(`${request.method()} ${new URL(request.url()).pathname}`); });
let action;

step("offline: the age of what is shown, and no decision", async () => {
  await enrol(page, setting.link);
  action = (await ask("append-session", "decided later")).json;
  await page.goto(`${url}/a/${action.id}`);
  await lookAtAllOfIt();
  assert(await approve().isEnabled());
  await context.setOffline(true);
  await banner.getByText("You are offline.").waitFor();
  await banner.getByText(/What you see is as of \d.*, (just now|\d+ s ago|\d+ min ago)/).waitFor();
  assert(await approve().isDisabled() && await deny.isDisabled(), "a vote can be given without a server");
  await page.getByText("Nothing is decided, and nothing is kept to be sent later.").waitFor();
  await axe();
  sent.length = 0;
  for (const key of ["a", "Enter", "d", "Enter"]) await page.keyboard.press(key);
  await page.getByLabel("Comment", { exact: true }).fill("while offline");
  assert(await page.getByRole("button", { name: "Comment" }).isDisabled());
});
step("back again: decisions open, what was pressed meanwhile was not kept", async () => {
  await context.setOffline(false);
  await banner.waitFor({ state: "detached" });
  await approve().and(page.locator(":enabled")).waitFor();
  assert.deepEqual(sent, []);
  const now = await read(action.id);
  assert.deepEqual([now.votes.length, now.state], [0, "pending"]);
});
step("no page loses what it shows, each says that it may be old", async () => {
  for (const name of ["Policy", "Ledger", "Emergencies", "Activity", "Inbox"]) {
    await nav(name).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" });
    const before = (await page.locator("main").innerText()).slice(0, 200).split("\n")[0];
    await context.setOffline(true);
    await banner.getByText("You are offline.").waitFor();
    await axe();
    assert((await page.locator("main").innerText()).startsWith(before), `${name} lost what it showed`);
    await context.setOffline(false);
    await banner.waitFor({ state: "detached" });
  }
});
step("a server that stops: said within moments, and everything is read again when it is back", async () => {
  await page.goto(url);
  await page.locator(`a[href="/a/${action.id}"]`).waitFor();
  await server("stop");
  await banner.getByText("Keyturn does not answer.").waitFor();
  await axe();
  await page.locator(`a[href="/a/${action.id}"]`).click();
  await page.getByRole("heading", { name: "The action could not be read" }).waitFor();
  await page.getByText("may have arrived all the same").waitFor();
  await axe();
  await nav("Emergencies").click();
  await page.getByText(/could not be (reached|loaded)/).first().waitFor();
  await nav("Inbox").click();
  await page.locator(`a[href="/a/${action.id}"]`).waitFor();
  await server("start");
  const newer = (await ask("append-session", "asked after the restart")).json;
  await banner.waitFor({ state: "detached" });
  await page.locator(`a[href="/a/${newer.id}"]`).waitFor();
});
step("the key to try now does not wait for the next time", async () => {
  await page.goto(`${url}/a/${action.id}`);
  await approve().waitFor();
  await server("stop");
  await banner.waitFor();
  assert(await deny.isDisabled());
  const answered = page.waitForResponse((response) => response.url().endsWith("/v1/me")); // the page may be first to try
  await server("start");
  await Promise.all([answered, banner.getByRole("button", { name: "Try now" }).click({ timeout: 3_000 }).catch(() => {})]);
  await banner.waitFor({ state: "detached" });
  await deny.and(page.locator(":enabled")).waitFor();
});
step("a read that fails while the stream stands is made again by itself", async () => {
  const failed = page.getByText("may have arrived all the same").or(page.getByText("The server did not answer."));
  for (const [path, reads] of [[`/a/${action.id}`, `**/v1/actions/${action.id}`], ["/", "**/v1/actions?**"]]) {
    await page.goto(url + path);
    await (path === "/" ? page.locator(`a[href="/a/${action.id}"]`) : approve()).waitFor();
    await page.route(reads, (route) => route.abort("connectionreset"));
    try {
      if (path === "/") await page.getByRole("radio", { name: "Oldest" }).click(); // not check(): the order is taken once its list was read
      else assert.equal((await asAgent("POST", `/v1/actions/${action.id}/comments`, { text: "and now?" })).status, 200);
      await failed.first().waitFor();
    } finally {
      await page.unroute(reads);
    }
    await failed.first().waitFor({ state: "detached" });
    await banner.waitFor({ state: "detached" });
  }
});
step("too many attempts: it says how long to wait, and waits", async () => {
  const other = await context.browser().newContext();
  const stranger = await other.newPage();
  await stranger.goto(`${url}/login`);
  await stranger.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
  let status = 200;
  while (status === 200) status = (await fetch(`${url}/auth/login/begin`, { method: "POST", headers: { "Content-Type": "application/json", Origin: url }, body: "{}" })).status;
  assert.equal(status, 429);
  await stranger.getByRole("button", { name: "Sign in with a passkey" }).click();
  await stranger.getByText("asked too often").waitFor();
  await stranger.getByText(/Again in|You can try again now/).waitFor();
  await axe(stranger);
  await other.close();
});
step("what is not there, and what is not for me", async () => {
  await page.goto(`${url}/a/act_none`);
  await page.getByRole("heading", { name: "No such action" }).waitFor();
  await axe();
  await page.goto(`${url}/activity?state=nonsense`);
  await page.getByText("there is no state").waitFor();
  await axe();
});
// The server does not fail by itself: what it would answer is put in its place, on the way.
step("when the server fails inside, the page says so and tries again when asked to", async () => {
  const failing = (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ title: "Something failed inside", status: 500, detail: "", code: "internal" }) });
  await page.route("**/v1/ledger", failing);
  await page.goto(`${url}/ledger`);
  await page.getByText("Something failed inside").waitFor();
  await page.getByText("Nothing is decided by this. Try again").waitFor();
  await axe();
  await page.unroute("**/v1/ledger", failing);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator(".check-good").first().waitFor();
});
step("a server that may not write says so on every page, and takes no decision", async () => {
  await server("roll_back");
  await page.goto(`${url}/a/${action.id}`);
  await page.getByText("ALARM: read-only.").waitFor();
  await page.getByText("Keyturn is read-only now: no vote can be recorded").waitFor();
  assert(await approve().isDisabled() && await deny.isDisabled());
  await axe();
  await page.getByLabel("Comment", { exact: true }).fill("can anybody hear me");
  await page.getByRole("button", { name: "Comment" }).click();
  await page.getByText("whoever runs Keyturn has looked at its disk").waitFor();
  await axe();
  for (const path of ["/", "/activity", "/ledger", "/policy"]) {
    await page.goto(url + path);
    await page.getByText("ALARM: read-only.").waitFor();
  }
});
step("on a phone it fits", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${url}/a/${action.id}`);
  await approve().waitFor();
  await context.setOffline(true);
  await banner.waitFor();
  assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, "it scrolls sideways");
  await axe();
  await context.setOffline(false);
});
step("the console said nothing but that", async () => {
  assert.deepEqual(complaints.filter((said) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|status of (404|400|429|500|503)|fetch dynamically|Unable to preload/.test(said)), []);
});

await run();
