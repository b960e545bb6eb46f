// credentials.yaml: its head, and one provider an entry.
#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/overloaded.h"
#include "credentials/reader.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "doc/yaml.h"

namespace keyturn::credentials {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kEntriesMax = 500;
constexpr doc::ParseLimits kLimits{.bytes_max = 1 << 20, .values_max = 50'000};

// In the order of Provider's alternatives.
constexpr std::array<std::string_view, 9> kWords{"static",
                                                 "http_header",
                                                 "postgres_role",
                                                 "ssh_certificate",
                                                 "oauth_client_credentials",
                                                 "token_exchange",
                                                 "kubernetes_token",
                                                 "aws_sts",
                                                 "vault"};
static_assert(kWords.size() == std::variant_size_v<Provider>);

Provider read_provider(std::string_view word, doc::ObjectReader& in, doc::Problems& problems) {
  if (word == "static") return StaticSecret{require_secret(in, "value", problems)};
  if (word == "http_header") {
    HttpHeader out;
    out.header = require_line(in, "header");
    out.prefix = in.string("prefix").value_or("");
    if (!is_line(out.prefix))
      in.problem("invalid_text", "prefix must be one line without control characters", "prefix");
    out.secret = require_secret(in, "value", problems);
    return out;
  }
  if (word == "postgres_role") return read_postgres_role(in, problems);
  if (word == "ssh_certificate") return read_ssh_certificate(in, problems);
  if (word == "oauth_client_credentials") return read_oauth(in, problems);
  if (word == "token_exchange") return read_token_exchange(in, problems);
  if (word == "kubernetes_token") return read_kubernetes(in, problems);
  if (word == "aws_sts") return read_aws_sts(in, problems);
  return read_vault(in, problems);
}

void check_lifetime(doc::ObjectReader& in, const Credential& credential) {
  Duration least = seconds(10);
  std::string why = "10s";
  if (std::holds_alternative<KubernetesToken>(credential.provider)) {
    least = minutes(10);
    why = "10m, which is the least that Kubernetes gives,";
  } else if (std::holds_alternative<AwsSts>(credential.provider)) {
    least = minutes(15);
    why = "15m, which is the least that AWS STS gives,";
  }
  if (credential.lifetime < least || credential.lifetime > hours(12))
    in.problem("out_of_range", "lifetime is " + why + " to 12h", "lifetime");
}

Credential read_credential(const doc::Value& value, const std::string& name,
                           const std::string& pointer, doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  Credential out{.name = name};
  out.lifetime = in.duration("lifetime").value_or(out.lifetime);
  out.only_to = read_only_to(in);
  std::string_view found;
  for (const std::string_view word : kWords) {
    const doc::Value* provider = in.object(word);
    if (provider == nullptr) continue;
    if (!found.empty()) {
      in.problem("conflict",
                 "has " + std::string(found) + " and " + std::string(word) +
                     ": one credential has one provider; give the other a name of its own",
                 word);
      continue;
    }
    found = word;
    doc::ObjectReader inner(*provider, in.pointer_to(word), problems);
    out.provider = read_provider(word, inner, problems);
    inner.finish();
  }
  if (found.empty() && value.is_object()) {
    std::string words;
    for (const std::string_view word : kWords)
      words += (words.empty() ? "" : ", ") + std::string(word);
    in.problem("missing_field", "needs a provider, one of " + words);
  }
  check_lifetime(in, out);
  in.finish();
  return out;
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() < 'a' || name.front() > 'z') return false;
  return std::ranges::all_of(
      name, [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
}

void expect_text(doc::ObjectReader& in, std::string_view key, std::string_view wanted) {
  const auto text = in.string(key);
  if (text == wanted || (!text && in.value().find(key) != nullptr)) return;
  in.problem(text ? "unknown_version" : "missing_field",
             std::string(key) + " must be " + std::string(wanted), text ? key : std::string_view{});
}

void read_all(doc::ObjectReader& in, Document& out, doc::Problems& problems) {
  const doc::Value* entries = in.object("credentials");
  if (entries == nullptr) return;
  if (entries->as_object().size() > kEntriesMax)
    in.problem("too_many", "credentials has more than 500 entries", "credentials");
  for (const doc::Member& member : entries->as_object()) {
    const std::string pointer =
        in.pointer_to("credentials") + "/" + doc::pointer_escape(member.key);
    if (!is_name(member.key))
      problems.push_back({"invalid_name",
                          "\"" + member.key +
                              "\" is no name: 1 to 64 of a-z, 0-9, \"-\" and \"_\", beginning with "
                              "a letter",
                          pointer, member.key_position});
    out.credentials.emplace(member.key,
                            read_credential(member.value, member.key, pointer, problems));
  }
}

}  // namespace

std::string_view provider_name(const Credential& credential) {
  return kWords[credential.provider.index()];
}

std::vector<std::string> fields_of(const Credential& credential) {
  using Fields = std::vector<std::string>;
  Fields out = std::visit(
      Overloaded{[](const StaticSecret&) { return Fields{"value"}; },
                 [](const HttpHeader&) { return Fields{"value"}; },
                 [](const PostgresRole&) { return Fields{"password", "user"}; },
                 [](const SshCertificate&) { return Fields{"certificate", "private_key"}; },
                 [](const OauthClientCredentials&) { return Fields{"token"}; },
                 [](const TokenExchange&) { return Fields{"token"}; },
                 [](const KubernetesToken&) { return Fields{"token"}; },
                 [](const AwsSts&) {
                   return Fields{"access_key_id", "secret_access_key", "session_token"};
                 },
                 [](const VaultSecret& vault) { return vault.fields; }},
      credential.provider);
  std::ranges::sort(out);
  return out;
}

const Credential* Document::find(std::string_view name) const {
  const auto at = credentials.find(name);
  return at == credentials.end() ? nullptr : &at->second;
}

bool is_within(const std::vector<std::string>& urls, std::string_view url) {
  url = url.substr(0, url.find('?'));
  return std::ranges::any_of(urls, [&](const std::string& one) {
    return one.ends_with('/') ? url.starts_with(one) : url == one;
  });
}

Result<void> Document::check_use(std::string_view name, std::string_view field,
                                 std::string_view sent_to) const {
  const Credential* credential = find(name);
  if (credential == nullptr)
    return refuse("unknown_credential", "credential \"" + std::string(name) +
                                            "\" is not in credentials.yaml; add it there, or name "
                                            "one that is");
  if (!credential->only_to.empty() && !is_within(credential->only_to, sent_to)) {
    std::string urls;
    for (const std::string& one : credential->only_to) urls += (urls.empty() ? "" : ", ") + one;
    return refuse("not_sent_there",
                  "credential " + credential->name + " is only sent to " + urls +
                      (sent_to.empty() ? ", by http tools" : ", not to " + std::string(sent_to)));
  }
  const std::vector<std::string> fields = fields_of(*credential);
  if (field.empty() && !sent_to.empty()) field = fields.size() == 1 ? fields.front() : "token";
  if (field.empty() || std::ranges::find(fields, field) != fields.end()) return {};
  std::string known;
  for (const std::string& one : fields) known += (known.empty() ? "" : ", ") + one;
  return refuse("unknown_field", "credential " + credential->name + " (" +
                                     std::string(provider_name(*credential)) + ") has no field \"" +
                                     std::string(field) + "\", but " + known);
}

std::optional<Document> read(const doc::Value& tree, doc::Problems& problems) {
  doc::Problems found;
  Document out;
  doc::ObjectReader in(tree, "", found);
  expect_text(in, "apiVersion", "keyturn/v1");
  expect_text(in, "kind", "Credentials");
  read_all(in, out, found);
  in.finish();
  if (const auto canonical = doc::canonical(tree))
    out.digest = crypto::sha256_text(*canonical);
  else
    found.push_back(
        {canonical.error().code, canonical.error().message, canonical.error().where, {}});
  const bool failed = doc::has_errors(found);
  problems.insert(problems.end(), found.begin(), found.end());
  if (failed) return std::nullopt;
  return out;
}

std::optional<Document> load(std::string_view text, doc::Problems& problems) {
  doc::Problems found;
  const std::optional<doc::Value> tree = doc::parse_yaml(text, kLimits, found);
  problems.insert(problems.end(), found.begin(), found.end());
  if (!tree || doc::has_errors(found)) return std::nullopt;
  return read(*tree, problems);
}

}  // namespace keyturn::credentials
