// Generated expressions, evaluated by us and by @bufbuild/cel: the same value, or an error from both. Seeded, so that
// every run asks the same questions; KEYTURN_CEL_SEED and KEYTURN_CEL_COUNT ask others.
//
// Kept to what @bufbuild/cel does as the specification says: int, uint, double, string, bool, lists and maps, macros,
// the string functions. Left out, with what differs there:
//   matches()            its pattern is a JavaScript port of RE2's syntax, and errors differ
//   time                 JavaScript's Date knows fewer years, and zones by another table
//   double to string     JavaScript writes 1e21 as "1e+21"
//   int("")              theirs is 0; cel-go and we say it is no int
//   -2**63 % -1          theirs is 0; cel-go and we say it overflows
//   the largest uint / 1 theirs is an error
//   texts outside the basic plane, an empty text in replace(), split(), lastIndexOf()   theirs counts UTF-16 units
import {celEnv, celUint, isCelError, isCelList, isCelMap, isCelUint, parse, plan} from "@bufbuild/cel";
import {strings} from "@bufbuild/cel/ext";
import {ask} from "./request.mjs";

const seed = Number(process.env.KEYTURN_CEL_SEED ?? 20261121);
const count = Number(process.env.KEYTURN_CEL_COUNT ?? 6000);
const milliseconds = 20_000;

// mulberry32
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// One form a line; a letter stands for an expression of a type: I int, U uint, D double, S string, B bool, L list of
// ints, T list of strings, M map of strings to ints; x and y are bound by macros.
const forms = {
  I: ["i", "j", "0", "1", "-1", "2", "7", "9223372036854775807", "-9223372036854775808", "(I + I)", "(I - I)", "(I * I)", "(I / I)", "(I % 7)", "(7 % I)",
    "-(I)", "size(S)", "size(L)", "S.size()", "L[I]", "M[S]", "m.a", "(B ? I : I)", "int(U)", "int(D)", "int(string(I))", "size(M)", "size(T)",
    "S.indexOf(S)", "S.lastIndexOf('a')"],
  U: ["u", "0u", "3u", "18446744073709551615u", "(U + U)", "(U - U)", "(U * U)", "(U / 3u)", "(7u / U)", "(U % U)", "uint(I)"],
  D: ["d", "0.0", "1.5", "-2.25", "1e300", "(D + D)", "(D - D)", "(D * D)", "(D / D)", "double(I)", "double(U)", "-(D)"],
  S: ["s", "''", "'a'", "'ab'", "'Keyturn'", "'ü€ß'", "(S + S)", "string(I)", "string(U)", "T[I]", "(B ? S : S)", "string(B)",
    "S.lowerAscii()", "S.upperAscii()", "S.trim()", "S.replace('a', S)", "T.join(S)", "T.join()", "S.charAt(I)", "S.substring(I)",
    "S.substring(I, I)"],
  B: ["b", "true", "false", "(I == I)", "(I != I)", "(I < I)", "(I <= I)", "(I > I)", "(I >= I)", "(U < U)", "(D < D)", "(D >= D)", "(I < D)",
    "(U >= I)", "(dyn(I) == D)", "(dyn(U) == I)", "(S == S)", "(S < S)", "(S >= S)", "(B && B)", "(B || B)", "!(B)", "(B ? B : B)", "(I in L)",
    "(S in T)", "(S in M)", "(L == L)", "(M == M)", "(T != T)", "S.contains(S)", "S.startsWith(S)", "S.endsWith(S)", "has(m.a)", "has(m.zz)",
    "L.exists(x, x > I)", "L.all(x, x != I)", "L.exists_one(x, x == I)", "L.all(x, I / x > 0)", "T.exists(y, y == S)", "M.all(y, y != S)",
    "L.exists(x, L.exists(y, x + y == I))", "T.all(y, y.size() > I)", "type(I) == int", "type(dyn(S)) == string"],
  L: ["l", "[I]", "[I, I]", "[I, I, I]", "(L + L)", "L.map(x, x * I)", "L.filter(x, x > I)", "L.map(x, x > I, x - I)", "(B ? L : L)",
    "T.map(y, y.size())", "M.map(y, m[y])"],
  T: ["t", "['a', S]", "[S]", "(T + T)", "T.map(y, y + S)", "T.filter(y, y != S)", "S.split(',')", "L.map(x, string(x))"],
  M: ["m", "{'a': I}", "{'a': I, S: I}", "(B ? M : M)"],
};

function expression(type, depth, next) {
  const all = forms[type];
  const plain = all.filter((f) => !/[A-Z]/.test(f.replace(/'[^']*'/g, "").replace(/[a-z][A-Za-z]*/g, "")));
  const from = depth === 0 ? plain : all;
  const form = from[Math.floor(next() * from.length)];
  return form.replace(/'[^']*'|[a-z][A-Za-z_]*|[A-Z]/g, (word) => (word.length === 1 && forms[word] ? expression(word, depth - 1, next) : word));
}

const inputs = [
  {i: 5, j: -3, u: 7, d: 2.5, s: "key", b: true, l: [1, 2, 3], t: ["a", "ab", "key"], m: {a: 1, b: 2}},
  {i: 0, j: 1, u: 0, d: -0.5, s: "a,b,,c", b: false, l: [], t: [], m: {}},
  {i: 9007199254740993n, j: -9223372036854775808n, u: 18446744073709551615n, d: 1e18, s: "ü€ß ", b: true, l: [0, -1, 0], t: ["", "ß"], m: {a: -1, "": 0}},
];
const types = {i: "int", j: "int", u: "uint", d: "double", s: "string", b: "bool", l: "list(int)", t: "list(string)", m: "map(string, int)"};

const ours = {
  int: (v) => ({int64Value: String(v)}),
  uint: (v) => ({uint64Value: String(v)}),
  double: (v) => ({doubleValue: v}),
  string: (v) => ({stringValue: v}),
  bool: (v) => ({boolValue: v}),
  "list(int)": (v) => ({listValue: {values: v.map(ours.int)}}),
  "list(string)": (v) => ({listValue: {values: v.map(ours.string)}}),
  "map(string, int)": (v) => ({
    mapValue: {entries: Object.entries(v).map(([key, value]) => ({key: ours.string(key), value: ours.int(value)}))},
  }),
};
const theirs = {
  int: BigInt,
  uint: (v) => celUint(BigInt(v)),
  "list(int)": (v) => v.map(BigInt),
  "map(string, int)": (v) => new Map(Object.entries(v).map(([key, value]) => [key, BigInt(value)])),
};

// Both answers as one text.
function textOfTheirs(v) {
  if (isCelError(v)) return "error";
  if (typeof v === "bigint") return `int ${v}`;
  if (isCelUint(v)) return `uint ${v.value}`;
  if (typeof v === "number") return `double ${Object.is(v, -0) ? 0 : v}`;
  if (typeof v === "string") return `string ${JSON.stringify(v)}`;
  if (typeof v === "boolean") return `bool ${v}`;
  if (isCelList(v)) return `[${[...v].map(textOfTheirs).join(", ")}]`;
  if (isCelMap(v)) return `{${[...v].map(([key, value]) => `${textOfTheirs(key)}: ${textOfTheirs(value)}`).sort().join(", ")}}`;
  return `other ${v}`;
}
function textOfOurs(v) {
  const [kind, x] = Object.entries(v)[0];
  if (kind === "int64Value") return `int ${x}`;
  if (kind === "uint64Value") return `uint ${x}`;
  if (kind === "doubleValue") return `double ${Object.is(Number(x), -0) ? 0 : Number(x)}`;
  if (kind === "stringValue") return `string ${JSON.stringify(x)}`;
  if (kind === "boolValue") return `bool ${x}`;
  if (kind === "listValue") return `[${x.values.map(textOfOurs).join(", ")}]`;
  if (kind === "mapValue") return `{${x.entries.map((e) => `${textOfOurs(e.key)}: ${textOfOurs(e.value)}`).sort().join(", ")}}`;
  return `other ${kind}`;
}

const environment = celEnv({funcs: strings});
function evaluated(expr, bindings) {
  try {
    return textOfTheirs(plan(environment, parse(expr))(bindings));
  } catch {
    return "error";
  }
}

// How many agree, and the expressions about which the two do not.
export function runDifferential(batch) {
  const next = random(seed);
  const started = Date.now();
  const cases = [];
  const kinds = Object.keys(forms);
  while (cases.length < count && Date.now() - started < milliseconds) {
    const expr = expression(kinds[cases.length % kinds.length], 1 + Math.floor(next() * 3), next);
    const input = inputs[Math.floor(next() * inputs.length)];
    const bindings = {};
    for (const [name, value] of Object.entries(input)) bindings[name] = (theirs[types[name]] ?? ((v) => v))(value);
    cases.push({expr, input, want: evaluated(expr, bindings)});
  }
  const answers = ask(batch, cases.map(({expr, input}) => {
    const typed = {};
    for (const [name, value] of Object.entries(input)) typed[name] = ours[types[name]](value);
    return {expr, typed: true, input: typed, variables: types};
  }));
  const differ = [];
  let errors = 0;
  cases.forEach((c, k) => {
    const got = answers[k].value ? textOfOurs(answers[k].value) : "error";
    if (c.want === "error") errors++;
    if (got !== c.want) differ.push(`${c.expr}\n    ours ${got} ${answers[k].error ?? ""}\n    theirs ${c.want}`);
  });
  return {total: cases.length, errors, differ};
}
