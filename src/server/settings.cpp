#include "server/settings.h"

#include <charconv>
#include <set>

#include "channels/config.h"
#include "doc/read.h"
#include "doc/yaml.h"
#include "server/files.h"
#include "server/names.h"

namespace keyturn::server {
namespace {

void read_tls(doc::ObjectReader& root, const std::string& path, Settings& settings,
              doc::Problems& problems) {
  const doc::Value* tls = root.object("tls");
  if (tls == nullptr) return;
  const doc::Position at = tls->position();
  settings.tls_place =
      path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
  doc::ObjectReader reader(*tls, root.pointer_to("tls"), problems);
  settings.tls_certificate = reader.require_string("certificate");
  settings.tls_key = reader.require_string("key");
  reader.finish();
}

void read_limits(doc::ObjectReader& root, Settings& settings, doc::Problems& problems) {
  const doc::Value* limits = root.object("limits");
  if (limits == nullptr) return;
  doc::ObjectReader reader(*limits, root.pointer_to("limits"), problems);
  if (const auto n = reader.integer("pending_per_agent", 1, 1'000'000))
    settings.pending_per_agent_max = static_cast<std::size_t>(*n);
  if (const auto n = reader.integer("streams", 1, 100'000))
    settings.streams_max = static_cast<std::size_t>(*n);
  if (const auto n = reader.integer("streams_per_caller", 1, 100'000))
    settings.streams_per_caller_max = static_cast<std::size_t>(*n);
  if (const auto n = reader.number("requests_per_second")) {
    if (*n > 0)
      settings.requests_per_second_max = *n;
    else
      reader.problem("out_of_range", "requests_per_second must be more than 0",
                     "requests_per_second");
  }
  reader.finish();
}

// An open-ended session is nobody's any more: the defaults are the most.
void read_sessions(doc::ObjectReader& root, Settings& settings, doc::Problems& problems) {
  const doc::Value* sessions = root.object("sessions");
  if (sessions == nullptr) return;
  doc::ObjectReader reader(*sessions, root.pointer_to("sessions"), problems);
  const auto read = [&](std::string_view key, Duration& into, const std::string& most) {
    const auto wanted = reader.duration(key);
    if (!wanted) return;
    if (*wanted >= std::chrono::seconds(1) && *wanted <= into)
      into = *wanted;
    else
      reader.problem("out_of_range", std::string(key) + " is from 1s to " + most, key);
  };
  read("idle", settings.session_idle, "12h");
  read("life", settings.session_life, "7d");
  reader.finish();
}

void read_signers(doc::ObjectReader& root, Settings& settings, doc::Problems& problems) {
  const doc::Value* signers = root.object("signers");
  if (signers == nullptr) return;
  doc::ObjectReader reader(*signers, root.pointer_to("signers"), problems);
  std::set<std::string> different;
  for (const std::string& text : reader.strings("keys").value_or(std::vector<std::string>{})) {
    Result<ledger::VerifierKey> key = ledger::parse_vkey(text);
    if (key && key->type == ledger::KeyType::kEd25519) {
      different.insert(key->public_key);
      settings.signers.push_back(std::move(*key));
    } else {
      reader.problem("malformed_key", "\"" + text + "\" is no key as keyturn policy key prints it",
                     "keys");
    }
  }
  if (const auto n = reader.integer("at_least", 1, 20))
    settings.signatures_needed = static_cast<std::size_t>(*n);
  if (different.size() < settings.signatures_needed)
    reader.problem("out_of_range", "there are fewer different keys than signatures asked for",
                   "at_least");
  reader.finish();
}

void read_witnesses(doc::ObjectReader& root, Settings& settings, doc::Problems& problems) {
  const doc::Value* list = root.array("witnesses");
  if (list == nullptr) return;
  std::set<std::string> different;
  for (std::size_t i = 0; i < list->as_array().size(); ++i) {
    doc::ObjectReader reader(list->as_array()[i],
                             root.pointer_to("witnesses") + "/" + std::to_string(i), problems);
    Settings::Witness witness{reader.require_string("url"), {}};
    while (witness.url.ends_with('/')) witness.url.pop_back();
    if (!witness.url.starts_with("http://") && !witness.url.starts_with("https://"))
      reader.problem("bad_url", "a witness's url begins with https:// or http://", "url");
    Result<ledger::VerifierKey> key = ledger::parse_vkey(reader.require_string("key"));
    if (!key || key->type != ledger::KeyType::kCosignature) {
      reader.problem(
          "malformed_key",
          key ? "this key signs no cosignatures; take the one that keyturn witness prints"
              : key.error().message,
          "key");
    } else if (!different.insert(key->public_key).second) {
      reader.problem("duplicate_key", "two witnesses have the same key", "key");
    } else {
      witness.key = std::move(*key);
      settings.witnesses.push_back(std::move(witness));
    }
    reader.finish();
  }
  settings.cosignatures_needed = settings.witnesses.size();
  if (const auto n = root.integer("cosignatures_needed", 1, 20)) {
    settings.cosignatures_needed = static_cast<std::size_t>(*n);
    if (settings.cosignatures_needed > settings.witnesses.size())
      root.problem("out_of_range", "there are fewer witnesses than cosignatures asked for",
                   "cosignatures_needed");
  }
}

void read_proxies(doc::ObjectReader& root, Settings& settings) {
  const auto networks = root.strings("trusted_proxies");
  if (!networks) return;
  Result<net::TrustedProxies> parsed = net::TrustedProxies::parse(*networks);
  if (parsed)
    settings.trusted_proxies = std::move(*parsed);
  else
    root.problem(parsed.error().code, parsed.error().message, "trusted_proxies");
}

void read_listen(doc::ObjectReader& root, Settings& settings) {
  const doc::Value* value = root.any("listen");
  if (value == nullptr) return;
  if (!value->is_string() && !value->is_number()) {
    root.problem("wrong_type", "listen is ADDRESS:PORT or PORT, such as 127.0.0.1:7717", "listen");
    return;
  }
  const std::string& text = value->is_string() ? value->as_string() : value->as_number().text;
  if (const Result<void> set = set_listen(settings, text); !set)
    root.problem(set.error().code, set.error().message, "listen");
}

void read_path(doc::ObjectReader& root, std::string_view key, std::string& into) {
  const auto path = root.string(key);
  if (!path) return;
  into = *path;
  if (path->empty() || path->contains('\0')) {
    root.problem("invalid_path",
                 std::string(key) + " must name a place on the disk; leave it out for the default",
                 key);
  }
}

void read_names(doc::ObjectReader& root, Settings& settings) {
  if (const auto url = root.string("public_url")) {
    settings.public_url = *url;
    if (!is_origin(*url)) {
      root.problem("invalid_url",
                   "public_url is what stands in a browser before the first /, such as "
                   "https://keyturn.example or http://localhost:7717: lower case, without a path",
                   "public_url");
    }
  }
  settings.hosts = root.strings("hosts").value_or(settings.hosts);
  for (const std::string& host : settings.hosts) {
    if (is_host_name(host)) continue;
    root.problem("invalid_host",
                 "\"" + host +
                     "\" is no host name: lower case, without scheme and port; an IPv6 "
                     "address in []",
                 "hosts");
  }
  if (const auto origin = root.string("ledger_origin")) {
    settings.origin = *origin;
    if (!ledger::valid_key_name(*origin)) {
      root.problem("invalid_origin",
                   "ledger_origin is the name of a key, such as keyturn.example/prod: not empty, "
                   "without spaces and \"+\"",
                   "ledger_origin");
    }
  }
}

}  // namespace

Result<void> set_listen(Settings& settings, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (error != std::errc{} || end != port.data() + port.size() || value > 65535 || port.empty()) {
    return refuse("invalid_listen", "\"" + text + "\" is no address:port, such as 127.0.0.1:7717");
  }
  if (colon != std::string::npos) {
    settings.address = text.substr(0, colon);
    if (settings.address.starts_with('[') && settings.address.ends_with(']')) {
      settings.address = settings.address.substr(1, settings.address.size() - 2);
    }
    if (settings.address == "localhost") settings.address = "127.0.0.1";
    if (!is_numeric_address(settings.address)) {
      return refuse("invalid_listen", "\"" + settings.address +
                                          "\" is no numeric address, such as 127.0.0.1 or [::1]");
    }
  }
  settings.port = static_cast<std::uint16_t>(value);
  return {};
}

Result<Settings> read_settings(const std::string& path, Settings settings) {
  const Result<std::string> text = read_file(path);
  if (!text) return std::unexpected(text.error());
  const Result<doc::Value> tree = doc::parse_yaml(*text, path);
  if (!tree)
    return refuse("invalid_configuration", tree.error().where + ": " + tree.error().message);
  if (tree->is_null()) return settings;  // empty, or nothing but comments: every key has a default
  doc::Problems problems;
  doc::ObjectReader root(*tree, "", problems);
  read_listen(root, settings);
  read_path(root, "data", settings.data);
  read_path(root, "policy", settings.policy);
  read_path(root, "tools", settings.tools);
  read_path(root, "credentials", settings.credentials);
  read_path(root, "runbooks", settings.runbooks);
  read_path(root, "identity", settings.identity);
  read_names(root, settings);
  read_tls(root, path, settings, problems);
  read_limits(root, settings, problems);
  read_sessions(root, settings, problems);
  read_proxies(root, settings);
  settings.watch = root.boolean("watch").value_or(settings.watch);
  read_signers(root, settings, problems);
  read_witnesses(root, settings, problems);
  settings.exports = exports::read_exports(root, path, problems);
  settings.channels = std::make_shared<const std::vector<channels::Configured>>(
      channels::read_channels(root, problems));
  root.finish();
  if (!doc::has_errors(problems)) return settings;
  std::string all;
  for (const doc::Problem& problem : problems)
    all += (all.empty() ? "" : "\n") + doc::to_text(problem, path);
  return refuse("invalid_configuration", all);
}

std::string public_url_of(const Settings& settings) {
  if (!settings.public_url.empty()) {
    std::string url = settings.public_url;
    while (url.ends_with('/')) url.pop_back();
    return url;
  }
  return (settings.tls_certificate.empty() ? "http://localhost:" : "https://localhost:") +
         std::to_string(settings.port);
}

}  // namespace keyturn::server
