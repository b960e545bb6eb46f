// A method's refusal: an error word of its page in the reference. `more` goes into the answer.
export class Refused extends Error {
  constructor(word, more = {}) {
    super(word);
    this.more = more;
  }
}

export const invalid = (word, errors) =>
  new Refused(word, { ...(errors.length ? { errors } : {}), response_metadata: { messages: errors.map((one) => `[ERROR] ${one}`) } });

export function required(given, ...names) {
  const missing = names.filter((name) => given[name] === undefined || given[name] === "");
  if (missing.length)
    throw invalid(
      "invalid_arguments",
      missing.map((name) => `missing required field: ${name}`),
    );
}
