// A form from a JSON Schema: what is typed, as a tree; as the JSON text that is sent; and what is wrong with it, by JSON Pointer.
// Numbers keep the digits that were typed. The server decides; what is said here is said earlier. Pure.

import type { Schema } from "./api/runs";
import type { Json } from "./api/types";

export type Kind = "line" | "lines" | "number" | "flag" | "choice" | "list" | "object" | "json";

export type Draft = { text: string } | { items: Draft[] } | { members: Record<string, Draft> };

export interface Field {
  name: string;
  schema: Schema;
  required: boolean;
}

const depthMax = 5; // deeper it is written as JSON
const isObject = (value: unknown): value is Schema => !!value && typeof value === "object" && !Array.isArray(value);
const word = (schema: Schema, key: string): string => (typeof schema[key] === "string" ? schema[key] : "");
const size = (schema: Schema, key: string): number | undefined => {
  const value = schema[key];
  return value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(String(textOf(value)));
};
// As JSON writes it, so that a number which no double holds keeps its digits.
const textOf = (value: Json): string => JSON.stringify(value);

export const aboutOf = (schema: Schema): string => word(schema, "description") || word(schema, "title");
export const choicesOf = (schema: Schema): string[] => (Array.isArray(schema.enum) ? schema.enum : schema.const !== undefined ? [schema.const] : []).map(textOf);
// What a choice is called: a text without its quotation marks.
export const choiceWords = (json: string): string => {
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? value : json;
};

export function fieldsOf(schema: Schema): Field[] {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(isObject(schema.properties) ? schema.properties : {}).map(([name, one]) =>
    ({ name, schema: isObject(one) ? one : {}, required: required.includes(name) }));
}

export function kindOf(schema: Schema, depth = 0): Kind {
  if (choicesOf(schema).length > 0) return "choice";
  switch (word(schema, "type")) {
    case "boolean":
      return "flag";
    case "integer":
    case "number":
      return "number";
    case "string":
      return (size(schema, "maxLength") ?? 0) > 200 ? "lines" : "line";
    case "array":
      return depth < depthMax ? "list" : "json";
    case "object":
      return depth < depthMax && fieldsOf(schema).length > 0 ? "object" : "json";
    default:
      return "json";
  }
}

// What the items of a list are; without a word, texts.
export const itemOf = (schema: Schema): Schema => (isObject(schema.items) ? schema.items : { type: "string" });

// What a form begins with: a value, a default, or nothing.
export function draftOf(schema: Schema, value: Json | undefined = schema.default, depth = 0): Draft {
  switch (kindOf(schema, depth)) {
    case "list":
      return { items: Array.isArray(value) ? value.map((one) => draftOf(itemOf(schema), one, depth + 1))
        : Array.from({ length: Math.min(size(schema, "minItems") ?? 0, 20) }, () => draftOf(itemOf(schema), undefined, depth + 1)) };
    case "object":
      return { members: Object.fromEntries(fieldsOf(schema).map(({ name, schema: one }) =>
        [name, draftOf(one, isObject(value) ? value[name] : one.default, depth + 1)])) };
    case "line":
    case "lines":
      return { text: typeof value === "string" ? value : value === undefined ? "" : textOf(value) };
    default:
      return { text: value === undefined ? "" : textOf(value) };
  }
}

const isEmpty = (draft: Draft): boolean =>
  "text" in draft ? draft.text === "" : "items" in draft ? draft.items.length === 0 : Object.values(draft.members).every(isEmpty);

const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const member = (draft: Draft, name: string): Draft => ("members" in draft ? draft.members[name] : undefined) ?? { text: "" };

// JSON text of what was typed; null: it is left out. What is no number or no JSON goes as a text, for the server to refuse.
export function jsonOf(schema: Schema, draft: Draft, required = true, depth = 0): string | null {
  if ("items" in draft) {
    if (draft.items.length === 0 && !required && schema.default === undefined) return null;
    return `[${draft.items.map((one) => jsonOf(itemOf(schema), one, true, depth + 1) ?? '""').join(",")}]`;
  }
  if ("members" in draft) {
    if (isEmpty(draft) && !required) return null;
    const members = fieldsOf(schema).flatMap(({ name, schema: one, required: must }) => {
      const text = jsonOf(one, member(draft, name), must, depth + 1);
      return text === null ? [] : [`${JSON.stringify(name)}:${text}`];
    });
    return `{${members.join(",")}}`;
  }
  const { text } = draft;
  if (text === "") return null;
  switch (kindOf(schema, depth)) {
    case "number":
      return isNumber.test(text.trim()) ? text.trim() : JSON.stringify(text);
    case "flag":
    case "choice":
      return text;
    case "json":
      try {
        JSON.parse(text);
        return text;
      } catch {
        return JSON.stringify(text);
      }
    default:
      return JSON.stringify(text);
  }
}

const escaped = (name: string): string => name.replace(/~/g, "~0").replace(/\//g, "~1");
export const under = (pointer: string, name: string | number): string => `${pointer}/${escaped(String(name))}`;

const least = (n: number, one: string): string => `at least ${n} ${n === 1 ? one : `${one}s`}`;
const most = (n: number, one: string): string => `at most ${n} ${n === 1 ? one : `${one}s`}`;

function textProblem(schema: Schema, text: string): string {
  const length = [...text].length;
  const [min, max, bytes] = [size(schema, "minLength"), size(schema, "maxLength"), size(schema, "bytes_max")];
  if (min !== undefined && length < min) return `It needs ${least(min, "character")}.`;
  if (max !== undefined && length > max) return `It has ${length} characters; ${most(max, "character")}.`;
  if (bytes !== undefined && new TextEncoder().encode(text).length > bytes) return `It may have ${most(bytes, "byte")}.`;
  const pattern = word(schema, "pattern");
  try {
    if (pattern && !new RegExp(pattern, "u").test(text)) return `It must match ${pattern}.`;
  } catch {
    // Another dialect's: the server looks.
  }
  return "";
}

function numberProblem(schema: Schema, typed: string): string {
  const text = typed.trim();
  if (!isNumber.test(text)) return "It must be a number.";
  if (word(schema, "type") === "integer" && !/^-?\d+$/.test(text)) return "It must be a whole number.";
  const [min, max] = [size(schema, "minimum"), size(schema, "maximum")];
  if (min !== undefined && Number(text) < min) return `It must be at least ${textOf(schema.minimum!)}.`;
  if (max !== undefined && Number(text) > max) return `It must be at most ${textOf(schema.maximum!)}.`;
  return "";
}

// Everything that can be told before the server is asked: what is wrong, by pointer.
export function problemsOf(schema: Schema, draft: Draft, required = true, pointer = "", depth = 0): Map<string, string> {
  const out = new Map<string, string>();
  const say = (words: string): Map<string, string> => (words ? out.set(pointer, words) : out);
  if ("items" in draft) {
    const [min, max] = [size(schema, "minItems"), size(schema, "maxItems")];
    if (draft.items.length === 0 && !required) return out;
    if (min !== undefined && draft.items.length < min) say(`It needs ${least(min, "item")}.`);
    if (max !== undefined && draft.items.length > max) say(`It may have ${most(max, "item")}.`);
    draft.items.forEach((one, i) => problemsOf(itemOf(schema), one, true, under(pointer, i), depth + 1).forEach((words, at) => out.set(at, words)));
    return out;
  }
  if ("members" in draft) {
    if (isEmpty(draft) && !required) return out;
    for (const { name, schema: one, required: must } of fieldsOf(schema)) {
      problemsOf(one, member(draft, name), must, under(pointer, name), depth + 1).forEach((words, at) => out.set(at, words));
    }
    return out;
  }
  const { text } = draft;
  const kind = kindOf(schema, depth);
  if (text === "") return required && schema.default === undefined ? say("It is needed.") : out;
  if (kind === "number") return say(numberProblem(schema, text));
  if (kind === "line" || kind === "lines") return say(textProblem(schema, text));
  if (kind !== "json") return out;
  try {
    JSON.parse(text);
  } catch (error) {
    say(`Not JSON yet: ${error instanceof Error ? error.message : String(error)}`);
  }
  return out;
}

// What may be typed, in a few words: "a whole number, 1 to 9", "default 3".
export function hintOf(schema: Schema): string {
  const [min, max] = [schema.minimum, schema.maximum];
  const range = min !== undefined && max !== undefined ? `${textOf(min)} to ${textOf(max)}` : min !== undefined ? `at least ${textOf(min)}` : max !== undefined ? `at most ${textOf(max)}` : "";
  const [fewest, largest] = [size(schema, "minItems"), size(schema, "maxItems")];
  const items = fewest !== undefined && largest !== undefined ? `${fewest} to ${largest} items` : fewest !== undefined ? least(fewest, "item") : largest !== undefined ? most(largest, "item") : "";
  const kind = kindOf(schema);
  return [
    kind === "number" && word(schema, "type") === "integer" ? `a whole number${range && `, ${range}`}` : range, items,
    kind === "json" && (word(schema, "type") || "any value") + ", as JSON",
    schema.default !== undefined && kind !== "list" && kind !== "object" && `default ${kind === "flag" ? (schema.default === true ? "yes" : "no") : choiceWords(textOf(schema.default))}`,
  ].filter(Boolean).join("; ");
}

// Which field a problem of the server stands at: the field itself, or the nearest around it; null: none of them. `known`: the
// pointers of the form's fields.
export function fieldAt(pointer: string | undefined, known: Iterable<string>): string | null {
  const all = new Set(known);
  for (const prefix of ["/args", "/inputs", ""]) {
    if (prefix && !(pointer ?? "").startsWith(`${prefix}/`)) continue;
    for (let at = (pointer ?? "").slice(prefix.length); at; at = at.slice(0, at.lastIndexOf("/"))) if (all.has(at)) return at;
  }
  return null;
}

export function pointersOf(schema: Schema, draft: Draft, pointer = ""): string[] {
  const inner = "items" in draft ? draft.items.flatMap((one, i) => pointersOf(itemOf(schema), one, under(pointer, i)))
    : "members" in draft ? fieldsOf(schema).flatMap(({ name, schema: one }) => pointersOf(one, member(draft, name), under(pointer, name))) : [];
  return pointer ? [pointer, ...inner] : inner;
}
