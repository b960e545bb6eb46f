// Says what the build weighs: the first load, which is all that deciding needs, held to its budget; then every page that comes later.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgetBytes = 48 * 1024;
const dist = new URL("../dist/", import.meta.url);
const page = readFileSync(new URL("index.html", dist), "utf8");
const first = new Set(["index.html", ...[...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((found) => found[1])]);
const weigh = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
const say = (bytes, what) => console.log(`${String(bytes).padStart(7)} bytes gzip  ${what}`);
const sum = (files) => files.map((file) => {
  const bytes = weigh(file);
  say(bytes, file);
  return bytes;
}).reduce((a, b) => a + b, 0);

const atOnce = sum([...first]);
say(atOnce, `at first, of ${budgetBytes}`);
const later = sum(readdirSync(new URL("assets/", dist)).map((name) => `assets/${name}`).filter((name) => !first.has(name)).sort());
say(atOnce + later, "altogether");
if (atOnce > budgetBytes) {
  console.error("the first load is over its budget");
  process.exit(1);
}
