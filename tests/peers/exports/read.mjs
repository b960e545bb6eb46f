// Lines of {"as": "cloudevents" | "batch" | "syslog", "text"} in, what the packages make of them out.
import readline from "node:readline";
import { HTTP } from "cloudevents";
import parse from "nsyslog-parser";

const readers = {
  cloudevents: (text) => {
    const event = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: text });
    event.validate();
    return event.toJSON();
  },
  batch: (text) => HTTP.toEvent({ headers: { "content-type": "application/cloudevents-batch+json" }, body: text }).map((event) => (event.validate(), event.toJSON())),
  syslog: (text) => {
    const { originalMessage, ...entry } = parse(text, { generateTimestamp: false });
    return { ...entry, fields: { ...entry.fields } };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { as, text } = JSON.parse(line);
  let answer;
  try {
    answer = { good: readers[as](text) };
  } catch (error) {
    answer = { bad: String(error) };
  }
  console.log(JSON.stringify(answer));
}
