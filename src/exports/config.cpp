#include "exports/config.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "crypto/webhook.h"
#include "net/url.h"

namespace keyturn::exports {
namespace {

constexpr std::size_t kExportsMax = 20;
constexpr std::size_t kNameMax = 40;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool is_event_word(std::string_view word) {
  if (word == "denied") return true;
  const std::size_t dot = word.find('.');
  return dot != std::string_view::npos && dot > 0 && dot + 1 < word.size() &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.*") == std::string_view::npos &&
         word.find('*') >= word.size() - 1;
}

std::optional<Target> read_webhook(const doc::Value& value, const std::string& pointer,
                                   doc::Problems& problems) {
  doc::ObjectReader reader(value, pointer, problems);
  WebhookTarget out{.url = reader.require_string("url"), .ca_file = {}};
  if (const std::string wrong = net::wrong_with_service_url(out.url);
      !out.url.empty() && !wrong.empty())
    reader.problem("bad_url", wrong, "url");
  out.ca_file = reader.string("ca").value_or("");
  const doc::Value* secret = reader.any("secret");
  if (secret == nullptr) {
    reader.problem("missing_field",
                   "a webhook needs secret: {secret: \"file:/path\"}, what its signatures are made "
                   "with",
                   "secret");
  } else {
    Result<secrets::SecretReference> reference =
        secrets::parse_reference(*secret, reader.pointer_to("secret"));
    if (reference)
      out.secret = std::move(*reference);
    else
      reader.problem(reference.error().code, reference.error().message, "secret");
  }
  reader.finish();
  return out;
}

std::optional<Target> read_syslog(const doc::Value& value, const std::string& pointer,
                                  doc::Problems& problems) {
  doc::ObjectReader reader(value, pointer, problems);
  const std::string address = reader.require_string("address");
  SyslogTarget out;
  out.stream.tls = reader.boolean("tls").value_or(true);
  out.stream.ca_file = reader.string("ca").value_or("");
  const std::size_t colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), out.stream.port);
  out.stream.host = address.substr(0, colon == std::string::npos ? 0 : colon);
  const bool is_host =
      !out.stream.host.empty() &&
      out.stream.host.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") ==
          std::string::npos &&
      (out.stream.host.find(':') == std::string::npos || out.stream.host.starts_with('['));
  if (!address.empty() && (!is_host || error != std::errc{} || end != port.data() + port.size() ||
                           out.stream.port == 0 || out.stream.port > 65535))
    reader.problem("bad_address", "an address is HOST:PORT, such as siem.example:6514", "address");
  if (!out.stream.tls && !out.stream.ca_file.empty())
    reader.problem("out_of_range", "ca is for tls", "ca");
  reader.finish();
  return out;
}

std::optional<Target> read_target(const doc::Value& value, const std::string& pointer,
                                  doc::Problems& problems) {
  doc::ObjectReader reader(value, pointer, problems);
  const doc::Value* webhook = reader.object("webhook");
  const doc::Value* syslog = reader.object("syslog");
  const std::optional<std::string> file = reader.string("file");
  std::optional<Target> out;
  if ((webhook != nullptr) + (syslog != nullptr) + file.has_value() != 1) {
    reader.problem("out_of_range", "to is one of {file: PATH}, {syslog: …} and {webhook: …}");
  } else if (webhook != nullptr) {
    out = read_webhook(*webhook, reader.pointer_to("webhook"), problems);
  } else if (syslog != nullptr) {
    out = read_syslog(*syslog, reader.pointer_to("syslog"), problems);
  } else if (file->empty() || file->contains('\0')) {
    reader.problem("invalid_path", "file must name a place on the disk", "file");
  } else {
    out = FileTarget{*file};
  }
  reader.finish();
  return out;
}

std::optional<Format> read_format(doc::ObjectReader& reader) {
  const std::string word = reader.require_string("format");
  const std::optional<Format> format = format_from_text(word);
  if (format || word.empty()) return format;
  std::string known;
  for (const std::string& one : format_words()) known += (known.empty() ? "" : ", ") + one;
  reader.problem("out_of_range", "a format is one of " + known, "format");
  return std::nullopt;
}

Export read_export(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  doc::ObjectReader reader(value, pointer, problems);
  Export out;
  out.name = reader.require_string("name");
  if (!out.name.empty() && !is_name(out.name))
    reader.problem("invalid_name", "a name is of a-z, 0-9 and -, at most 40", "name");
  if (const auto format = read_format(reader)) out.format = *format;
  const doc::Value* to = reader.object("to");
  if (to == nullptr)
    reader.problem("missing_field", "an export needs to: {file: PATH}, {syslog: …} or {webhook: …}",
                   "to");
  else if (auto target = read_target(*to, reader.pointer_to("to"), problems))
    out.to = std::move(*target);
  const std::string from = reader.string("from").value_or("now");
  out.from_beginning = from == "beginning";
  if (from != "now" && !out.from_beginning)
    reader.problem("out_of_range", "from is now or beginning", "from");
  out.only = reader.strings("only").value_or(std::vector<std::string>{});
  for (const std::string& word : out.only) {
    if (!is_event_word(word))
      reader.problem("out_of_range",
                     "\"" + word +
                         "\" is no event: denied, a type such as review.voted, or a beginning such "
                         "as identity.*",
                     "only");
  }
  reader.finish();
  return out;
}

}  // namespace

std::string_view to_text(const Target& target) {
  if (std::holds_alternative<FileTarget>(target)) return "file";
  return std::holds_alternative<SyslogTarget>(target) ? "syslog" : "webhook";
}

bool wants(const Export& wanted, const LeafView& view) {
  if (wanted.only.empty()) return true;
  return std::ranges::any_of(wanted.only, [&](std::string_view word) {
    if (word == "denied") return view.denied;
    if (word.ends_with('*')) return view.type.starts_with(word.substr(0, word.size() - 1));
    return view.type == word;
  });
}

std::vector<Export> read_exports(doc::ObjectReader& root, const std::string& path,
                                 doc::Problems& problems) {
  std::vector<Export> out;
  const doc::Value* list = root.array("exports");
  if (list == nullptr) return out;
  if (list->as_array().size() > kExportsMax)
    root.problem("out_of_range", "there are at most 20 exports", "exports");
  std::set<std::string> names;
  for (std::size_t i = 0; i < list->as_array().size(); ++i) {
    const doc::Value& value = list->as_array()[i];
    const std::string pointer = root.pointer_to("exports") + "/" + std::to_string(i);
    Export one = read_export(value, pointer, problems);
    const doc::Position at = value.position();
    one.place = path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
    if (!names.insert(one.name).second && !one.name.empty())
      doc::ObjectReader(value, pointer, problems)
          .problem("duplicate_key", "two exports have the name " + one.name, "name");
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::string> check(const Export& wanted) {
  std::vector<std::string> out;
  const auto say = [&](const std::string& what) {
    out.push_back(wanted.place + "export " + wanted.name + ": " + what);
  };
  const auto check_ca = [&](const std::string& file) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0) say("cannot read " + file);
  };
  if (const auto* file = std::get_if<FileTarget>(&wanted.to)) {
    const std::size_t slash = file->path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : file->path.substr(0, slash + 1);
    if (::access(folder.c_str(), W_OK | X_OK) != 0) say("cannot write in " + folder);
  } else if (const auto* syslog = std::get_if<SyslogTarget>(&wanted.to)) {
    check_ca(syslog->stream.ca_file);
  } else if (const auto* webhook = std::get_if<WebhookTarget>(&wanted.to)) {
    check_ca(webhook->ca_file);
    if (webhook->secret.source == secrets::Source::kExec) return out;
    const Result<Secret> text = secrets::resolve(webhook->secret);
    if (!text) {
      say(text.error().message);
    } else if (const Result<Secret> key = crypto::webhook_key(*text); !key) {
      say(key.error().message);
    }
  }
  return out;
}

}  // namespace keyturn::exports
