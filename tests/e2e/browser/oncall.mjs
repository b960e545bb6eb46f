// Who is on call, on the page of administration; what is wrong with a schedule is said.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { as, axe, complaints, enrol, page, run, setting, step, url } from "./person.mjs";

const row = (text) => page.locator(".things > li").filter({ hasText: text });
const schedules = async () => (await as(setting.ada)("GET", "/v1/oncall")).json.items;
const open = async () => {
  await page.goto(`${url}/admin?tab=oncall`);
  await page.getByRole("heading", { name: "On call", level: 2 }).waitFor();
  await row("primary").waitFor();
};

step("who is on call, for which group, until when, and whence that is known", async () => {
  await enrol(page, setting.link_ada);
  await page.getByRole("link", { name: "Administration" }).click();
  await page.getByRole("radio", { name: "On call" }).check();
  await row("primary").getByText("fills sre-oncall, out of sre").waitFor();
  await row("primary").getByRole("link", { name: "carol" }).waitFor();
  await row("primary").getByText(/until .*\d/).first().waitFor();
  await row("primary").getByText("from a file").waitFor();
  await row("database").getByRole("link", { name: "bob" }).waitFor();
  await row("database").getByText(/from a webhook · last heard/).waitFor();
  await axe();
});
step("a schedule that nobody told of for too long is said loudly", async () => {
  await page.getByRole("alert").filter({ hasText: "Something is wrong with network." }).waitFor();
  await row("network").getByText("stale: nobody is on call").waitFor();
  await row("network").getByText("never heard of").waitFor();
  assert.equal(await row("primary").getByText(/nobody is on call|broken/).count(), 0);
});
step("a file that cannot be read is said where it stands, and whoever is on call stays so", async () => {
  writeFileSync(setting.file, "rotation: {start: yesterday}\n");
  while (!(await schedules()).find((one) => one.name === "primary").problems.length) await new Promise((resolve) => setTimeout(resolve, 50));
  await open();
  await page.getByRole("alert").filter({ hasText: /Something is wrong with .*primary/ }).waitFor();
  await row("primary").getByText("broken").waitFor();
  await row("primary").getByText("schedules/primary.yaml:1:19: start must be a local time").waitFor();
  await row("primary").getByRole("link", { name: "carol" }).waitFor();
  await axe();
});
step("who is on call is found among people and groups", async () => {
  await row("primary").getByRole("link", { name: "carol" }).click();
  await page.getByRole("heading", { name: "People", level: 2 }).waitFor();
  await row("carol").getByText("sre-oncall").waitFor();
});
step("in the dark and on a phone it fits and stays accessible", async () => {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0);
    await axe();
  }
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
