#include "exports/format.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/bytes.h"
#include "doc/json.h"
#include "exports/formats.h"

namespace keyturn::exports {
namespace {

constexpr std::array<std::pair<Format, std::string_view>, 6> kWords{{
    {Format::kNdjson, "ndjson"},
    {Format::kOcsf, "ocsf"},
    {Format::kCloudEvents, "cloudevents"},
    {Format::kSyslog, "syslog"},
    {Format::kCef, "cef"},
    {Format::kOtlp, "otlp"},
}};

constexpr std::string_view kOtlpStart = R"({"resourceLogs":[)";
constexpr std::string_view kOtlpEnd = "]}";

// The leaf as JSON, or as text where it is none.
doc::Value content_of(const Item& item, const LeafView& view) {
  if (!view.leaf.is_null()) return view.leaf;
  return doc::object({{"unreadable", to_base64(item.leaf)}});
}

doc::Value ndjson(const Item& item, const LeafView& view) {
  return doc::object({{"origin", item.origin},
                      {"index", item.index},
                      {"leaf_hash", item.leaf_hash},
                      {"leaf", content_of(item, view)}});
}

// RFC 3986: what may stand in a path; the rest is percent-encoded.
std::string uri_reference(std::string_view origin) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*,;=@";
  std::string out = "//";
  for (const char c : origin) {
    if (kPlain.contains(c)) {
      out += c;
      continue;
    }
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
    out += hex;
  }
  return out;
}

// Extension attributes are strings: a CloudEvents integer has 32 bits.
doc::Value cloud_event(const Item& item, const LeafView& view) {
  doc::Value out = doc::object({{"specversion", "1.0"},
                                {"id", std::to_string(item.index)},
                                {"source", uri_reference(item.origin)},
                                {"type", "keyturn." + one_line(view.type, 128)}});
  if (view.at) out.set("time", view.time);
  if (!view.stream.empty()) out.set("subject", one_line(view.stream));
  out.set("datacontenttype", "application/json");
  out.set("ledgerorigin", one_line(item.origin));
  out.set("ledgerindex", std::to_string(item.index));
  out.set("leafhash", item.leaf_hash);
  out.set("data", content_of(item, view));
  return out;
}

bool breaks_lines(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}
bool disguises(char32_t c) {
  return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || c == 0x061C;
}

std::string joined(const std::vector<std::string>& lines, std::string_view between) {
  std::string out;
  for (const std::string& line : lines) {
    if (!out.empty()) out += between;
    out += line;
  }
  return out;
}

}  // namespace

std::optional<Format> format_from_text(std::string_view word) {
  for (const auto& [format, text] : kWords) {
    if (text == word) return format;
  }
  return std::nullopt;
}

std::string_view to_text(Format format) {
  return std::ranges::find(kWords, format, &std::pair<Format, std::string_view>::first)->second;
}

std::vector<std::string> format_words() {
  std::vector<std::string> out;
  out.reserve(kWords.size());
  for (const auto& word : kWords) out.emplace_back(word.second);
  return out;
}

std::string one_line(std::string_view text, std::size_t bytes_max, std::string_view also) {
  std::string out;
  const std::string_view valid = text.substr(0, first_invalid_utf8(text).value_or(text.size()));
  for (std::size_t at = 0; at < valid.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(valid, at);
    std::string piece(valid.substr(begin, at - begin));
    if (breaks_lines(c) || disguises(c) || (c < 0x80 && also.contains(static_cast<char>(c)))) {
      char name[16];
      std::snprintf(name, sizeof name, "<U+%04X>", static_cast<unsigned>(c));
      piece = name;
    }
    if (out.size() + piece.size() > bytes_max) return out + "…";
    out += piece;
  }
  return valid.size() == text.size() ? out : out + "…";
}

std::string json_line(const doc::Value& value) {
  const std::string plain = doc::write_json(value);
  std::string out;
  out.reserve(plain.size());
  for (std::size_t at = 0; at < plain.size();) {
    const std::size_t begin = at;
    if (static_cast<unsigned char>(plain[at]) < 0x7F) {
      out += plain[at++];
      continue;
    }
    const char32_t c = next_code_point(plain, at);
    if (!breaks_lines(c)) {
      out.append(plain, begin, at - begin);
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
    out += escaped;
  }
  return out;
}

std::string line_of(Format format, const Item& item, const LeafView& view) {
  switch (format) {
    case Format::kNdjson:
      return json_line(ndjson(item, view));
    case Format::kOcsf:
      return json_line(ocsf_event(item, view));
    case Format::kCloudEvents:
      return json_line(cloud_event(item, view));
    case Format::kSyslog:
      return rfc5424_message(item, view);
    case Format::kCef:
      return cef_line(item, view);
    case Format::kOtlp:
      return json_line(otlp_logs(item, view));
  }
  return {};
}

Body body_of(Format format, const std::vector<std::string>& lines) {
  switch (format) {
    case Format::kOcsf:
      return {"[" + joined(lines, ",") + "]", "application/json"};
    case Format::kCloudEvents:
      return {"[" + joined(lines, ",") + "]", "application/cloudevents-batch+json; charset=utf-8"};
    case Format::kOtlp: {
      std::vector<std::string> inner;
      inner.reserve(lines.size());
      for (const std::string& line : lines)
        inner.push_back(
            line.substr(kOtlpStart.size(), line.size() - kOtlpStart.size() - kOtlpEnd.size()));
      return {std::string(kOtlpStart) + joined(inner, ",") + std::string(kOtlpEnd),
              "application/json"};
    }
    case Format::kNdjson:
      return {joined(lines, "\n") + "\n", "application/x-ndjson"};
    case Format::kSyslog:
    case Format::kCef:
      return {joined(lines, "\n") + "\n", "text/plain; charset=utf-8"};
  }
  return {};
}

std::string syslog_message(Format format, const Item& item, const LeafView& view) {
  std::string line = line_of(format, item, view);
  return format == Format::kSyslog ? line : rfc5424_header(view) + "- " + line;
}

}  // namespace keyturn::exports
