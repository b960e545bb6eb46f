// What keyturn.yaml says under `exports`.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "doc/read.h"
#include "exports/format.h"
#include "net/byte_stream.h"
#include "secrets/reference.h"

namespace keyturn::exports {

struct FileTarget {
  std::string path;
};
struct SyslogTarget {
  net::StreamTarget stream;
};
struct WebhookTarget {
  std::string url;
  secrets::SecretReference secret;  // "whsec_" and base64, as Standard Webhooks writes it
  std::string ca_file;
};
using Target = std::variant<FileTarget, SyslogTarget, WebhookTarget>;
std::string_view to_text(const Target& target);  // "file", "syslog", "webhook"

struct Export {
  std::string name;  // a-z, 0-9 and -, at most 40
  Format format = Format::kNdjson;
  Target to;
  bool from_beginning = false;    // a new export; else from now on
  std::vector<std::string> only;  // "denied", "review.voted", "identity.*"; empty: everything
  std::string place;              // "keyturn.yaml:5:6: "
};

bool wants(const Export& wanted, const LeafView& view);

// The array under "exports" of keyturn.yaml, `path`.
std::vector<Export> read_exports(doc::ObjectReader& root, const std::string& path,
                                 doc::Problems& problems);

// What only looking at the machine tells: folders, CA files, secrets (none is started as a program
// for it). Each problem as a line.
std::vector<std::string> check(const Export& wanted);

}  // namespace keyturn::exports
