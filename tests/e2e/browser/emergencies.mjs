// Emergencies as people see them: broken glass and an incident, the look afterwards; and people who stand in for others.
import assert from "node:assert/strict";
import { approve, as, ask, axe, complaints, device, enrol, lookAtAllOfIt, page, run, setting, step, url } from "./person.mjs";

const people = {};
async function signedIn(name) {
  const here = await device();
  await enrol(here.page, setting[`link_${name}`]);
  people[name] = here.page;
  return here.page;
}
const banner = (on, word) => on.getByRole("alert").filter({ hasText: word });
const rowOf = (on, id) => on.locator(`a[href="/a/${id}"]`);
const toPage = async (on, name) => {
  await on.getByRole("navigation").getByRole("link", { name: new RegExp(`^${name}`) }).click();
  await on.getByRole("heading", { name, level: 1 }).waitFor();
};
const inHours = (hours) => new Date(Date.now() + hours * 3_600_000 - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
let looked = ""; // the action that broken glass made possible

step("whom policy names breaks the glass, with a passkey", async () => {
  await enrol(page, setting.link_mia);
  const erin = await signedIn("erin");
  await toPage(erin, "Activity");
  await page.keyboard.press("e");
  await page.getByRole("heading", { name: "Break the glass" }).waitFor();
  await page.getByText("There was none.").waitFor();
  assert.equal(await page.getByRole("heading", { name: "Open an incident" }).count(), 0, "policy does not name mia for incidents");
  const breakIt = page.getByRole("button", { name: "Break the glass with passkey" });
  await page.getByLabel("Why").fill("the site is down");
  assert(await breakIt.isDisabled(), "no agent is named yet");
  await page.getByLabel("bot", { exact: true }).check();
  await axe();
  assert.equal((await ask("echo", "before")).json.state, "denied");
  await page.getByLabel("For how long").selectOption("1d");
  await breakIt.click();
  await page.getByText("it lasts at most 30m").waitFor();
  await page.getByLabel("For how long").selectOption("10m");
  await breakIt.click();
  await banner(page, "Broken glass by mia for bot").waitFor();
  await page.getByRole("list", { name: "Emergencies" }).getByText("“the site is down”").waitFor();
  await axe();
  const used = await ask("echo", "under broken glass", {});
  assert.notEqual(used.json.state, "denied", JSON.stringify(used.json));
  looked = used.json.id;
});
step("whoever it concerns is told on the page that they have open", async () => {
  const { erin } = people;
  await ask("append", "something that waits for dba");
  await banner(erin, "Broken glass by mia for bot").filter({ hasText: "the site is down" }).waitFor();
  assert.equal(await banner(erin, "Broken glass").getByRole("button").count(), 0, "no way to close or to dismiss it");
  await toPage(erin, "Policy");
  await banner(erin, "Broken glass").waitFor();
  await axe(erin);
});
step("whom it does not concern sees that there is one, and is offered nothing", async () => {
  const dan = await signedIn("dan");
  assert.equal(await banner(dan, "Broken glass").count(), 0);
  await toPage(dan, "Emergencies");
  await dan.getByText("Policy does not name you").waitFor();
  await dan.getByRole("list", { name: "Emergencies" }).getByText("open").first().waitFor();
  assert.equal(await dan.getByText("the site is down").count(), 0);
  assert.equal(await dan.locator("main").getByRole("button").count(), 0);
});
step("what it made possible is looked at afterwards", async () => {
  const { erin } = people;
  await toPage(erin, "Inbox");
  const list = erin.getByRole("list", { name: "To look at afterwards" });
  await list.getByText(/look due by/).waitFor();
  await erin.clock.setFixedTime(Date.now() + 13 * 3_600_000); // policy gives twelve hours
  await list.getByText(/look overdue by 1 h/).waitFor();
  await axe(erin);
  await rowOf(list, looked).click();
  await erin.getByText(/Decided under broken glass bg_/).waitFor();
  await erin.getByText(/look overdue by/).first().waitFor();
  const no = erin.getByRole("button", { name: "Not justified" });
  assert(await no.isDisabled(), "without a note");
  await erin.getByLabel(/What you found/).fill("there was no outage");
  await axe(erin);
  await no.click();
  await erin.getByText(/erin found it not justified/).waitFor();
  await erin.getByText("there was no outage").waitFor();
  assert.equal(await erin.getByText(/look overdue by/).count(), 0);
  assert.equal(await no.count(), 0);
  await axe(erin);
  await toPage(erin, "Inbox");
  await erin.getByText("waits for your decision").waitFor();
  assert.equal(await list.count(), 0);
  await erin.clock.setFixedTime(Date.now());
});
step("who broke the glass closes it from any page", async () => {
  await toPage(page, "Ledger");
  await banner(page, "Broken glass").getByRole("button", { name: /^Close/ }).click();
  await banner(page, "Broken glass").waitFor({ state: "detached" });
  assert.equal((await ask("echo", "after")).json.state, "denied");
  await toPage(page, "Emergencies");
  await page.getByText(/closed by mia/).waitFor();
  await page.getByText("used 1 time").waitFor();
});
step("an incident for all agents; one that somebody else closed meanwhile", async () => {
  const carol = await signedIn("carol");
  await toPage(carol, "Emergencies");
  await carol.getByLabel("Why").fill("disks are full");
  await carol.getByRole("button", { name: "Open an incident" }).click();
  await banner(carol, "Incident by carol for all agents").waitFor();
  const api = as(setting.carol);
  const [open] = (await api("GET", "/v1/incidents")).json.items;
  assert.equal((await api("POST", `/v1/incidents/${open.id}/close`, {})).status, 200);
  await banner(carol, "Incident").getByRole("button", { name: /^Close/ }).click();
  await banner(carol, "Incident").waitFor({ state: "detached" });
  await carol.getByText(/closed by carol/).waitFor();
});
step("somebody to stand in is named on the account page", async () => {
  const bob = await signedIn("bob");
  for (const on of [bob, people.erin]) {
    await on.goto(`${url}/account`);
    await on.getByLabel("Who fills your place").selectOption("dan");
    await on.getByLabel("Stands in until").fill(inHours(24 * 200));
    await on.getByRole("button", { name: "Stands in" }).click();
    await on.getByText(/at most 90 days/).waitFor();
    await on.getByLabel("Stands in until").fill(inHours(2));
    await axe(on);
    await on.getByRole("button", { name: "Stands in" }).click();
    await on.getByText("dan stands in for you").waitFor();
    assert.equal(await on.getByText(/at most 90 days/).count(), 0);
  }
});
step("who stands in for two says for whom the vote is", async () => {
  const { dan, bob } = people;
  const asked = await ask("append", "two of dba");
  await dan.goto(`${url}/a/${asked.json.id}`);
  await dan.getByLabel("In whose place").waitFor();
  await lookAtAllOfIt(dan);
  assert(await approve(dan).isDisabled(), "it is not said for whom");
  assert(await dan.getByRole("button", { name: /^Deny/ }).isDisabled());
  await axe(dan);
  await dan.getByLabel("In whose place").selectOption("bob");
  await approve(dan).click();
  await dan.getByText("dan, in place of bob").waitFor();
  await bob.goto(`${url}/a/${asked.json.id}`);
  await bob.getByText("dan voted in your place.").waitFor();
  await people.erin.goto(`${url}/a/${asked.json.id}`);
  await lookAtAllOfIt(people.erin);
  await approve(people.erin).click();
  await bob.getByText("Succeeded").first().waitFor();
});
step("standing in is ended by either; for one it is plain for whom", async () => {
  const { dan } = people;
  await dan.goto(`${url}/account`);
  const mine = dan.getByRole("list", { name: "Who stands in" });
  await mine.getByText("You stand in for erin").waitFor();
  await mine.getByRole("button", { name: "End erin" }).click();
  await mine.getByText("You stand in for erin").waitFor({ state: "detached" });
  await mine.getByText("You stand in for bob").waitFor();
  const asked = await ask("append", "for one");
  await dan.goto(`${url}/a/${asked.json.id}`);
  await dan.getByText("You vote in place of bob.").waitFor();
  await dan.getByRole("button", { name: /^Deny/ }).click();
  await dan.getByText("Denied by dan, in place of bob").waitFor();
});
step("out of office, and back", async () => {
  const { bob } = people;
  await bob.goto(`${url}/account`);
  await bob.getByLabel("Out of office until").fill(inHours(24));
  await bob.getByRole("button", { name: "Out of office", exact: true }).click();
  await bob.getByText(/You are out of office until/).waitFor();
  await axe(bob);
  await bob.getByRole("button", { name: "I am back" }).click();
  await bob.getByLabel("Out of office until").waitFor();
});
step("in the dark and on a phone it fits and stays accessible", async () => {
  await toPage(page, "Emergencies");
  await page.getByLabel("bot", { exact: true }).check();
  await page.getByLabel("Why").fill("again, for longer than fits on a phone: ".repeat(4));
  await page.getByRole("button", { name: "Break the glass with passkey" }).click();
  await banner(page, "Broken glass").waitFor();
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 820]) {
      await page.setViewportSize({ width, height: 844 });
      for (const path of ["/emergencies", "/account", `/a/${looked}`]) {
        await page.goto(url + path);
        await banner(page, "Broken glass").waitFor();
        await page.locator("main h1").waitFor();
        assert(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0, `${path} scrolls sideways at ${width}`);
        await axe();
      }
    }
  }
});
step("nothing complained", async () => {
  assert.deepEqual(complaints.filter((said) => !/status of 409/.test(said)), []); // what was closed already
});

await run();
