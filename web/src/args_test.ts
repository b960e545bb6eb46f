import { expect, test } from "vitest";
import { argsText, kindOf, objectProblem } from "./args";

const param = (name: string, schema: Record<string, never> | object) =>
  ({ name, required: true, secret: false, schema: schema as Record<string, never> });
const params = [
  param("text", { type: "string" }), param("rows", { type: "integer" }), param("dry", { type: "boolean" }),
  param("unit", { enum: ["s", "ms"] }), param("hosts", { type: "array" }),
];

test("a field for every kind of parameter", () => {
  expect(params.map(kindOf)).toEqual(["line", "number", "choice", "choice", "json"]);
});

test("what was typed goes out as it was typed, numbers with their digits", () => {
  expect(argsText(params, { text: 'a "b"', rows: "12345678901234567890", dry: "false", unit: '"ms"', hosts: '["x"]' }))
    .toBe('{"text": "a \\"b\\"", "rows": 12345678901234567890, "dry": false, "unit": "ms", "hosts": ["x"]}');
  expect(argsText(params, {})).toBe("{}");
});

test("what is no number or no JSON goes as a text, for the server to refuse", () => {
  expect(argsText(params, { rows: "many", hosts: "x, y" })).toBe('{"rows": "many", "hosts": "x, y"}');
});

test("arguments are one object", () => {
  expect(objectProblem("{}")).toBe("");
  expect(objectProblem("[]")).toContain("object");
  expect(objectProblem("{")).toContain("Not JSON");
});
