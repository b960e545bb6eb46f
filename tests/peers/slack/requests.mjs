// What a call of the Web API carries: method, token and arguments, in a form, in JSON or in the query.
export const BODY_MAX = 2_000_000;
const JSON_ARGUMENTS = ["attachments", "blocks", "metadata", "unfurls", "user_auth_blocks", "view"];
const BOOLEANS = [
  "as_user",
  "inclusive",
  "include_all_metadata",
  "include_locale",
  "include_num_members",
  "link_names",
  "mrkdwn",
  "parse",
  "reply_broadcast",
  "return_im",
  "unfurl_links",
  "unfurl_media",
  "prevent_creation",
];

export function body(request, most = BODY_MAX) {
  return new Promise((done, failed) => {
    const pieces = [];
    let size = 0;
    request.on("data", (piece) => {
      size += piece.length;
      if (size <= most) pieces.push(piece);
    });
    request.on("end", () => done(size > most ? null : Buffer.concat(pieces).toString()));
    request.on("error", failed);
  });
}

/** {arguments} or {error}; `warnings` as Slack has them. Structured arguments of a form are read as JSON. */
export function read(type, sent, query) {
  const [kind, ...parameters] = (type ?? "").split(";").map((word) => word.trim().toLowerCase());
  const warnings = [];
  let given = Object.fromEntries(query);
  if (kind === "application/json") {
    if (!parameters.some((word) => word.startsWith("charset="))) warnings.push("missing_charset");
    let told;
    try {
      told = JSON.parse(sent || "{}");
    } catch {
      return { error: "invalid_json", warnings };
    }
    if (told === null || typeof told !== "object" || Array.isArray(told)) return { error: "json_not_object", warnings };
    const { token, ...rest } = told; // of JSON the token is not read: it belongs in the header
    given = { ...given, ...rest };
  } else if (kind === "application/x-www-form-urlencoded") {
    if (parameters.some((word) => word.startsWith("charset="))) warnings.push("superfluous_charset");
    given = { ...given, ...Object.fromEntries(new URLSearchParams(sent)) };
  } else if (kind !== "" || sent) {
    return { error: kind === "" ? "missing_post_type" : "invalid_post_type", warnings };
  }
  for (const name of JSON_ARGUMENTS) {
    if (typeof given[name] !== "string" || (name === "unfurls" && given[name] === "")) continue;
    try {
      given[name] = JSON.parse(given[name]);
    } catch {
      return {
        error: name === "blocks" ? "invalid_blocks_format" : "invalid_arguments",
        messages: [`[ERROR] failed to parse ${name} [json-pointer:/${name}]`],
        warnings,
      };
    }
  }
  for (const name of BOOLEANS) if (typeof given[name] === "string") given[name] = ["true", "1"].includes(given[name]);
  return { arguments: given, warnings };
}

export function bearer(request, given) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  return /^bearer$/i.test(scheme) && token ? token : (given?.token ?? null);
}
