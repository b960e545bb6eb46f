// Preloaded (node --import) into the conformance suite, which has no option for it: every request carries the headers of MORE_HEADERS (a JSON object).
import http from "node:http";
import { Agent, setGlobalDispatcher } from "undici";

const more = JSON.parse(process.env.MORE_HEADERS ?? "{}");

const merged = headers => {
  const list = Array.isArray(headers) ? headers : headers?.entries ? [...headers.entries()].flat() : Object.entries(headers ?? {}).flat();
  return [...list, ...Object.entries(more).flat()];
};
const adding = dispatch => (options, handler) => dispatch({ ...options, headers: merged(options.headers) }, handler);
setGlobalDispatcher(new Agent().compose(adding)); // global fetch and undici's request

const request = http.request;
http.request = (options, ...rest) => request({ ...options, headers: { ...options.headers, ...more } }, ...rest);
