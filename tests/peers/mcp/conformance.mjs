// node conformance.mjs URL 2025-11-25|2026-07-28 ['{"Authorization": "Bearer …"}']: the official suite against a server, as JSON on stdout:
//   [{"scenario": name, "checks": [{"id", "name", "status"}…]}…] in the suite's order. What is equal direct and through a proxy is nothing that the proxy changed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { node22 } from "./node22.mjs";

const [url, revision, headers = "{}"] = process.argv.slice(2);
const here = createRequire(import.meta.url);
const suite = join(dirname(here.resolve("@modelcontextprotocol/conformance/package.json")), "dist/index.js");
const out = mkdtempSync(join(tmpdir(), "conformance-"));

const ran = spawnSync(node22(), ["--import", join(import.meta.dirname, "more_headers.mjs"), suite, "server", "--url", url, "--requirements", revision, "--output-dir", out],
  { encoding: "utf8", timeout: 240_000, env: { ...process.env, MORE_HEADERS: headers } });

// A folder a scenario: server-NAME-TIME.
const found = readdirSync(out).map(folder => {
  const scenario = folder.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT.*$/, "");
  const checks = JSON.parse(readFileSync(join(out, folder, "checks.json"), "utf8"));
  return { scenario, checks: checks.map(({ id, name, status, errorMessage }) => ({ id, name, status, ...(process.env.WHY && errorMessage ? { errorMessage } : {}) })) };
});
rmSync(out, { recursive: true });
if (!found.length) {
  process.stderr.write(`${ran.stdout}\n${ran.stderr}\n`);
  process.exit(1);
}
found.sort((one, other) => (one.scenario < other.scenario ? -1 : 1));
process.stdout.write(found.map(each => JSON.stringify(each)).join("\n") + "\n");
