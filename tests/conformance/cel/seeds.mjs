// Writes every expression of cel-spec's data into a directory, one a file, as seeds for the fuzz target.
//
//   node seeds.mjs DIRECTORY
import {createHash} from "node:crypto";
import {mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import "./install.mjs";

const directory = process.argv[2];
if (!directory) throw new Error("usage: node seeds.mjs DIRECTORY");
mkdirSync(directory, {recursive: true});
const expressions = new Set();
function gather(suite) {
  for (const t of suite.tests ?? []) expressions.add(t.original.expr);
  for (const s of suite.suites ?? []) gather(s);
}
for (const file of ["parsing", "checking", "comprehension", "conformance"]) {
  gather((await import(`@bufbuild/cel-spec/testdata/${file}.js`)).tests);
}
for (const text of expressions) {
  writeFileSync(join(directory, createHash("sha1").update(text).digest("hex")), text);
}
console.log(`${expressions.size} seeds`);
