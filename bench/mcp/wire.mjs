// HTTP/1.1 at next to no cost, for both ends of a measurement: a kept connection whose messages are one piece of text each, one at a time. It reads the forms that
// Node and Keyturn write, no others.

const HEAD_END = "\r\n\r\n", LAST_CHUNK = "\r\n0\r\n\r\n";

/** Where the message at the beginning of `text` ends, or 0: not here yet. */
function endOf(text) {
  const head = text.indexOf(HEAD_END);
  if (head < 0) return 0;
  const body = head + HEAD_END.length, fields = text.slice(0, body).toLowerCase();
  if (fields.includes("\r\ntransfer-encoding: chunked\r\n")) {
    const last = text.indexOf(LAST_CHUNK, head + 2);
    return last < 0 ? 0 : last + LAST_CHUNK.length;
  }
  const size = Number(/\r\ncontent-length: *(\d+)\r\n/.exec(fields)?.[1] ?? 0);
  return text.length < body + size ? 0 : body + size;
}

/** Calls `each` with every whole message that comes. */
export function onMessages(socket, each) {
  let text = "";
  socket.setNoDelay(true).setEncoding("latin1").on("data", more => {
    text += more;
    for (let end; (end = endOf(text)); ) {
      const message = text.slice(0, end);
      text = text.slice(end);
      each(message);
    }
  });
}

export const post = (path, host, headers) => {
  const fixed = Object.entries({ host, accept: "application/json, text/event-stream", "content-type": "application/json", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return body => `POST ${path} HTTP/1.1\r\n${fixed.join("")}content-length: ${body.length}${HEAD_END}${body}`;
};

const EMPTY = { 202: "Accepted", 405: "Method Not Allowed" };
export const empty = status => `HTTP/1.1 ${status} ${EMPTY[status]}\r\ncontent-length: 0${HEAD_END}`;

/** As servers on the SDK answer: an event stream with one event. */
export const event = (message, headers = "") =>
  (data => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n${headers}transfer-encoding: chunked${HEAD_END}${data.length.toString(16)}\r\n${data}${LAST_CHUNK}`)(
    `event: message\ndata: ${message}\n\n`);
