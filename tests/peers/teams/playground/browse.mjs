// A person before the playground, in Chromium: node browse.mjs '{"url", "steps": […]}', where Playwright is that of web/.
// Steps: {"say": text}, {"fill": label, "with": text}, {"click": button}, {"see": text}, {"gone": button}, {"open": name of a chat or channel}, {"shot": file}.
// Prints one line of JSON for each step that was done; the first that fails ends it with exit code 1. Nothing but the playground is asked for anything.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../../../web/package.json", import.meta.url))("playwright-core");
const { url, steps } = JSON.parse(process.argv[2]);
const WAIT_MS = 60000, KEPT_MAX = 200;
const refused = [];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(WAIT_MS);
  await page.route((asked) => asked.host !== new URL(url).host, (route) => route.abort()); // fonts of a CDN
  page.on("pageerror", (error) => refused.length < KEPT_MAX && refused.push(error.message));
  await page.goto(url);
  const button = (name) => page.getByRole("button", { name, exact: true });
  const doing = {
    say: async ({ say }) => {
      await page.getByRole("textbox").last().click();
      await page.keyboard.type(say);
      await button("Send Message").click();
    },
    fill: (step) => page.getByLabel(step.fill).last().fill(step.with),
    click: ({ click }) => button(click).last().click(),
    see: ({ see }) => page.getByText(see).last().waitFor(),
    gone: ({ gone }) => button(gone).waitFor({ state: "detached" }),
    open: ({ open }) => page.getByRole("treeitem", { name: open }).click(),
    shot: ({ shot }) => page.screenshot({ path: shot }),
  };
  for (const step of steps) {
    const name = Object.keys(doing).find((one) => one in step);
    try {
      await doing[name](step);
    } catch (error) {
      process.stderr.write(`${JSON.stringify(step)}: ${error.message}\nthe page: ${(await page.locator("body").innerText()).slice(0, 3000)}\n${refused.join("\n")}\n`);
      process.exitCode = 1;
      break;
    }
    process.stdout.write(`${JSON.stringify(step)}\n`);
  }
} finally {
  await browser.close();
}
