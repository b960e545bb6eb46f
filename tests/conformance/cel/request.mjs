// Tests of cel-spec as requests to the batch evaluator, and its answers.
import {spawnSync} from "node:child_process";

// Files that are about protobuf messages, and tests elsewhere that use them.
export const messageFiles = new Set(["proto2", "proto2_ext", "proto3", "enums", "wrappers", "dynamic", "unknowns"]);
const messages =
  /TestAllTypes|google\.protobuf\.(Any|Struct|Value|ListValue|\w+Value|Empty|FieldMask|NullValue)|objectValue|messageType|NestedEnum|GlobalEnum|enumValue|proto\.(has|get)Ext/;
export const usesMessages = (test) => messages.test(JSON.stringify(test));

export function typeText(t) {
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

// The names that a test declares.
export function declarations(test) {
  const out = {container: test.container ?? "", variables: {}, functions: {}};
  for (const d of test.typeEnv ?? []) {
    if (d.ident) out.variables[d.name] = typeText(d.ident.type);
    if (d.function) {
      out.functions[d.name] = d.function.overloads.map((o) =>
        `${o.overloadId} ${o.isInstanceFunction ? "." : ""}(${(o.params ?? []).map(typeText).join(", ")}) ${typeText(o.resultType)}`);
    }
  }
  return out;
}

export function ask(batch, requests) {
  const run = spawnSync(batch, {
    input: requests.map((r) => JSON.stringify(r)).join("\n") + "\n",
    maxBuffer: 1 << 28,
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`the batch evaluator ended with ${run.status ?? run.signal}`);
  return run.stdout.trim().split("\n").map((line) => JSON.parse(line));
}

// What a suite gathers: passed and total by file, failures without a reason, reasons without need.
export class Tally {
  constructor(skips) {
    this.skips = skips;
    this.used = new Set();
    this.files = new Map();
    this.unexpected = [];
    this.passed = 0;
    this.total = 0;
  }
  count(file, name, passed) {
    const entry = this.files.get(file) ?? {passed: 0, skipped: 0, total: 0};
    this.files.set(file, entry);
    entry.total++;
    this.total++;
    if (passed) {
      entry.passed++;
      this.passed++;
      return true;
    }
    const reason = this.reasonFor(name);
    if (!reason) {
      this.unexpected.push(name);
      return false;
    }
    entry.skipped++;
    this.used.add(reason);
    return true;
  }
  // The key in skip.json: the name itself, or a beginning of it and "*".
  reasonFor(name) {
    return Object.keys(this.skips).find((key) => key === name || (key.endsWith("*") && name.startsWith(key.slice(0, -1))));
  }
  stale() {
    return Object.keys(this.skips).filter((name) => !this.used.has(name));
  }
  print(title) {
    for (const [name, f] of this.files) {
      console.log(`${name.padEnd(26)} ${f.passed}/${f.total}${f.skipped ? ` (${f.skipped} skipped, see skip.json)` : ""}`);
    }
    const share = ((100 * this.passed) / this.total).toFixed(2);
    console.log(`${title.padEnd(26)} ${this.passed}/${this.total} (${share}%)`);
  }
}
