// The demo page, as a newcomer uses it: what became of each scenario stands where it was asked.
import assert from "node:assert/strict";
import { approve, axe, complaints, enrol, lookAtAllOfIt, page, run, setting, step, url } from "./person.mjs";

const card = (title) => page.getByRole("listitem").filter({ hasText: title });
const askFor = (title) => card(title).getByRole("button", { name: /^Ask/ }).click();

step("the empty inbox leads to the demo", async () => {
  await enrol(page, setting.link);
  await page.getByRole("link", { name: "Let the demo agent ask for something" }).click();
  await page.getByRole("heading", { name: "Demo" }).waitFor();
});
step("each scenario says what became of it", async () => {
  await askFor("Read a few orders");
  await card("Read a few orders").getByText("Succeeded").waitFor();
  await card("Read a few orders").getByText(/^It ran: \d+ rows\./).waitFor();
  await askFor("Delete without WHERE");
  await card("Delete without WHERE").getByText(/^whole-table denies/).waitFor();
  await askFor("Drop a table");
  await card("Drop a table").getByText("1 of dba and 1 of sre").waitFor();
  await axe();
});
step("a refusal is shown, and stays", async () => {
  await askFor("Lie about being a read");
  await card("Lie about being a read").getByText("operation_mismatch").waitFor();
  await askFor("Read a few orders");
  await card("Read a few orders").getByRole("button", { name: /^Ask again/ }).waitFor();
  await card("Lie about being a read").getByText("operation_mismatch").waitFor();
});
step("you approve, and a simulated colleague, marked as such, does not", async () => {
  await card("Drop a table").getByRole("link", { name: "Open the action" }).click();
  await page.getByText("DROP TABLE orders_2019").first().waitFor();
  await lookAtAllOfIt();
  await approve().click();
  await page.getByText("Your approval is recorded.").waitFor();
  await page.goto(`${url}/demo`);
  await page.getByRole("button", { name: /^Deny as SIMULATED colleague Kim/ }).click();
  await page.getByText("The simulated colleague Kim (simulated) denied.").waitFor();
  await page.goto(`${url}/activity?state=denied`);
  await page.locator("a[data-row]", { hasText: "DROP TABLE" }).click();
  await page.getByText("Denied by sim-kim").waitFor();
  await page.locator(".votes").getByText("simulated", { exact: true }).waitFor();
  await axe();
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
