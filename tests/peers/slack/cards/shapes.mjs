// Small checks that are put together to the shapes of Block Kit. A check is (say, value, at): it says what is wrong and where (a JSON pointer).
const length = (text) => [...text].length;

export const string =
  (max, min = 1) =>
  (say, value, at) => {
    if (typeof value !== "string") return say(at, "must be a string");
    if (length(value) < min) say(at, `must be more than ${min - 1} characters`);
    if (length(value) > max) say(at, `must be less than ${max + 1} characters`);
  };

export const boolean = (say, value, at) => {
  if (typeof value !== "boolean") say(at, "must be a boolean");
};

export const integer = (min, max) => (say, value, at) => {
  if (!Number.isInteger(value)) return say(at, "must be an integer");
  if (value < min) say(at, `must be greater than or equal to ${min}`);
  if (value > max) say(at, `must be less than or equal to ${max}`);
};

export const word =
  (...allowed) =>
  (say, value, at) => {
    if (!allowed.includes(value)) say(at, `must be a valid enum value: ${allowed.join(", ")}`);
  };

export const matching = (pattern, what) => (say, value, at) => {
  if (typeof value !== "string" || !pattern.test(value)) say(at, `must be ${what}`);
};

export const url =
  (max = 3000) =>
  (say, value, at) => {
    string(max)(say, value, at);
    if (typeof value === "string" && !/^[a-z][a-z0-9+.-]*:\S+$/i.test(value)) say(at, "must be a valid url");
  };

export const list =
  (check, max, min = 1) =>
  (say, value, at) => {
    if (!Array.isArray(value)) return say(at, "must be an array");
    if (value.length < min) say(at, `no fewer than ${min} items allowed`);
    if (value.length > max) say(at, `no more than ${max} items allowed`);
    value.slice(0, 200).forEach((one, index) => check(say, one, `${at}/${index}`));
  };

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** An object with these fields and no others. `more` is asked afterwards. */
export const object =
  (required, optional = {}, more = () => {}) =>
  (say, value, at) => {
    if (!isObject(value)) return say(at, "must be an object");
    for (const key of Object.keys(required)) if (value[key] === undefined) say(at, `missing required field: ${key}`);
    for (const [key, inner] of Object.entries(value)) {
      const check = Object.hasOwn(required, key) ? required[key] : Object.hasOwn(optional, key) ? optional[key] : null;
      if (check === null) say(at, `invalid additional property: ${key}`);
      else if (check !== true && inner !== undefined) check(say, inner, `${at}/${key}`);
    }
    more(say, value, at);
  };

/** One of several objects, told apart by their `type`. */
export const typed =
  (shapes, allowed = Object.keys(shapes)) =>
  (say, value, at) => {
    if (!isObject(value)) return say(at, "must be an object");
    if (value.type === undefined) return say(at, "missing required field: type");
    if (!allowed.includes(value.type) || !Object.hasOwn(shapes, value.type)) return say(`${at}/type`, `unsupported type: ${value.type}`);
    shapes[value.type](say, value, at);
  };

/** plain_text, or plain_text and mrkdwn; a text of 1 to max characters. */
export const text =
  (max, types = ["plain_text", "mrkdwn"]) =>
  (say, value, at) => {
    const found = [];
    typed(
      { plain_text: object({ type: true, text: string(max) }, { emoji: boolean }), mrkdwn: object({ type: true, text: string(max) }, { verbatim: boolean }) },
      types,
    )((where, what) => found.push([where, what]), value, at);
    if (found.length) say(at, "failed to match all allowed schemas");
    for (const [where, what] of found) say(where, what);
  };
export const plain = (max) => text(max, ["plain_text"]);

/** Exactly one of these fields. */
export const oneOf =
  (...keys) =>
  (say, value, at) => {
    const given = keys.filter((key) => value[key] !== undefined);
    if (given.length !== 1) say(at, `must have exactly one of ${keys.join(", ")}`);
  };
