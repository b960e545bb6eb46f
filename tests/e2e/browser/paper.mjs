// An action on paper: everything of it, nothing of the page around it, black on white. What Chromium would print is a PDF, read by poppler.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { as, ask, asAgent, complaints, enrol, page, read, run, setting, step, url } from "./person.mjs";

const lines = Array.from({ length: 400 }, (_, i) => `line ${i} of four hundred`);
const folder = mkdtempSync(join(tmpdir(), "keyturn-paper-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
let action;
let text = "";

async function print() {
  const pdf = join(folder, "case.pdf");
  await page.pdf({ path: pdf, format: "A4", printBackground: true });
  return pdf;
}
const textOf = (pdf) => execFileSync("pdftotext", ["-layout", pdf, "-"], { encoding: "utf8" });
// Shares of dark, of white and of coloured pixels on each page.
function tones(pdf) {
  execFileSync("pdftoppm", ["-r", "40", pdf, join(folder, "sheet")]);
  return execFileSync("ls", [folder], { encoding: "utf8" }).split("\n").filter((name) => name.endsWith(".ppm")).map((name) => {
    const bytes = readFileSync(join(folder, name));
    const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.subarray(0, 40).toString("latin1"));
    const pixels = bytes.subarray(head[0].length);
    let white = 0;
    let coloured = 0;
    for (let i = 0; i < pixels.length; i += 3) {
      const [r, g, b] = [pixels[i], pixels[i + 1], pixels[i + 2]];
      if (r > 240 && g > 240 && b > 240) white += 1;
      if (Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured += 1;
    }
    return { white: white / (pixels.length / 3), coloured: coloured / (pixels.length / 3) };
  });
}

step("all of the case is on paper: every line, vote, comment and ledger entry, and where its proof is", async () => {
  await enrol(page, setting.link);
  const asked = await ask("append", lines.join("\n"), { reason: "ticket OPS-812" });
  await asAgent("POST", `/v1/actions/${asked.json.id}/comments`, { text: "asked before" });
  const carol = as(setting.carol);
  assert.equal((await carol("POST", `/v1/actions/${asked.json.id}/comments`, { text: "looked at the diff twice" })).status < 300, true);
  assert.equal((await carol("POST", `/v1/actions/${asked.json.id}/votes`, { decision: "approve", digest: asked.json.digest, note: "fine by sre" })).status, 200);
  action = await read(asked.json.id);
  await page.goto(`${url}/a/${action.id}`);
  await page.getByText("looked at the diff twice").waitFor();
  assert.equal(await page.getByText("line 399 of four hundred").count(), 0, "on the screen it is on a later page");
  text = textOf(await print()).replace(/\s+/g, " ");
  for (const line of lines) assert(text.includes(line), `${line} is not on paper`);
  for (const words of [action.id, action.digest, "OPS-812", "looked at the diff twice", "fine by sre", "carol", "two-people", `/ledger?entry=${action.ledger.index}`, action.ledger.origin, "printed"]) {
    assert(text.includes(words), `${words} is not on paper:\n${text.slice(-1500)}`);
  }
  for (let i = 0; i < 3; i++) assert.match(text, /ledger entry \d+/);
});
step("nothing of the page around it is, and no time that is relative", async () => {
  for (const words of ["Activity", "Policy Ledger", "Approve", "Deny", "Add a note", "Show the next part", "parts seen", "page 1 of", "Comment", "Copy", "Amend", " ago", "not all seen"]) {
    assert(!text.includes(words), `“${words}” is on paper`);
  }
});
step("printing shows nothing to a reviewer: what was not on the screen is still not seen", async () => {
  await page.locator(".meter").waitFor();
  assert.equal(await page.getByText("line 399 of four hundred").count(), 0);
  assert(await page.getByRole("button", { name: /^Approve/ }).isDisabled());
});
step("black on white, from a dark screen too", async () => {
  for (const [colorScheme, theme] of [["light", "auto"], ["dark", "auto"], ["light", "dark"]]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate((value) => { localStorage.setItem("keyturn.theme", value); }, theme);
    await page.reload();
    await page.getByText("looked at the diff twice").waitFor();
    for (const { white, coloured } of tones(await print())) {
      assert(white > 0.75, `${colorScheme}/${theme}: ${white} of a page is white`);
      assert(coloured < 0.002, `${colorScheme}/${theme}: ${coloured} of a page is coloured`);
    }
  }
});
step("the console stayed silent", async () => {
  assert.deepEqual(complaints, []);
});

await run();
