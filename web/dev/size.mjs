// Says what the build weighs, and fails when the script and style pass the budget.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgetBytes = 60 * 1024;
const dist = new URL("../dist/", import.meta.url);
const files = ["index.html", ...readdirSync(new URL("assets/", dist)).map((name) => `assets/${name}`)];
let total = 0;
for (const file of files) {
  const bytes = gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
  total += bytes;
  console.log(`${String(bytes).padStart(7)} bytes gzip  ${file}`);
}
console.log(`${String(total).padStart(7)} bytes gzip  of ${budgetBytes}`);
if (total > budgetBytes) {
  console.error("over the budget");
  process.exit(1);
}
