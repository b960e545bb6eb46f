// OpenTelemetry logs data in the JSON encoding of opentelemetry.proto.logs.v1 (OTLP 1.x):
// lowerCamelCase names, 64-bit integers as strings, trace and span ids in hexadecimal.
#include "base/bytes.h"
#include "exports/formats.h"

namespace keyturn::exports {
namespace {

doc::Value string_value(std::string_view text) {
  return doc::object({{"stringValue", text}});
}

void add_attribute(doc::Value& list, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  list.push(doc::object({{"key", key}, {"value", string_value(value)}}));
}

std::pair<int, const char*> otlp_severity(Severity severity) {
  switch (severity) {
    case Severity::kInformational:
      return {9, "INFO"};
    case Severity::kLow:
      return {10, "INFO2"};
    case Severity::kMedium:
      return {13, "WARN"};
    case Severity::kHigh:
      return {17, "ERROR"};
  }
  return {9, "INFO"};
}

doc::Value attributes_of(const Item& item, const LeafView& view) {
  doc::Value out{doc::Array{}};
  add_attribute(out, "log.record.uid", item.uid());
  add_attribute(out, "keyturn.ledger.origin", item.origin);
  out.push(doc::object({{"key", "keyturn.ledger.index"},
                        {"value", doc::object({{"intValue", std::to_string(item.index)}})}}));
  add_attribute(out, "keyturn.ledger.leaf_hash", item.leaf_hash);
  add_attribute(out, "keyturn.type", view.type);
  add_attribute(out, "keyturn.stream", view.stream);
  add_attribute(out, "keyturn.actor", view.actor);
  add_attribute(out, "keyturn.owner", view.owner);
  add_attribute(out, "keyturn.tool", view.tool);
  add_attribute(out, "keyturn.operation", view.operation);
  add_attribute(out, "keyturn.resource", view.resource);
  add_attribute(out, "keyturn.env", view.env);
  add_attribute(out, "keyturn.outcome", view.outcome);
  return out;
}

}  // namespace

doc::Value otlp_logs(const Item& item, const LeafView& view) {
  const auto [number, word] = otlp_severity(view.severity);
  doc::Value record{doc::Object{}};
  if (view.at) {
    const auto micros = view.at->time_since_epoch().count();
    record.set("timeUnixNano", std::to_string(micros) + "000");
    record.set("observedTimeUnixNano", std::to_string(micros) + "000");
  }
  record.set("severityNumber", number);
  record.set("severityText", word);
  record.set("eventName", "keyturn." + view.type);
  record.set("body", view.leaf.is_null() ? doc::object({{"bytesValue", to_base64(item.leaf)}})
                                         : string_value(item.leaf));
  record.set("attributes", attributes_of(item, view));
  if (!view.trace_id.empty()) {
    record.set("traceId", view.trace_id);
    record.set("spanId", view.span_id);
  }
  doc::Value resource{doc::Array{}};
  add_attribute(resource, "service.name", "keyturn");
  add_attribute(resource, "host.name", view.node);
  return doc::object(
      {{"resourceLogs",
        doc::Array{doc::object(
            {{"resource", doc::object({{"attributes", std::move(resource)}})},
             {"scopeLogs",
              doc::Array{doc::object({{"scope", doc::object({{"name", "keyturn.ledger"}})},
                                      {"logRecords", doc::Array{std::move(record)}}})}}})}}});
}

}  // namespace keyturn::exports
