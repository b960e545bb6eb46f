// RFC 5424 and CEF.
#include "exports/formats.h"

namespace keyturn::exports {
namespace {

constexpr int kFacilityAudit = 13;  // RFC 5424 §6.2.1: log audit
constexpr std::size_t kValueBytesMax = 256;

int syslog_severity(Severity severity) {
  switch (severity) {
    case Severity::kInformational:
      return 6;
    case Severity::kLow:
      return 5;
    case Severity::kMedium:
      return 4;
    case Severity::kHigh:
      return 3;
  }
  return 6;
}

int cef_severity(Severity severity) {
  switch (severity) {
    case Severity::kInformational:
      return 2;
    case Severity::kLow:
      return 4;
    case Severity::kMedium:
      return 6;
    case Severity::kHigh:
      return 8;
  }
  return 2;
}

// RFC 5424: printable US-ASCII without space, at most so long; "-" where there is nothing.
std::string word(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text.substr(0, most))
    out += c > ' ' && c < 0x7F && c != '[' && c != ']' ? c : '?';
  return out.empty() ? "-" : out;
}

// Many a parser looks for structured data everywhere, and knows no escapes: its marks are not left
// to anybody's words.
constexpr std::string_view kBrackets = "[]";
constexpr std::string_view kStructure = "[]\"\\=";

std::string escaped(std::string_view text, std::string_view marks,
                    std::string_view never = kBrackets) {
  std::string out;
  for (const char c : one_line(text, kValueBytesMax, never)) {
    if (marks.contains(c)) out += '\\';
    out += c;
  }
  return out;
}

void add_param(std::string& data, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  data += " " + std::string(name) + "=\"" + escaped(value, "\"\\]", kStructure) + "\"";
}

void add_extension(std::string& line, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  line += (line.empty() ? "" : " ") + std::string(key) + "=" + escaped(value, "\\=");
}

void add_custom(std::string& line, std::string_view key, std::string_view label,
                std::string_view value) {
  if (value.empty()) return;
  add_extension(line, std::string(key) + "Label", label);
  add_extension(line, key, value);
}

std::string_view status_word(Status status) {
  switch (status) {
    case Status::kSuccess:
      return "success";
    case Status::kFailure:
      return "failure";
    case Status::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string resource_of(const LeafView& view) {
  return view.resource.empty() ? "" : view.resource_kind + "/" + view.resource;
}

}  // namespace

std::string rfc5424_header(const LeafView& view) {
  return "<" + std::to_string(kFacilityAudit * 8 + syslog_severity(view.severity)) + ">1 " +
         (view.at ? view.time : "-") + " " + word(view.node, 255) + " keyturn - " +
         word(view.type, 32) + " ";
}

// 32473 is the number for examples (RFC 5612): Keyturn has none of its own.
std::string rfc5424_message(const Item& item, const LeafView& view) {
  std::string data = "[keyturn@32473";
  add_param(data, "origin", item.origin);
  add_param(data, "index", std::to_string(item.index));
  add_param(data, "leafHash", item.leaf_hash);
  add_param(data, "type", view.type);
  add_param(data, "stream", view.stream);
  add_param(data, "actor", view.actor);
  add_param(data, "owner", view.owner);
  add_param(data, "tool", view.tool);
  add_param(data, "operation", view.operation);
  add_param(data, "resource", resource_of(view));
  add_param(data, "env", view.env);
  add_param(data, "outcome", view.outcome);
  add_param(data, "rules", view.rules);
  data += "]";
  return rfc5424_header(view) + data + " " + one_line(summary(view), 1024, kStructure);
}

std::string cef_line(const Item& item, const LeafView& view) {
  const std::string header =
      "CEF:0|Keyturn|Keyturn|1|" + escaped(view.type, "\\|") + "|" +
      escaped(view.outcome.empty() ? view.type : view.type + " " + view.outcome, "\\|") + "|" +
      std::to_string(cef_severity(view.severity)) + "|";
  std::string line;
  if (view.at) add_extension(line, "rt", std::to_string(unix_ms(*view.at)));
  add_extension(line, "dvchost", view.node);
  add_extension(line, "externalId", item.uid());
  add_extension(line, "suser", view.actor);
  add_extension(line, "act", view.tool);
  add_extension(line, "outcome", status_word(view.status));
  add_extension(line, "reason", view.outcome);
  add_custom(line, "cs1", "leafHash", item.leaf_hash);
  add_custom(line, "cs2", "ledgerOrigin", item.origin);
  add_custom(line, "cs3", "stream", view.stream);
  add_custom(line, "cs4", "resource", resource_of(view));
  add_custom(line, "cs5", "rules", view.rules);
  add_custom(line, "cs6", "owner", view.owner);
  add_custom(line, "cn1", "ledgerIndex", std::to_string(item.index));
  add_extension(line, "msg", summary(view));
  return header + line;
}

}  // namespace keyturn::exports
