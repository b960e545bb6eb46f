// mcp-inspector --cli, by a Node.js that is new enough for it.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { node22 } from "../node22.mjs";

const launcher = join(dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/inspector/package.json")), "clients/launcher/build/index.js");
process.exit(spawnSync(node22(), [launcher, "--cli", ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1);
