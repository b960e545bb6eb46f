// Runs the tests of cel-spec that need no protobuf messages (from @bufbuild/cel-spec) through a batch evaluator, and
// compares parse trees and checked trees with those of cel-go, and generated expressions with @bufbuild/cel.
//
//   node run.mjs PATH-OF-keyturn_cel_batch [--verbose]
//
// Prints one line a file and the totals. Fails when fewer pass than floor.json says, when a test fails that skip.json
// does not name, or when skip.json names one that passes.
import {readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import "./install.mjs";
import {ask, declarations, messageFiles, Tally, typeText, usesMessages} from "./request.mjs";
import {runTrees} from "./trees.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const batch = process.argv[2];
const verbose = process.argv.includes("--verbose");
if (!batch) throw new Error("usage: node run.mjs PATH-OF-keyturn_cel_batch [--verbose]");
const {tests} = await import("@bufbuild/cel-spec/testdata/conformance.js");
const floor = JSON.parse(readFileSync(join(here, "floor.json"), "utf8"));
const skips = JSON.parse(readFileSync(join(here, "skip.json"), "utf8"));

function request(test) {
  const out = {expr: test.expr, typed: true, input: {}, ...declarations(test)};
  for (const [name, binding] of Object.entries(test.bindings ?? {})) out.input[name] = binding.value;
  if (test.disableCheck) out.check = false;
  if (test.checkOnly) out.check_only = true;
  return out;
}

const number = (x) => Number(x);

function same(got, want) {
  const kind = Object.keys(want)[0];
  if (!got || !(kind in got)) return false;
  if (kind === "doubleValue") return Object.is(number(got[kind]) + 0, number(want[kind]) + 0);
  if (kind === "listValue") {
    const a = got.listValue.values ?? [];
    const b = want.listValue.values ?? [];
    return a.length === b.length && a.every((x, i) => same(x, b[i]));
  }
  if (kind === "mapValue") {
    const a = got.mapValue.entries ?? [];
    const b = want.mapValue.entries ?? [];
    return a.length === b.length && b.every((y) => a.some((x) => same(x.key, y.key) && same(x.value, y.value)));
  }
  return got[kind] === want[kind];
}

// `checks`: the reference's checker accepts the expression, so ours must, and the error must come when evaluated.
function passes(test, checks, answer) {
  if (test.evalError) return "error" in answer && !(checks && answer.compile);
  const typed = test.typedResult;
  if (typed?.deducedType && !test.disableCheck && answer.type !== typeText(typed.deducedType)) return false;
  if (test.checkOnly) return "type" in answer;
  return same(answer.value, test.value ?? typed?.result ?? {boolValue: true});
}

const cases = [];
function gather(suite, file, path) {
  const seen = new Map();
  for (const t of suite.tests ?? []) {
    if (usesMessages(t.original)) continue;
    const times = (seen.get(t.original.name) ?? 0) + 1;
    seen.set(t.original.name, times);
    const suffix = times > 1 ? `#${times}` : "";
    cases.push({file, name: `${path}/${t.original.name}${suffix}`, test: t.original, checks: "checkedAst" in t});
  }
  for (const s of suite.suites ?? []) gather(s, file, `${path}/${s.name}`);
}
for (const file of tests.suites) {
  if (!messageFiles.has(file.name)) gather(file, file.name, file.name);
}

const values = new Tally(skips.values ?? {});
const answers = ask(batch, cases.map((c) => request(c.test)));
cases.forEach((c, i) => {
  if (values.count(c.file, c.name, passes(c.test, c.checks, answers[i] ?? {})) || !verbose) return;
  const want = c.test.evalError ? "an error" : JSON.stringify(c.test.value ?? c.test.typedResult ?? true);
  console.log(`FAIL ${c.name}: ${c.test.expr}\n  got  ${JSON.stringify(answers[i])}\n  want ${want}`);
});
const trees = await runTrees(batch, skips.trees ?? {}, verbose);

let failed = false;
function conclude(title, tally, least) {
  tally.print(`${title} total`);
  const complain = (what, names) => {
    failed = true;
    console.log(`${what}:\n  ${names.join("\n  ")}`);
  };
  if (tally.unexpected.length) complain("failed without a reason in skip.json", tally.unexpected);
  if (tally.stale().length) complain("in skip.json, but passing or gone", tally.stale());
  if (tally.passed < least) complain("fewer passed than floor.json says", [String(least)]);
}
conclude("values", values, floor.values);
conclude("trees", trees, floor.trees);

// Imported late: the packages may have been installed just now.
const {runDifferential} = await import("./differential.mjs");
const {total, errors, differ} = runDifferential(batch);
console.log(`${"as @bufbuild/cel".padEnd(26)} ${total - differ.length}/${total} generated expressions, ${errors} of them errors`);
if (differ.length) {
  failed = true;
  console.log(`differently from @bufbuild/cel:\n  ${differ.slice(0, 30).join("\n  ")}`);
}
process.exit(failed ? 1 : 0);
