// Looks at every page in headless Chromium: a picture in light, dark and phone width, axe-core on each, and no error in
// the console. `npm run build` first. Pictures go to the folder named by LOOK_DIR (default: dev/out, not committed).
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const port = Number(process.env.LOOK_PORT ?? 7731);
const base = `http://localhost:${port}`;
const out = process.env.LOOK_DIR ?? fileURLToPath(new URL("./out/", import.meta.url));
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const only = process.argv[2];

const change = async (page, from, to) => {
  const editor = page.getByRole("textbox", { name: "policy.yaml" });
  await editor.fill((await editor.inputValue()).replace(from, to));
};
const panel = (page, name) => page.locator(".segmented label", { hasText: name }).click();
const id = (n) => `act_01JD${String(n).padStart(4, "0")}K7Q2`;
const pages = [
  ["inbox", "/"], ["inbox-empty", "/", "empty"], ["inbox-broken", "/", "broken"], ["inbox-observe", "/", "observe"], ["inbox-runs", "/", "runs", async (page) => { await page.getByText("Patch web-1, web-2 and web-3 now?").waitFor(); await page.getByRole("region", { name: "Stopped runs" }).waitFor(); }],
  ["inbox-many", "/", "many", async (page) => { await page.keyboard.press("End"); await page.locator("[aria-posinset='10000'] a:focus").waitFor(); }],
  ["action", `/a/${id(1)}`], ["action-hostile", `/a/${id(2)}`], ["action-long", `/a/${id(3)}`], ["action-voted", `/a/${id(4)}`],
  ["action-incomplete", `/a/${id(5)}`], ["action-succeeded", `/a/${id(6)}`], ["action-failed", `/a/${id(7)}`], ["action-missing", "/a/act_none"],
  ["activity", "/activity"], ["activity-none", "/activity?q=zzzz"], ["ledger", "/ledger", "sealed"], ["ledger-entry", "/ledger?entry=17"],
  ["policy", "/policy", "sealed"],
  ["policy-broken", "/policy", "", async (page) => { await change(page, "effect: allow", "efect: allow"); await page.locator(".diagnostic").waitFor(); }],
  ["policy-diff", "/policy", "", async (page) => { await change(page, "dba: 1", "dba: 2"); await page.locator(".line-added").first().waitFor(); await page.locator(".diff").scrollIntoViewIfNeeded(); }],
  ["policy-explain", "/policy", "", async (page) => { await panel(page, "Explain"); await page.getByRole("button", { name: "Explain" }).click(); await page.locator(".explained").scrollIntoViewIfNeeded(); }],
  ["policy-replay", "/policy", "", async (page) => { await panel(page, "Replay"); await page.getByRole("button", { name: "Replay" }).click(); await page.locator(".replay-report").scrollIntoViewIfNeeded(); }],
  ["policy-propose", "/policy", "", async (page) => { await change(page, "dba: 1", "dba: 2"); await panel(page, "Propose"); await page.getByLabel("Why is it changed?").scrollIntoViewIfNeeded(); }],
  ["demo", "/demo"], ["demo-refused", "/demo", "", async (page) => { await page.locator(".scenario", { hasText: "Lie about" }).getByRole("button").click(); await page.getByText("Refused.").waitFor(); }],
  ["account", "/account"], ["account-empty", "/account", "empty"],
  ["account-token", "/account", "", async (page) => { await page.getByLabel("What is it for?").fill("laptop"); await page.getByRole("button", { name: "Make a token" }).click(); await page.locator("[data-token]").waitFor(); }],
  ["account-chat", "/account", "", async (page) => {
    const card = page.getByRole("region", { name: "Chat accounts" });
    await card.getByRole("button", { name: "Link in Slack" }).click();
    await card.getByText("Say this code").waitFor();
    await card.scrollIntoViewIfNeeded();
  }],
  ["account-chat-done", "/account", "", async (page) => { // puts the fixture back as it was
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("button", { name: "Unlink… Teams" }).click();
    await page.getByRole("dialog").waitFor();
  }],
  ...["chatsaid", "chatagreed"].map((mood) => [`account-${mood}`, "/account", mood, async (page) => { await page.getByText("Is this you?").waitFor(); await page.getByRole("region", { name: "Linking Slack" }).scrollIntoViewIfNeeded(); }]),
  ["emergencies", "/emergencies", "emergency"], ["emergency-inbox", "/", "emergency"], ["emergency-account", "/account", "emergency"],
  ["emergency-look", "/a/act_01JDLOOKK7Q2", "emergency"], ["emergency-looked", "/a/act_01JDSEENK7Q2", "emergency"], ["emergency-ballot", `/a/${id(2)}`, "emergency"],
  ["frame", "/standing", "", async (page) => {
    const before = page.viewportSize();
    for (const width of [801, 1000, 1121, 1193, 1200, 1265, 1280, 1345, 1400, 1489, 1585, 1600]) { // with every link that the frame can have
      await page.setViewportSize({ width, height: 700 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) fault("frame", `at ${width} px it scrolls sideways by ${wide} px`);
    }
    await page.setViewportSize(before);
  }],
  ["standing", "/standing"], ["standing-none", "/standing", "empty"], ["standing-one", "/standing/sa_01JD0001K7Q2"], ["standing-missing", "/standing/sa_none"],
  ["standing-revoke", "/standing", "", async (page) => { await page.getByRole("button", { name: "Revoke… sa_01JD0001K7Q2" }).click(); await page.getByRole("dialog").waitFor(); }],
  ["action-stood", "/a/act_01JDSTODK7Q2", "", async (page) => { await page.getByText("Allowed by standing").waitFor(); }], ["action-escalated", "/a/act_01JDESCAK7Q2"],
  ["stand", "/a/act_01JDAPPRK7Q2", "", async (page) => {
    await page.getByRole("button", { name: "Agree to the like of it" }).click();
    for (const name of ["amount", "note", "tags"]) await page.getByLabel(`${name}: Its value`).selectOption("vary");
    await page.getByLabel("How often").fill("30");
    await page.getByLabel("Why").fill("every month");
    await page.getByRole("button", { name: "Propose it" }).click();
    await page.getByText("permits at most 20 uses").waitFor();
  }],
  ["runbooks", "/runbooks"], ["runbooks-none", "/runbooks", "empty"], ["runbooks-open", "/runbooks?runbook=maintenance&state=open"], ["runbook", "/runbooks/maintenance"], ["runbook-missing", "/runbooks/none"],
  ["runbook-step", "/runbooks/maintenance", "", async (page) => { await page.getByRole("button", { name: /^Patch/ }).click(); await page.getByText("inputs.hosts").waitFor(); }],
  ["runbook-form", "/runbooks/maintenance", "", async (page) => {
    await page.getByRole("button", { name: "Show the plan" }).click();
    await page.getByText("It is needed.").first().waitFor();
    await page.locator("#start").scrollIntoViewIfNeeded();
  }],
  ["runbook-plan", "/runbooks/maintenance", "", async (page) => {
    await page.getByRole("textbox", { name: "item 1" }).fill("web-1");
    await page.getByRole("textbox", { name: "name" }).fill("erin");
    await page.getByLabel("window").selectOption('"night"');
    await page.getByRole("button", { name: "Show the plan" }).click();
    await page.getByRole("region", { name: "The plan" }).scrollIntoViewIfNeeded();
  }],
  ...["held", "stopped", "hostile", "paused", "failed", "succeeded", "cancelled", "pending"].map((name, i) => [`run-${name}`, `/runs/act_01JR000${i + 1}K7Q2`]), ["run-waiting", "/runs/act_01JR0009K7Q2"], ["run-missing", "/runs/act_none"],
  ["run-step-hold", "/runs/act_01JR0001K7Q2?step=sides.hosts.patch%5B2%5D"], ["run-step-items", "/runs/act_01JR0001K7Q2?step=patch"], ["run-step-failed", "/runs/act_01JR0005K7Q2?step=sides.database.vacuum", "", async (page) => { await page.getByText("Standard error").first().waitFor(); }],
  ["run-step-unknown", "/runs/act_01JR0002K7Q2?step=sides.database.snapshot"], ["run-settle", "/runs/act_01JR0002K7Q2?step=sides.database.snapshot", "", async (page) => { await page.getByRole("button", { name: "Say how it ended" }).click(); await page.getByRole("dialog").waitFor(); }],
  ["action-hold", "/a/act_01JDHELDK7Q2", "", async (page) => { await page.getByText("A step of a run").waitFor(); }],
  ["action-of-run", "/a/act_01JDSTEPK7Q2", "", async (page) => { await page.getByText("A step of a run").waitFor(); }],
  ["insights", "/insights"], ["insights-week", "/insights?days=7"], ["insights-table", "/insights?days=7", "", async (page) => { await page.locator("summary", { hasText: "Actions a day" }).click(); }], ["insights-empty", "/insights", "empty"],
  ["insights-at", "/insights?days=90", "", async (page) => { await page.getByRole("slider", { name: "From the question to the decision" }).focus(); await page.keyboard.press("ArrowLeft"); await page.locator(".tip").waitFor(); }],
  ...["people", "groups", "oncall", "agents", "tokens", "sessions", "channels"].map((tab) => [`admin-${tab}`, `/admin?tab=${tab}`]), ["admin-auditor", "/admin", "auditor"],
  ...["", "auditor"].map((mood) => [`admin-letters${mood}`, "/admin?tab=channels", mood, async (page) => { await page.locator("summary", { hasText: "given up" }).click(); await page.locator(".letters").scrollIntoViewIfNeeded(); }]),
  ["admin-person", "/admin", "", async (page) => { await page.getByRole("button", { name: "Change groups… of bob" }).click(); await page.getByRole("dialog").waitFor(); }],
  ["admin-out", "/admin", "", async (page) => { await page.getByRole("button", { name: "Deactivate… bob" }).click(); await page.getByRole("dialog").waitFor(); }],
  ["more", "/", "", async (page) => { const more = page.getByRole("button", { name: "More" }); if (await more.isVisible()) { await more.click(); await page.locator(".nav-rest.open").waitFor(); } }],
  ["login", "/login", "signedout"], ["enrol", "/enrol#GOOD", "signedout"], ["enrol-bad", "/enrol#OLD", "signedout"],
  ["help", "/", "", async (page) => { await page.keyboard.press("?"); await page.getByRole("dialog").waitFor(); }],
  ["amend", `/a/${id(3)}`, "", async (page) => { await page.getByRole("button", { name: "Amend" }).click(); await page.getByRole("dialog").waitFor(); }],
].filter(([name]) => !only || name.startsWith(only));
const views = [
  ["light", { width: 1280, height: 860 }, "light"], ["dark", { width: 1280, height: 860 }, "dark"], ["phone", { width: 390, height: 844 }, "light"],
];

const fixture = spawn(process.execPath, [fileURLToPath(new URL("./fixture.mjs", import.meta.url)), String(port)], { stdio: ["ignore", "pipe", "inherit"] });
await new Promise((resolve) => fixture.stdout.once("data", resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
// A page has settled when it has its heading, nothing on it still loads, and what is in view was seen to be so.
const settled = (page) => page.waitForFunction(() =>
  document.querySelector("main h1") && !document.querySelector(".loading") &&
  (!document.querySelector(".meter") || document.querySelector(".meter .digits").textContent.slice(0, 2) !== "0 " ||
    document.querySelector("[data-chunk]").getBoundingClientRect().bottom > innerHeight - document.querySelector(".decision").offsetHeight));
let faults = 0;
const fault = (...words) => { faults += 1; console.error(...words); };
try {
  for (const [view, viewport, colorScheme] of views) {
    for (const [name, path, mood, act] of pages) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
      if (mood) await context.addCookies([{ name: "fixture", value: mood, url: base }]);
      const page = await context.newPage();
      page.on("pageerror", (error) => fault(name, view, "page error:", error.message));
      page.on("console", (message) => {
        if (message.type() === "error" && !/status of (400|401|404|503)/.test(message.text())) fault(name, view, "console:", message.text());
      });
      await page.goto(base + path);
      await settled(page);
      if (act) await act(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) fault(name, view, `scrolls sideways by ${wide} px`);
      // Through the debugger, so that the page's own Content-Security-Policy stays as strict as it is.
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const violation of found.violations) {
        fault(name, view, `axe ${violation.id}: ${violation.help}`, violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)));
      }
      await page.screenshot({ path: `${out}/${name}-${view}.png`, fullPage: process.env.LOOK_FULL === "1" });
      await context.close();
    }
  }
} finally {
  await browser.close();
  fixture.kill();
}
console.log(`${pages.length * views.length} views, ${faults} faults`);
process.exit(faults ? 1 : 0);
