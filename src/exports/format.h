// The formats: a leaf in the words of the tools that people have already. Pure.
//
// One item is one line without a line break in any of them, whatever the leaf holds: control
// characters, line separators and the formats' own marks are escaped.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exports/item.h"
#include "exports/leaf_view.h"

namespace keyturn::exports {

enum class Format { kNdjson, kOcsf, kCloudEvents, kSyslog, kCef, kOtlp };
std::optional<Format> format_from_text(std::string_view word);  // "ocsf"
std::string_view to_text(Format format);
std::vector<std::string> format_words();

//  ndjson      {"origin","index","leaf_hash","leaf"}
//  ocsf        OCSF 1.8.0: API Activity, Entity Management, User Access Management
//  cloudevents CloudEvents 1.0, JSON event format
//  syslog      RFC 5424, the whole message
//  cef         ArcSight Common Event Format, without a syslog header
//  otlp        OpenTelemetry logs data, JSON Protobuf encoding
// `view` is look_at(item.leaf).
std::string line_of(Format format, const Item& item, const LeafView& view);

// Several items as one HTTP body: a JSON array, a CloudEvents batch, one OTLP document, or lines.
struct Body {
  std::string bytes;
  std::string content_type;
};
Body body_of(Format format, const std::vector<std::string>& lines);

// The message for a syslog receiver: the line itself when the format is syslog, else the line
// behind an RFC 5424 header.
std::string syslog_message(Format format, const Item& item, const LeafView& view);

}  // namespace keyturn::exports
