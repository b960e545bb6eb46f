// text/event-stream (WHATWG HTML §9.2.6).

/** Events of a body that are whole and have data. */
export async function* serverSent(body: AsyncIterable<Uint8Array>): AsyncGenerator<Record<string, string>> {
  const decoder = new TextDecoder();
  let rest = "";
  let fields: Record<string, string> = {};
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines.map((one) => one.replace(/\r$/, ""))) {
      if (line === "") {
        if ("data" in fields) yield fields;
        fields = {};
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      fields[name] = name === "data" && fields["data"] !== undefined ? `${fields["data"]}\n${value}` : value;
    }
  }
}
