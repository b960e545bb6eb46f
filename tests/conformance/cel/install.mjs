// The packages of package-lock.json, installed when one is missing.
import {execSync} from "node:child_process";
import {existsSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
if (!["cel", "cel-spec"].every((name) => existsSync(join(here, "node_modules/@bufbuild", name)))) {
  execSync("npm ci --no-fund --no-audit --silent", {cwd: here, stdio: "inherit"});
}
