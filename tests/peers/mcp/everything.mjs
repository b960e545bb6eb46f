// What @modelcontextprotocol/conformance asks of a server: tools by name, and what they give. Contents are the suite's own.
import { object, text } from "./tools.mjs";

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const silence = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const image = { type: "image", data: pixel, mimeType: "image/png" };
const user = (...contents) => ({ messages: contents.map(content => ({ role: "user", content })) });
const sentence = words => ({ type: "text", text: words });
const embedded = (uri, mimeType, words) => ({ type: "resource", resource: { uri, mimeType, text: words } });
const string = { type: "string" };

const elicit = (message, properties, required) => ({ method: "elicitation/create", params: { message, requestedSchema: { ...object(properties), required } } });
const sampling = (words, maxTokens) => ({ method: "sampling/createMessage", params: { messages: [{ role: "user", content: sentence(words) }], maxTokens } });
const elicited = async (call, request) => {
  const { form } = await call.inputs({ form: request });
  return text(`action=${form.action}, content=${JSON.stringify(form.content ?? {})}`);
};

const defaults = {
  name: { type: "string", description: "User name", default: "John Doe" },
  age: { type: "integer", description: "User age", default: 30 },
  score: { type: "number", description: "User score", default: 95.5 },
  status: { type: "string", description: "User status", enum: ["active", "inactive", "pending"], default: "active" },
  verified: { type: "boolean", description: "Verification status", default: true },
};
const titled = word => [["value1", "First"], ["value2", "Second"], ["value3", "Third"]].map(([value, title]) => ({ const: value, title: `${title} ${word}` }));
const plain = ["option1", "option2", "option3"];
const enums = {
  untitledSingle: { type: "string", description: "Select one option", enum: plain },
  titledSingle: { type: "string", description: "Select one option with titles", oneOf: titled("Option") },
  legacyEnum: { type: "string", description: "Select one option (legacy)", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"] },
  untitledMulti: { type: "array", description: "Select multiple options", minItems: 1, maxItems: 3, items: { type: "string", enum: plain } },
  titledMulti: { type: "array", description: "Select multiple options with titles", minItems: 1, maxItems: 3, items: { anyOf: titled("Choice") } },
};

const schema2020 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: { address: { $anchor: "addressDef", type: "object", properties: { street: string, city: string } } },
  properties: {
    name: string, address: { $ref: "#/$defs/address" }, contactMethod: { type: "string", enum: ["phone", "email"] }, phone: string, email: string,
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

const tool = (name, run, inputSchema = object()) => ({ name, description: `For the conformance scenario of ${name}.`, inputSchema, run });

export const contents = [
  tool("test_simple_text", () => text("This is a simple text response for testing.")),
  tool("test_image_content", () => ({ content: [image] })),
  tool("test_audio_content", () => ({ content: [{ type: "audio", data: silence, mimeType: "audio/wav" }] })),
  tool("test_embedded_resource", () => ({ content: [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")] })),
  tool("test_multiple_content_types", () => ({
    content: [sentence("Multiple content types test:"), image, embedded("test://mixed-content-resource", "application/json", JSON.stringify({ test: "data", value: 123 }))],
  })),
  tool("test_tool_with_logging", async call => {
    for (const line of ["Tool execution started", "Tool processing data", "Tool execution completed"]) await call.log("info", line);
    return text("logged");
  }),
  tool("test_tool_with_progress", async call => {
    for (const done of [0, 50, 100]) await call.progress(done, 100, `Completed step ${done} of 100`);
    return text(String(call.meta?.progressToken ?? "no token"));
  }),
  tool("test_error_handling", () => {
    throw new Error("This tool intentionally returns an error for testing");
  }),
  tool("json_schema_2020_12_tool", ({ args }) => text(JSON.stringify(args)), schema2020),
];

/** Server-to-client requests of the legacy era. */
export const requests = [
  tool("test_sampling", async call => {
    const { sampled } = await call.inputs({ sampled: sampling(call.args.prompt, 100) });
    return text(`LLM response: ${sampled.content.text}`);
  }, object({ prompt: string })),
  tool("test_elicitation", call => elicited(call, elicit(call.args.message, { username: string, email: string }, ["username", "email"])), object({ message: string })),
  tool("test_elicitation_sep1034_defaults", call => elicited(call, elicit("Please review and update the form fields with defaults", defaults, []))),
  tool("test_elicitation_sep1330_enums", call => elicited(call, elicit("Please select options from the enum fields", enums, []))),
  tool("test_reconnection", async call => {
    await call.dropStream();
    return text("reconnected");
  }),
];

const nameRequest = elicit("What is your name?", { name: string }, ["name"]);
const confirmRequest = elicit("Please confirm", { ok: { type: "boolean" } }, ["ok"]);
const rootsRequest = { method: "roots/list", params: {} };

/** input_required and its kin of the modern era. `inputs(requests, state)` has them asked together with a sealed state. */
export const rounds = [
  tool("test_input_required_result_elicitation", async call => text(`Hello, ${(await call.inputs({ user_name: nameRequest })).user_name.content?.name}!`)),
  tool("test_input_required_result_sampling", async call =>
    text((await call.inputs({ capital_question: sampling("What is the capital of France?", 100) })).capital_question.content.text)),
  tool("test_input_required_result_list_roots", async call =>
    text((await call.inputs({ client_roots: rootsRequest })).client_roots.roots.map(root => root.uri).join(" "))),
  tool("test_input_required_result_request_state", async call => {
    await call.inputs({ confirm: confirmRequest }, { step: "confirm" });
    return text(call.stateOf()?.step === "confirm" ? "state-ok" : "no state");
  }),
  tool("test_input_required_result_multiple_inputs", async call => {
    const got = await call.inputs({ user_name: nameRequest, greeting: sampling("Generate a greeting", 50), client_roots: rootsRequest }, { step: "all" });
    return text(Object.keys(got).join(" "));
  }),
  tool("test_input_required_result_multi_round", async call => {
    const name = call.stateOf()?.name ?? (await call.inputs({ step1: elicit("Step 1: What is your name?", { name: string }, ["name"]) }, { step: 1 })).step1.content.name;
    const { step2 } = await call.inputs({ step2: elicit("Step 2: What is your favorite color?", { color: string }, ["color"]) }, { step: 2, name });
    return text(`${name} likes ${step2.content.color}`);
  }),
  tool("test_input_required_result_tampered_state", async call => {
    await call.inputs({ confirm: confirmRequest }, { step: "sealed", nonce: crypto.randomUUID() });
    return text("untouched");
  }),
  tool("test_input_required_result_capabilities", async call => {
    const wanted = { elicitation: ["user_name", nameRequest], sampling: ["greeting", sampling("Generate a short greeting", 50)], roots: ["client_roots", rootsRequest] };
    const asked = Object.keys(wanted).filter(kind => call.capabilities[kind] !== undefined).map(kind => wanted[kind]);
    return text(Object.keys(asked.length ? await call.inputs(Object.fromEntries(asked)) : {}).join(" "));
  }),
  tool("test_missing_capability", async call => text((await call.inputs({ answer: sampling("Reply with the single word: pong", 16) })).answer.content.text)),
  tool("test_streaming_elicitation", () => text("no request of its own on this stream")),
  tool("test_logging_tool", async call => {
    await call.log("info", "only for who gave a level");
    return text("logged");
  }),
  tool("test_trigger_tool_change", call => (call.changed("tools"), text("published"))),
  tool("test_trigger_prompt_change", call => (call.changed("prompts"), text("published"))),
  tool("test_x_mcp_header", ({ args }) => text(`region=${args.region}`), object({ region: { type: "string", "x-mcp-header": "Region" }, level: { type: "integer" } }, [])),
];

const content = (uri, mimeType, more) => ({ contents: [{ uri, mimeType, ...more }] });
const resource = (name, uri, mimeType, read) => ({ name, uri, mimeType, description: `For the conformance scenario of ${name}.`, read });

export const resources = [
  resource("static-text", "test://static-text", "text/plain", uri => content(uri, "text/plain", { text: "This is the content of the static text resource." })),
  resource("static-binary", "test://static-binary", "image/png", uri => content(uri, "image/png", { blob: pixel })),
  resource("watched-resource", "test://watched-resource", "text/plain", uri => content(uri, "text/plain", { text: "Watched resource content" })),
  ...[1, 2, 3].map(number => resource(`page-${number}`, `test://page/${number}`, "text/plain", uri => content(uri, "text/plain", { text: `page ${number}` }))),
];

export const templates = [{
  name: "template",
  uriTemplate: "test://template/{id}/data",
  mimeType: "application/json",
  description: "A template with one variable.",
  values: { id: ["alpha", "beta", "gamma"] },
  read: (uri, { id }) => content(uri, "application/json", { text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }),
}];

const argument = (name, values = []) => ({ name, description: `The argument ${name}.`, required: true, values });

export const prompts = [
  { name: "test_simple_prompt", description: "A prompt without arguments.", arguments: [], get: () => user(sentence("This is a simple prompt for testing.")) },
  {
    name: "test_prompt_with_arguments",
    description: "A prompt with two arguments.",
    arguments: [argument("arg1", ["paris", "park", "party"]), argument("arg2")],
    get: ({ args }) => user(sentence(`Prompt with arguments: arg1='${args.arg1}', arg2='${args.arg2}'`)),
  },
  {
    name: "test_prompt_with_embedded_resource",
    description: "A prompt that holds a resource.",
    arguments: [argument("resourceUri")],
    get: ({ args }) => user(embedded(args.resourceUri, "text/plain", "Embedded resource content for testing."), sentence("Please process the embedded resource above.")),
  },
  { name: "test_prompt_with_image", description: "A prompt that holds an image.", arguments: [], get: () => user(image, sentence("Please analyze the image above.")) },
];

/** prompts/get may ask in the modern era. */
export const askingPrompt = {
  name: "test_input_required_result_prompt",
  description: "A prompt that asks before it is there.",
  arguments: [],
  get: async call => {
    const { user_context } = await call.inputs({ user_context: elicit("What context should the prompt use?", { context: string }, ["context"]) });
    return user(sentence(`Use the following context: ${user_context.content.context}`));
  },
};

/** What begins with what was typed. */
export const completed = (values, typed) => {
  const found = (values ?? []).filter(value => value.startsWith(typed));
  return { completion: { values: found, total: found.length, hasMore: false } };
};
