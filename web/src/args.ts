// Arguments as fields of a form, by the schemas of a tool's parameters, and as the JSON text that is sent.

import type { Json, ToolParam } from "./api/types";

export type FieldKind = "line" | "number" | "choice" | "json";

const word = (schema: ToolParam["schema"], key: string): string => {
  const value = schema[key];
  return typeof value === "string" ? value : "";
};

export const choicesOf = (param: ToolParam): Json[] => {
  const { enum: choices } = param.schema;
  if (Array.isArray(choices)) return choices;
  return word(param.schema, "type") === "boolean" ? [true, false] : [];
};

export function kindOf(param: ToolParam): FieldKind {
  if (choicesOf(param).length > 0) return "choice";
  switch (word(param.schema, "type")) {
    case "string":
      return "line";
    case "integer":
    case "number":
      return "number";
    default:
      return "json";
  }
}

const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

// One value as JSON text: a number keeps the digits that were typed. What is no number, or no JSON, goes as a text,
// and the server says what is wrong with it.
function jsonOf(param: ToolParam, typed: string): string {
  switch (kindOf(param)) {
    case "choice":
      return typed; // its own JSON text
    case "number":
      return isNumber.test(typed.trim()) ? typed.trim() : JSON.stringify(typed);
    case "json":
      try {
        JSON.parse(typed);
        return typed;
      } catch {
        return JSON.stringify(typed);
      }
    case "line":
      return JSON.stringify(typed);
  }
}

// What is left empty is left out.
export function argsText(params: ToolParam[], typed: Record<string, string>): string {
  const members = params.flatMap((param) => {
    const value = typed[param.name] ?? "";
    return value === "" ? [] : [`${JSON.stringify(param.name)}: ${jsonOf(param, value)}`];
  });
  return members.length ? `{${members.join(", ")}}` : "{}";
}

// Why a text is no JSON object; "" when it is one.
export function objectProblem(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? "" : "It must be one JSON object: { … }.";
  } catch (error) {
    return `Not JSON yet: ${error instanceof Error ? error.message : String(error)}`;
  }
}
