// A change of policy as people make it: written, mended, explained, replayed, proposed, looked at by others, in force.
import assert from "node:assert/strict";
import { approve, as, axe, complaints, device, enrol, lookAtAllOfIt, page, run, setting, step, url } from "./person.mjs";

const asAda = as(setting.ada);
const editor = page.getByRole("textbox", { name: "policy.yaml" });
const text = () => editor.inputValue();
const change = async (from, to) => {
  const before = await text();
  assert(before.includes(from), `${from} is not in the policy`);
  await editor.fill(before.replace(from, to));
};
const panel = (name) => page.locator(".segmented label", { hasText: name }).click();
const loads = () => page.getByText("It loads, and its tests pass.").waitFor();
let proposal = "";

step("the page shows what is in force, and its history", async () => {
  await enrol(page, setting.link_ada);
  await page.getByRole("link", { name: "Policy" }).click();
  await page.getByRole("heading", { name: "Policy", exact: true }).waitFor();
  await loads();
  const { json } = await asAda("GET", "/v1/policy");
  assert.equal(await text(), json.text);
  await page.getByRole("region", { name: "In force" }).getByText(json.digest).waitFor();
  await page.getByText(/not sealed: files take effect at once/).waitFor();
  await page.getByRole("region", { name: "History" }).getByRole("link", { name: /ledger entry/ }).first().waitFor();
  await axe();
});
step("a mistake is marked at its line while one writes, and the list leads there", async () => {
  await change("effect: deny}\n- {id: two-people", "efect: deny}\n- {id: two-people");
  const line = (await text()).split("\n").findIndex((one) => one.includes("efect")) + 1;
  const mistake = page.getByRole("button", { name: new RegExp(`policy.yaml:${line}:\\d+`) });
  await mistake.first().waitFor();
  assert.equal(await page.locator(".editor-flag").first().getAttribute("data-line"), String(line));
  const flag = await page.locator(`.editor-flag[data-line="${line}"]`).boundingBox();
  const mark = await page.locator(".squiggle").first().boundingBox();
  assert(Math.abs(flag.y - mark.y) < 8, "the mark is not beside its flag");
  await mistake.first().click();
  const at = await editor.evaluate((it) => it.value.slice(0, it.selectionStart).split("\n").length);
  assert.equal(at, line);
  assert(await editor.evaluate((it) => it === document.activeElement));
  await axe();
});
step("a draft with mistakes is not proposed", async () => {
  await panel("Propose");
  await page.getByLabel("Why is it changed?").fill("because");
  await page.getByText("There are mistakes: mend them first.").waitFor();
  assert(await page.getByRole("button", { name: "Propose", exact: true }).isDisabled());
  await change("efect: deny}", "effect: deny}");
  await loads();
  await page.getByText("Nothing is changed yet.").waitFor();
});
step("Tab indents, Escape and Tab leave, undo takes it back", async () => {
  const before = await text();
  await editor.focus();
  await editor.evaluate((it) => it.setSelectionRange(0, 0));
  await page.keyboard.press("Tab");
  assert.equal(await text(), `  ${before}`);
  await page.keyboard.press("Shift+Tab");
  assert.equal(await text(), before);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Control+z");
  assert.equal(await text(), before);
  await page.keyboard.press("Escape");
  assert(await editor.evaluate((it) => it === document.activeElement), "Escape alone leaves it where it is");
  await page.keyboard.press("Tab");
  assert(await editor.evaluate((it) => it !== document.activeElement), "the keyboard is caught in the editor");
});
step("a draft is explained before it is proposed", async () => {
  await change("{id: never, match: {tool: [forbidden]}, effect: deny}",
    '{id: never, match: {tool: [forbidden]}, effect: deny, unless: \'action.reason == "drill"\'}\n- {id: drill, match: {tool: [forbidden]}, effect: allow}');
  await change("metadata: {name: tests, revision: 1}", "metadata: {name: tests, revision: 2}");
  await page.getByText(/^It loads|warning/).first().waitFor();
  await panel("Explain");
  await page.getByRole("combobox", { name: "Agent" }).selectOption("bot");
  await page.getByRole("combobox", { name: "Tool" }).selectOption("forbidden");
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  await page.getByRole("heading", { name: "The draft denies it" }).waitFor();
  await page.getByLabel(/^Reason/).fill("drill");
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  await page.getByRole("heading", { name: "The draft allows it" }).waitFor();
  await page.getByText("is excepted here").waitFor();
  await page.getByText('action.reason = "drill"').waitFor();
  await axe();
  await page.getByRole("combobox", { name: "Tool" }).selectOption("append");
  await page.getByRole("textbox", { name: "text", exact: true }).fill("a line");
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  await page.getByRole("heading", { name: "The draft asks for people" }).waitFor();
});
step("the draft is kept while one looks elsewhere, and not lost without a question", async () => {
  const before = await text();
  await page.getByRole("link", { name: "Ledger", exact: true }).click();
  await page.getByRole("heading", { name: "Ledger", exact: true }).waitFor();
  await page.getByRole("link", { name: "Policy" }).click();
  await page.getByText("This is your draft from before.").waitFor();
  assert.equal(await text(), before);
  const asked = new Promise((resolve) => page.once("dialog", (dialog) => { resolve(dialog.type()); void dialog.dismiss(); }));
  await page.reload({ timeout: 3_000 }).catch(() => {});
  assert.equal(await asked, "beforeunload");
  assert.equal(await text(), before);
});
step("the replay says what would have turned, with examples", async () => {
  await change("{tool: [echo, slow, sandboxed]}, effect: allow}", "{tool: [echo, slow, sandboxed]}, effect: require, require: {quorum: {dba: 1}, expires: 1h}}");
  await panel("Replay");
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  await page.getByRole("heading", { name: /Stricter: allowed → people asked 3 decisions/ }).waitFor();
  await axe();
  const example = page.locator(".flip-examples a").first();
  assert.match(await example.getAttribute("href"), /^\/a\/act_/);
});
step("the difference is shown line by line", async () => {
  await panel("Difference");
  await page.locator(".line-added", { hasText: "id: drill" }).waitFor();
  await page.getByRole("list", { name: "What that changes" }).getByText("effect: allow -> require").waitFor();
  await page.locator(".line-removed", { hasText: "revision: 1" }).waitFor();
  await axe();
});
step("it is on the page in the dark and on a phone, too", async () => {
  for (const [colorScheme, width] of [["dark", 1200], ["light", 390], ["dark", 390]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    for (const name of ["Difference", "Explain", "Replay", "Propose"]) {
      await panel(name);
      await axe();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${name} scrolls sideways at ${width}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1200, height: 800 });
});
step("it is proposed, and its case has the difference and the replay", async () => {
  await panel("Propose");
  await page.getByLabel("Why is it changed?").fill("drills are allowed, echo is looked at");
  await page.getByRole("button", { name: "Propose", exact: true }).click();
  await page.waitForURL(/\/a\/act_/);
  proposal = new URL(page.url()).pathname;
  await page.getByRole("heading", { name: "Change of policy.yaml" }).waitFor();
  await page.getByText(/own request|your own|You asked/i).first().waitFor();
  await axe();
});
const decide = async (name) => {
  const { page: theirs, context } = await device();
  await enrol(theirs, setting[`link_${name}`]);
  await theirs.locator("a[data-row]", { hasText: "configuration" }).first().click();
  await theirs.getByRole("heading", { name: "Change of policy.yaml" }).waitFor();
  await theirs.locator(".line-added", { hasText: "id: drill" }).first().waitFor();
  const figures = theirs.getByRole("region", { name: /Recorded decisions, taken again/ });
  await figures.getByText("3 decisions").first().waitFor();
  await figures.getByText("stricter, allow -> require").first().waitFor();
  await axe(theirs);
  assert(await approve(theirs).isDisabled(), "Approve opens only after all of it was seen");
  await lookAtAllOfIt(theirs);
  await approve(theirs).click();
  return { theirs, context };
};
step("a second administrator sees both, and approves", async () => {
  const { theirs, context } = await decide("ben");
  await theirs.locator("main").getByText("ben").first().waitFor();
  assert.equal((await asAda("GET", "/v1/policy")).json.revision, 1, "one is not enough");
  await context.close();
});
step("with the third it is in force, and in the ledger", async () => {
  const { theirs, context } = await decide("cleo");
  await theirs.getByText("Succeeded").first().waitFor();
  const { json } = await asAda("GET", "/v1/policy");
  assert.equal(json.revision, 2);
  assert.equal(`/a/${json.history[0].by}`, proposal);
  await theirs.getByRole("link", { name: "Policy" }).click();
  await theirs.getByRole("textbox", { name: "policy.yaml" }).waitFor();
  assert.match(await theirs.getByRole("textbox", { name: "policy.yaml" }).inputValue(), /id: drill/);
  await theirs.getByRole("link", { name: "an action that people agreed to" }).click();
  await theirs.getByRole("heading", { name: "Change of policy.yaml" }).waitFor();
  await theirs.goBack();
  for (let size = 0; size <= json.history[0].index;) size = Number((await (await fetch(`${url}/checkpoint`)).text()).split("\n")[1]);
  const entry = theirs.getByRole("link", { name: `ledger entry ${json.history[0].index}` }).first();
  await entry.click();
  await theirs.getByText("proven to be in the ledger").waitFor();
  await context.close();
});
step("whoever may not look at all decisions replays none, and may propose", async () => {
  const { page: theirs, context } = await device();
  await enrol(theirs, setting.link_bob);
  await theirs.getByRole("link", { name: "Policy" }).click();
  await theirs.locator(".segmented label", { hasText: "Replay" }).click();
  await theirs.getByText(/Administrators and auditors may look at all decisions/).waitFor();
  assert.equal(await theirs.getByRole("button", { name: "Replay", exact: true }).count(), 0);
  await context.close();
});
step("nothing complained", async () => assert.deepEqual(complaints, []));

await run();
