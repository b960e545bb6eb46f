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

/** The bytes of a body until `signal` aborts. Of an answer that was collected as garbage while its body is read, fetch itself forgets the signal. */
export async function* until(signal: AbortSignal, body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const leave = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", leave);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", leave);
    leave();
  }
}
