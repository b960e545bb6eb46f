import { expect, test } from "vitest";
import type { Schema } from "./api/runs";
import { draftOf, fieldAt, hintOf, jsonOf, kindOf, pointersOf, problemsOf, type Draft } from "./schema_form";

const schema: Schema = {
  type: "object", required: ["hosts", "window", "depth"],
  properties: {
    hosts: { type: "array", items: { type: "string", pattern: "^[a-z]+$" }, minItems: 1, maxItems: 3 },
    window: { type: "string", enum: ["night", "weekend"] },
    depth: { type: "integer", minimum: 1, maximum: 9, default: 3 },
    share: { type: "number", maximum: 1 },
    dry: { type: "boolean" },
    note: { type: "string", minLength: 2, maxLength: 5 },
    contact: { type: "object", required: ["name"], properties: { name: { type: "string" }, phone: { type: "string" } } },
    labels: { type: "object" },
    windows: { type: "array", items: { type: "object", required: ["day"], properties: { day: { type: "string" }, hours: { type: "array", items: { type: "integer" } } } } },
  },
};
const text = (typed: string): Draft => ({ text: typed });
const typed = (members: Record<string, Draft>): Draft => ({ members: { ...(draftOf(schema) as { members: Record<string, Draft> }).members, ...members } });
const good = { hosts: { items: [text("web")] }, window: text('"night"') };
const problems = (draft: Draft): Record<string, string> => Object.fromEntries(problemsOf(schema, draft));

test("a field for every kind of input", () => {
  const kinds = Object.entries(schema.properties as Record<string, Schema>).map(([name, one]) => [name, kindOf(one)]);
  expect(kinds).toEqual([["hosts", "list"], ["window", "choice"], ["depth", "number"], ["share", "number"], ["dry", "flag"], ["note", "line"],
    ["contact", "object"], ["labels", "json"], ["windows", "list"]]);
  expect(kindOf({ type: "string", maxLength: 2000 })).toBe("lines");
  expect(kindOf({ const: 4 })).toBe("choice");
  expect(kindOf({})).toBe("json");
});

test("defaults stand in it at first, and as many items as there must be", () => {
  expect(draftOf(schema)).toMatchObject({ members: { hosts: { items: [{ text: "" }] }, depth: { text: "3" }, window: { text: "" } } });
  expect(draftOf({ type: "array", items: { type: "integer" }, default: [1, 2] })).toEqual({ items: [{ text: "1" }, { text: "2" }] });
});

test("what was typed goes out as it was typed; what was left empty does not", () => {
  expect(jsonOf(schema, typed({ ...good, depth: text("12345678901234567890"), dry: text("false"), note: text('a"b') })))
    .toBe('{"hosts":["web"],"window":"night","depth":12345678901234567890,"dry":false,"note":"a\\"b"}');
  expect(jsonOf(schema, typed({ ...good, depth: text(""), labels: text('{"a": [1]}'), contact: { members: { name: text("erin"), phone: text("") } } })))
    .toBe('{"hosts":["web"],"window":"night","contact":{"name":"erin"},"labels":{"a": [1]}}');
  expect(jsonOf(schema, typed({ ...good, windows: { items: [{ members: { day: text("mon"), hours: { items: [text("1"), text("2")] } } }] } })))
    .toBe('{"hosts":["web"],"window":"night","depth":3,"windows":[{"day":"mon","hours":[1,2]}]}');
});

test("what is no number or no JSON goes as a text, for the server to refuse", () => {
  expect(jsonOf({ type: "integer" }, text("many"))).toBe('"many"');
  expect(jsonOf({ type: "object" }, text("{"))).toBe('"{"');
});

test("a list whose default was taken away is sent empty, so that the default does not come back", () => {
  const list: Schema = { type: "array", default: ["a"] };
  expect(jsonOf(list, { items: [] }, false)).toBe("[]");
  expect(jsonOf({ type: "array" }, { items: [] }, false)).toBe(null);
});

test("every value comes back as it went out", () => {
  const value = { hosts: ["a", "b"], window: "weekend", depth: 4, share: 0.5, dry: true, note: "abc", contact: { name: "x", phone: "1" }, labels: { k: [null] }, windows: [{ day: "tue", hours: [7] }] };
  expect(JSON.parse(jsonOf(schema, draftOf(schema, value))!)).toEqual(value);
});

test("what is wrong is said by pointer", () => {
  expect(problems(typed({}))).toEqual({ "/hosts/0": "It is needed.", "/window": "It is needed." });
  expect(problems(typed(good))).toEqual({});
  expect(problems(typed({ ...good, hosts: { items: [] } }))).toEqual({ "/hosts": "It needs at least 1 item." });
  expect(problems(typed({ ...good, hosts: { items: ["a", "B", "c", "d"].map(text) } }))).toEqual({ "/hosts": "It may have at most 3 items.", "/hosts/1": "It must match ^[a-z]+$." });
  expect(problems(typed({ ...good, depth: text("1.5") }))).toEqual({ "/depth": "It must be a whole number." });
  expect(problems(typed({ ...good, depth: text("10") }))).toEqual({ "/depth": "It must be at most 9." });
  expect(problems(typed({ ...good, depth: text("0") }))).toEqual({ "/depth": "It must be at least 1." });
  expect(problems(typed({ ...good, share: text("x") }))).toEqual({ "/share": "It must be a number." });
  expect(problems(typed({ ...good, note: text("é") }))).toEqual({ "/note": "It needs at least 2 characters." });
  expect(problems(typed({ ...good, note: text("abcdef") }))).toEqual({ "/note": "It has 6 characters; at most 5 characters." });
  expect(problems(typed({ ...good, labels: text("{") }))["/labels"]).toContain("Not JSON yet");
  expect(problems(typed({ ...good, contact: { members: { name: text(""), phone: text("1") } } }))).toEqual({ "/contact/name": "It is needed." });
  expect(problems(typed({ ...good, depth: text("") }))).toEqual({}); // the default comes in
});

test("a pattern of another dialect is left to the server", () => {
  expect(problemsOf({ type: "string", pattern: "(?i)^a\\z" }, text("b")).size).toBe(0);
});

test("names in pointers are escaped", () => {
  const odd: Schema = { type: "object", required: ["a/b~c"], properties: { "a/b~c": { type: "string" } } };
  expect([...problemsOf(odd, draftOf(odd)).keys()]).toEqual(["/a~1b~0c"]);
});

test("the server's problem stands at its field, or at the nearest around it", () => {
  const known = pointersOf(schema, typed(good));
  expect(known).toContain("/hosts/0");
  expect(fieldAt("/inputs/hosts/0", known)).toBe("/hosts/0");
  expect(fieldAt("/args/hosts/7", known)).toBe("/hosts");
  expect(fieldAt("/args/labels/x/y", known)).toBe("/labels");
  expect(fieldAt("/reason", known)).toBe(null);
  expect(fieldAt(undefined, known)).toBe(null);
  expect(fieldAt("/args/args", ["/args"])).toBe("/args");
});

test("what may be typed, in a few words", () => {
  expect(hintOf((schema.properties as Record<string, Schema>).depth!)).toBe("a whole number, 1 to 9; default 3");
  expect(hintOf((schema.properties as Record<string, Schema>).hosts!)).toBe("1 to 3 items");
  expect(hintOf({ type: "string", default: "x" })).toBe("default x");
  expect(hintOf({ type: "boolean", default: false })).toBe("default no");
  expect(hintOf({ type: "object" })).toBe("object, as JSON");
});
