// identity.yaml, its head and what its sections share.
#include <algorithm>

#include "base/ascii.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "trust/reader.h"

namespace keyturn::trust {
namespace {

constexpr std::size_t kEntriesMax = 64;
constexpr std::size_t kMappedMax = 2'000;
constexpr doc::ParseLimits kLimits{.bytes_max = 1 << 20, .values_max = 50'000};

void expect_text(doc::ObjectReader& in, std::string_view key, std::string_view wanted) {
  const auto text = in.string(key);
  if (text == wanted || (!text && in.value().find(key) != nullptr)) return;
  in.problem(text ? "unknown_version" : "missing_field",
             std::string(key) + " must be " + std::string(wanted), text ? key : std::string_view{});
}

// Every entry of a section by its name; entries that are too many or badly named are problems.
template <class Read>
void each_entry(doc::ObjectReader& in, std::string_view section, doc::Problems& problems,
                const Read& read) {
  const doc::Value* entries = in.object(section);
  if (entries == nullptr) return;
  if (entries->as_object().size() > kEntriesMax)
    in.problem("too_many", std::string(section) + " has more than 64 entries", section);
  for (const doc::Member& member : entries->as_object()) {
    const std::string pointer = in.pointer_to(section) + "/" + doc::pointer_escape(member.key);
    if (!is_entry_name(member.key)) {
      problems.push_back({"invalid_name",
                          "\"" + member.key +
                              "\" is no name: 1 to 32 of a-z, 0-9, \"-\" and \"_\", beginning with "
                              "a letter; it becomes part of addresses",
                          pointer, member.key_position});
    }
    read(member.value, member.key, pointer);
  }
}

// Two providers with one issuer and client could not be told apart by their tokens.
void check_different(const Document& document, const doc::Value& tree, doc::Problems& problems) {
  for (const auto& [name, one] : document.providers) {
    for (const auto& [other_name, other] : document.providers) {
      if (name >= other_name || one.issuer != other.issuer || one.client_id != other.client_id)
        continue;
      const doc::Value* at = tree.find_path({"providers", other_name, "issuer"});
      problems.push_back({"duplicate_issuer",
                          "has the issuer and the client_id of provider " + name +
                              ": sign-ins could not be told apart; keep one of them",
                          "/providers/" + other_name + "/issuer",
                          at == nullptr ? doc::Position{} : at->position()});
    }
  }
}

}  // namespace

bool is_entry_name(std::string_view name) {
  if (name.empty() || name.size() > 32 || name.front() < 'a' || name.front() > 'z') return false;
  return std::ranges::all_of(
      name, [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
}

bool is_name_here(std::string_view name) {
  if (name.empty() || name.size() > 128 || !(is_letter(name.front()) || is_digit(name.front())))
    return false;
  return std::ranges::all_of(
      name, [](char c) { return is_alphanumeric(c) || std::string_view("._@+-").contains(c); });
}

std::string read_text(doc::ObjectReader& in, std::string_view key) {
  std::string text = in.require_string(key);
  const doc::Value* value = in.value().find(key);
  if (value != nullptr && value->is_string() && text.empty())
    in.problem("missing_field", std::string(key) + " cannot be empty", key);
  return text;
}

std::string read_url(doc::ObjectReader& in, std::string_view key, bool required) {
  std::string url = required ? in.require_string(key) : in.string(key).value_or("");
  const bool there = in.value().find(key) != nullptr && in.value().find(key)->is_string();
  if (there && !is_safe_url(url)) {
    in.problem("bad_url",
               std::string(key) +
                   " must begin with https:// (http:// on localhost only) and have no user, query "
                   "or fragment",
               key);
  }
  return url;
}

std::map<std::string, std::string, std::less<>> read_group_map(doc::ObjectReader& in,
                                                               std::string_view key,
                                                               doc::Problems& problems) {
  std::map<std::string, std::string, std::less<>> out;
  const doc::Value* map = in.object(key);
  if (map == nullptr) return out;
  if (map->as_object().size() > kMappedMax)
    in.problem("too_many", std::string(key) + " has more than 2000 entries", key);
  for (const doc::Member& member : map->as_object()) {
    const std::string pointer = in.pointer_to(key) + "/" + doc::pointer_escape(member.key);
    const bool named = member.value.is_string() && is_name_here(member.value.as_string());
    if (!named || member.key.empty()) {
      problems.push_back({"invalid_group",
                          "\"" + member.key +
                              "\" must be given the name of a group here, such as dba: letters, "
                              "digits and . _ @ + -",
                          pointer, member.value.position()});
      continue;
    }
    out.emplace(member.key, member.value.as_string());
  }
  return out;
}

std::optional<secrets::SecretReference> read_secret(doc::ObjectReader& in, std::string_view key,
                                                    doc::Problems& problems) {
  const doc::Value* value = in.any(key);
  if (value == nullptr) return std::nullopt;
  const std::string pointer = in.pointer_to(key);
  if (!value->is_object() || value->find("secret") == nullptr) {
    problems.push_back({"invalid_reference",
                        std::string(key) +
                            " is a secret: say where it is kept, such as {secret: env:NAME} or "
                            "{secret: file:/path}, never the secret itself",
                        pointer, value->position()});
    return std::nullopt;
  }
  Result<secrets::SecretReference> reference = secrets::parse_reference(*value, pointer);
  if (reference) return std::move(*reference);
  problems.push_back(
      {reference.error().code, reference.error().message, pointer, value->position()});
  return std::nullopt;
}

std::optional<Document> load(std::string_view text, doc::Problems& problems) {
  doc::Problems found;
  Document out;
  const std::optional<doc::Value> tree = doc::parse_yaml(text, kLimits, found);
  if (tree) {
    doc::ObjectReader in(*tree, "", found);
    expect_text(in, "apiVersion", "keyturn/v1");
    expect_text(in, "kind", "Identity");
    each_entry(in, "providers", found,
               [&](const doc::Value& value, const std::string& name, const std::string& pointer) {
                 out.providers.emplace(name, read_provider(value, name, pointer, found));
               });
    each_entry(in, "agents", found,
               [&](const doc::Value& value, const std::string& name, const std::string& pointer) {
                 out.agents.emplace(name, read_agent_issuer(value, name, pointer, found));
               });
    each_entry(in, "scim", found,
               [&](const doc::Value& value, const std::string& name, const std::string& pointer) {
                 out.scim.emplace(name, read_scim(value, name, pointer, found));
               });
    each_entry(in, "oncall", found,
               [&](const doc::Value& value, const std::string& name, const std::string& pointer) {
                 out.oncall.emplace(name, read_oncall(value, name, pointer, found));
               });
    in.finish();
    check_different(out, *tree, found);
    check_scim(out, *tree, found);
    check_oncall(out, *tree, found);
    const auto canonical = doc::canonical(*tree);
    if (canonical)
      out.digest = crypto::sha256_text(*canonical);
    else
      found.push_back(
          {canonical.error().code, canonical.error().message, canonical.error().where, {}});
  }
  const bool failed = !tree || doc::has_errors(found);
  problems.insert(problems.end(), found.begin(), found.end());
  if (failed) return std::nullopt;
  return out;
}

}  // namespace keyturn::trust
