// Administration: an administrator acts, an auditor looks, nobody else sees it.
import assert from "node:assert/strict";
import { as, ask, axe, complaints, device, enrol, page, run, setting, step, url } from "./person.mjs";

const tab = async (name, on = page) => {
  await on.getByRole("radio", { name }).check();
  await on.getByRole("heading", { name, level: 2 }).waitFor();
};
const row = (text, on = page) => on.locator(".things > li").filter({ hasText: text });
const dialog = page.getByRole("dialog");
let bob;

step("whoever is neither administrator nor auditor has no such page, nor its figures", async () => {
  bob = await device();
  await enrol(bob.page, setting.link_bob);
  assert.equal(await bob.page.getByRole("link", { name: "Administration" }).count(), 0);
  await bob.page.goto(`${url}/admin`);
  await bob.page.getByText("Not for you").waitFor();
  await axe(bob.page);
  assert.equal(await bob.page.evaluate(async () => (await fetch("/v1/admin/sessions")).status), 403);
});
step("an administrator finds a person, and shuts them out with a reason", async () => {
  await enrol(page, setting.link_ada);
  await page.getByRole("link", { name: "Administration" }).click();
  await page.getByRole("heading", { name: "Administration" }).waitFor();
  await row("erin").waitFor();
  await axe();
  await page.getByLabel("Search").fill("erin");
  await row("carol").waitFor({ state: "detached" });
  assert.match(page.url(), /q=erin/);
  await page.getByRole("button", { name: "Deactivate… erin" }).click();
  const yes = dialog.getByRole("button", { name: "Deactivate" });
  assert(await yes.isDisabled(), "without a reason");
  await axe();
  await dialog.getByLabel("Why (it stands in the record)").fill("left the company");
  await yes.click();
  await row("erin").getByText("deactivated").waitFor();
  assert.equal((await as(setting.erin)("GET", "/v1/me")).status, 401, "her token ended with it");
  await page.getByRole("button", { name: "Activate… erin" }).click();
  await dialog.getByRole("button", { name: "Activate" }).click();
  await row("erin").getByText("deactivated").waitFor({ state: "detached" });
});
step("oneself is not shut out, by no button", async () => {
  await page.getByLabel("Search").fill("ada");
  await row("administrator").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Deactivate… ada/ }).count(), 0);
});
step("groups: who is in them, whence, and whether policy asks them", async () => {
  await tab("Groups");
  await row("dba").getByText("policy asks it").waitFor();
  await row("dba").getByText("from here").first().waitFor();
  await axe();
  await row("dba").getByRole("link").first().click();
  await page.waitForURL(/tab=people/);
  await page.getByRole("heading", { name: "People", level: 2 }).waitFor();
});
step("a change of groups is proposed, and becomes a case", async () => {
  await page.goto(`${url}/admin?tab=people&q=carol`);
  await page.getByRole("button", { name: "Change groups… of carol" }).click();
  await dialog.getByLabel("dba", { exact: true }).check();
  await dialog.getByLabel("Why").fill("she is on call for databases");
  await axe();
  await dialog.getByRole("button", { name: "Propose it" }).click();
  await page.waitForURL(/\/a\/act_/);
  await page.getByText("she is on call for databases").first().waitFor();
  await page.getByText("carol").first().waitFor();
});
step("an agent is suspended and goes on", async () => {
  await page.goto(`${url}/admin?tab=agents`);
  await page.getByRole("button", { name: "Suspend… bot", exact: true }).click();
  await dialog.getByText("nothing that it asked is released").waitFor();
  await dialog.getByRole("button", { name: "Suspend" }).click();
  await page.getByRole("button", { name: "Resume… bot", exact: true }).waitFor();
  assert.notEqual((await ask("echo", "while suspended")).status, 200);
  await axe();
  await page.getByRole("button", { name: "Resume… bot", exact: true }).click();
  await dialog.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Suspend… bot", exact: true }).waitFor();
  assert((await ask("echo", "again")).status < 300);
});
step("an MCP server says something else of a tool: people are asked, and see both", async () => {
  await tab("MCP servers");
  await row("fix").getByText("1 change to be accepted").waitFor();
  await row("fix").getByText("Says something else.").waitFor();
  await axe();
  await row("fix").getByRole("button", { name: /^Propose to accept/ }).click();
  await dialog.getByLabel("Why (it stands in the record)").fill("their release of today");
  await axe();
  await dialog.getByRole("button", { name: "Propose" }).click();
  await page.waitForURL(/\/a\/act_/);
  await page.getByText("Change of the definition of fix.changing").waitFor();
  await page.getByText('"description": "Says something else."').first().waitFor();
  await page.getByText('"description": "Says something."').first().waitFor();
  await page.goto(`${url}/admin?tab=tokens`);
});
step("a token is revoked", async () => {
  await tab("Tokens");
  const mine = row("deployer");
  await mine.waitFor();
  await axe();
  await mine.getByRole("button", { name: /^Revoke/ }).click();
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal((await as(setting.deployer)("GET", "/v1/me")).status, 200);
  await mine.getByRole("button", { name: /^Revoke/ }).click();
  await dialog.getByRole("button", { name: "Revoke it" }).click();
  await mine.waitFor({ state: "detached" });
  assert.equal((await as(setting.deployer)("GET", "/v1/me")).status, 401);
});
step("a session is ended, and its page says so", async () => {
  await tab("Sessions");
  await row("ada").getByText("this session").waitFor();
  await axe();
  await page.getByRole("button", { name: "End… the session of bob" }).click();
  await dialog.getByRole("button", { name: "End it" }).click();
  await row("bob").waitFor({ state: "detached" });
  await bob.page.goto(url);
  await bob.page.getByRole("heading", { name: "Sign in to Keyturn" }).waitFor();
});
step("channels", async () => {
  await tab("Channels");
  await row("web").getByText("works").waitFor();
  await axe();
});
step("an exercise is planted, looks like any other request, and says what it was once it is decided", async () => {
  await page.getByRole("radio", { name: "Exercises" }).check();
  await page.getByRole("heading", { name: "Plant an exercise" }).waitFor();
  await page.getByLabel("As if this agent asked").selectOption("bot");
  await page.getByLabel("Tool").fill("append-one");
  const args = page.getByLabel("Arguments, a JSON object");
  await args.fill("{text:");
  await page.getByText("This is no JSON object yet.").waitFor();
  await args.fill(JSON.stringify({ text: "rm -rf /" }));
  await page.getByLabel("Reason, as the agent would say it").fill("tidy up");
  await axe();
  await page.getByRole("button", { name: "Plant it" }).click();
  await page.getByText("Your exercise.").waitFor();
  const id = new URL(page.url()).pathname.split("/").pop();
  const seen = (await as(setting.dave)("GET", `/v1/actions/${id}`)).json;
  assert.equal(seen.canary, undefined);
  assert.equal((await as(setting.dave)("POST", `/v1/actions/${id}/votes`, { decision: "approve", digest: seen.digest })).status, 200);
  await page.getByText("It was missed: enough people approved it. Nothing ran.").waitFor();
  await axe();
});
step("a request that was denied says so when it comes again", async () => {
  const first = (await ask("append-one", "twice")).json;
  assert.equal((await as(setting.dave)("POST", `/v1/actions/${first.id}/votes`, { decision: "deny", digest: first.digest })).status, 200);
  const again = (await ask("append-one", "twice")).json;
  await page.goto(`${url}/a/${again.id}`);
  await page.getByText("The very same request was denied once in the last 30 days.").waitFor();
  await page.getByRole("link", { name: "Look at the latest" }).click();
  await page.waitForURL(`${url}/a/${first.id}`);
});
step("dark, and on a phone", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of ["people", "groups", "agents", "upstreams", "tokens", "sessions", "channels"]) {
    await page.emulateMedia({ colorScheme: name === "people" ? "dark" : "light" });
    await page.goto(`${url}/admin?tab=${name}`);
    await page.locator(".things > li").first().waitFor();
    assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, `${name} scrolls sideways`);
    await axe();
  }
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("link", { name: "Insights" }).click();
  await page.getByRole("heading", { name: "Insights" }).waitFor();
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
