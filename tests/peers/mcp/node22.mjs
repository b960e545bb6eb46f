// The Node.js that runs what needs 22: this one, or the one of the lock.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export function node22() {
  if (Number(process.versions.node.split(".")[0]) >= 22) return process.execPath;
  const named = `node-linux-${process.arch}/package.json`;
  return join(dirname(createRequire(import.meta.url).resolve(named)), "bin/node");
}
