// cel-go's suites of parsing, checking and comprehensions, and the trees of the conformance tests: what we parse and
// what we check, compared with the reference's trees as text, and the type of the whole.
import {ask, declarations, messageFiles, Tally, usesMessages} from "./request.mjs";

// The environment that cel-go's checker tests have when they name none.
const defaults = {
  container: "",
  variables: {is: "string", ii: "int", iu: "uint", iz: "bool", ib: "bytes", id: "double", ix: "null"},
  functions: {fg_s: ["fg_s_0 () string"], fi_s_s: ["fi_s_s_0 .(string) string"]},
};

// cel-go's parser tests allow a recursion of 32.
const limits = {parsing: {depth_max: 32}};

// The reference of this one was made with an order of numbers across types, the others without.
const acrossTypes = new Set(["checking/71"]);

function flatten(suite, path, out) {
  (suite.tests ?? []).forEach((t, i) => out.push({name: `${path}/${t.original.name ?? i + 1}`, ...t}));
  for (const s of suite.suites ?? []) flatten(s, `${path}/${s.name}`, out);
  return out;
}

// Every test is two: its parse tree, and its checked tree with its type. Messages have a parse tree as well.
export async function runTrees(batch, skips, verbose) {
  const cases = [];
  for (const file of ["parsing", "checking", "comprehension"]) {
    const {tests} = await import(`@bufbuild/cel-spec/testdata/${file}.js`);
    for (const t of flatten(tests, file, [])) {
      const environment = file === "checking" && !t.original.typeEnv ? {...defaults, container: t.original.container ?? ""} : declarations(t.original);
      cases.push({file, ...t, request: {expr: t.original.expr, trees: true, standard: true, order_across_types: acrossTypes.has(t.name), ...limits[file], ...environment}});
    }
  }
  const {tests} = await import("@bufbuild/cel-spec/testdata/conformance.js");
  for (const suite of tests.suites) {
    for (const t of messageFiles.has(suite.name) ? [] : flatten(suite, suite.name, [])) {
      if (usesMessages(t.original) || t.original.disableCheck) continue;
      cases.push({file: "conformance", ...t, request: {expr: t.original.expr, trees: true, ...declarations(t.original)}});
    }
  }
  const tally = new Tally(skips);
  const answers = ask(batch, cases.map((c) => c.request));
  cases.forEach((c, i) => {
    const got = answers[i];
    const verdicts = {ast: got.ast === c.ast};
    // The reference's trees of conformance tests that it refuses come from an environment without extensions.
    if (c.file !== "conformance" || c.checkedAst) verdicts.checked = got.checked === c.checkedAst && got.type === c.type;
    for (const [what, passed] of Object.entries(verdicts)) {
      const fine = tally.count(`${c.file} (${what})`, `${c.name} ${what}`, passed);
      if (!fine && verbose) {
        const want = what === "ast" ? c.ast : c.checkedAst;
        console.log(`FAIL ${c.name} ${what}: ${c.original.expr}\n--- got\n${got[what] ?? got.error}\n--- want\n${want ?? c.error}`);
      }
    }
  });
  return tally;
}
