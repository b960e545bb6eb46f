// Runs the tests of cel-spec that need no protobuf messages (from @bufbuild/cel-spec) through a batch evaluator.
//
//   node run.mjs PATH-OF-keyturn_cel_batch [--verbose]
//
// Prints one line a file and the total. Fails when fewer pass than floor.json says, when a test fails that skip.json
// does not name, or when skip.json names one that passes.
import {spawnSync, execSync} from "node:child_process";
import {existsSync, readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const batch = process.argv[2];
const verbose = process.argv.includes("--verbose");
if (!batch) throw new Error("usage: node run.mjs PATH-OF-keyturn_cel_batch [--verbose]");
if (!existsSync(join(here, "node_modules/@bufbuild/cel-spec"))) {
  execSync("npm ci --no-fund --no-audit --silent", {cwd: here, stdio: "inherit"});
}
const {tests} = await import("@bufbuild/cel-spec/testdata/conformance.js");
const floor = JSON.parse(readFileSync(join(here, "floor.json"), "utf8"));
const skips = JSON.parse(readFileSync(join(here, "skip.json"), "utf8"));

// Files that are about protobuf messages, and tests elsewhere that use them.
const messageFiles = new Set(["proto2", "proto2_ext", "proto3", "enums", "wrappers", "dynamic", "unknowns"]);
const messages =
  /TestAllTypes|google\.protobuf\.(Any|Struct|Value|ListValue|\w+Value|Empty|FieldMask|NullValue)|objectValue|messageType|NestedEnum|GlobalEnum|enumValue|proto\.(has|get)Ext/;

function typeText(t) {
  if (t.primitive) {
    return {INT64: "int", UINT64: "uint", DOUBLE: "double", STRING: "string", BYTES: "bytes", BOOL: "bool"}[t.primitive];
  }
  if (t.wellKnown) return {TIMESTAMP: "timestamp", DURATION: "duration"}[t.wellKnown] ?? "dyn";
  if (t.listType) return `list(${typeText(t.listType.elemType)})`;
  if (t.mapType) return `map(${typeText(t.mapType.keyType)}, ${typeText(t.mapType.valueType)})`;
  if (t.abstractType) {
    const of = (t.abstractType.parameterTypes ?? []).map(typeText);
    return of.length ? `${t.abstractType.name}(${of.join(", ")})` : t.abstractType.name;
  }
  if (t.typeParam) return t.typeParam;
  if (t.type) return `type(${typeText(t.type)})`;
  if ("null" in t) return "null";
  return "dyn";
}

function request(test) {
  const out = {expr: test.expr, typed: true, container: test.container ?? "", input: {}, variables: {}, functions: {}};
  for (const [name, binding] of Object.entries(test.bindings ?? {})) out.input[name] = binding.value;
  for (const d of test.typeEnv ?? []) {
    if (d.ident) out.variables[d.name] = typeText(d.ident.type);
    if (d.function) {
      out.functions[d.name] = d.function.overloads.map((o) =>
        `${o.overloadId} ${o.isInstanceFunction ? "." : ""}(${(o.params ?? []).map(typeText).join(", ")}) ${typeText(o.resultType)}`);
    }
  }
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
    if (messages.test(JSON.stringify(t.original))) continue;
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

const run = spawnSync(batch, {
  input: cases.map((c) => JSON.stringify(request(c.test))).join("\n") + "\n",
  maxBuffer: 1 << 28,
  encoding: "utf8",
});
if (run.status !== 0) throw new Error(`the batch evaluator ended with ${run.status ?? run.signal}`);
const answers = run.stdout.trim().split("\n").map((line) => JSON.parse(line));

const files = new Map();
const unexpected = [];
const stale = [];
let passed = 0;
cases.forEach((c, i) => {
  const count = files.get(c.file) ?? {passed: 0, total: 0};
  files.set(c.file, count);
  count.total++;
  const reason = skips[c.name] ?? skips[c.name.split("/").slice(0, 2).join("/") + "/*"];
  if (passes(c.test, c.checks, answers[i] ?? {})) {
    count.passed++;
    passed++;
    if (skips[c.name]) stale.push(c.name);
  } else if (!reason) {
    unexpected.push(c.name);
    if (verbose) {
      const want = c.test.evalError ? "an error" : JSON.stringify(c.test.value ?? c.test.typedResult ?? true);
      console.log(`FAIL ${c.name}: ${c.test.expr}\n  got  ${JSON.stringify(answers[i])}\n  want ${want}`);
    }
  }
});
for (const [name, count] of files) console.log(`${name.padEnd(18)} ${count.passed}/${count.total}`);
console.log(`total              ${passed}/${cases.length} (${((100 * passed) / cases.length).toFixed(2)}%), floor ${floor.passed}`);
if (unexpected.length) console.log(`failed without a reason in skip.json:\n  ${unexpected.join("\n  ")}`);
if (stale.length) console.log(`in skip.json, but passing:\n  ${stale.join("\n  ")}`);
if (passed < floor.passed) console.log(`fewer than the floor of ${floor.passed}`);
process.exit(unexpected.length || stale.length || passed < floor.passed ? 1 : 0);
