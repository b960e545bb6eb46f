#include "secrets/reference.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::secrets {
namespace {

constexpr std::string_view kForms =
    "write {secret: \"env:NAME\"}, {secret: \"file:/absolute/path\"} or {secret: [exec, /program, "
    "…]}";

std::unexpected<Refusal> invalid(std::string_view what, const std::string& pointer) {
  return refuse("invalid_reference", std::string(what) + "; " + std::string(kForms), pointer);
}

bool is_variable_name(std::string_view name) {
  const auto is_start = [](char c) { return is_letter(c) || c == '_'; };
  return !name.empty() && is_start(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_start(c) || is_digit(c); });
}

bool is_absolute(std::string_view path) {
  return path.starts_with('/') && !path.contains('\0');
}

Result<SecretReference> read_argv(const doc::Array& items, std::size_t first,
                                  const std::string& pointer) {
  SecretReference reference{.source = Source::kExec};
  for (std::size_t i = first; i < items.size(); ++i) {
    if (!items[i].is_string() || items[i].as_string().contains('\0')) {
      return invalid("the program of an exec secret and its arguments must be strings", pointer);
    }
    reference.argv.push_back(items[i].as_string());
  }
  if (reference.argv.empty() || !is_absolute(reference.argv.front())) {
    return invalid("an exec secret names its program by an absolute path", pointer);
  }
  return reference;
}

Result<SecretReference> read_text(const std::string& text, const std::string& pointer) {
  const std::string_view whole = text;
  if (whole.starts_with("env:")) {
    const std::string_view name = whole.substr(4);
    if (!is_variable_name(name))
      return invalid("env: must be followed by the name of a variable", pointer);
    return SecretReference{Source::kEnv, std::string(name), {}};
  }
  if (whole.starts_with("file:")) {
    const std::string_view path = whole.substr(5);
    if (!is_absolute(path)) return invalid("file: must be followed by an absolute path", pointer);
    return SecretReference{Source::kFile, std::string(path), {}};
  }
  if (whole.starts_with("exec:")) {
    const auto argv = doc::parse_json(whole.substr(5));
    if (!argv || !argv->is_array())
      return invalid("exec: must be followed by a JSON array of strings", pointer);
    return read_argv(argv->as_array(), 0, pointer);
  }
  if (whole.starts_with("vault:")) {
    return refuse("unsupported_reference",
                  "secrets from vault: are not yet supported; until then use "
                  "[exec, /usr/bin/vault, kv, get, -field=…, …]",
                  pointer);
  }
  // Not repeated: it may be the secret itself.
  return invalid("this is no reference to a secret", pointer);
}

}  // namespace

Result<SecretReference> parse_reference(const doc::Value& value, const std::string& pointer) {
  if (value.is_string()) return read_text(value.as_string(), pointer);
  if (value.is_array()) {
    const doc::Array& items = value.as_array();
    const bool is_exec = !items.empty() && items[0].is_string() && items[0].as_string() == "exec";
    if (is_exec) return read_argv(items, 1, pointer);
  }
  if (value.is_object() && value.as_object().size() == 1) {
    const doc::Member& member = value.as_object().front();
    if (member.key == "secret" && !member.value.find("secret")) {
      return parse_reference(member.value, pointer + "/secret");
    }
    if (member.key == "exec" && member.value.is_array()) {
      return read_argv(member.value.as_array(), 0, pointer + "/exec");
    }
  }
  return invalid("this is no reference to a secret", pointer);
}

std::string to_text(const SecretReference& reference) {
  switch (reference.source) {
    case Source::kEnv:
      return "env:" + reference.name;
    case Source::kFile:
      return "file:" + reference.name;
    case Source::kExec:
      return "exec:" + doc::write_json(doc::array_of(reference.argv));
  }
  return {};
}

std::string fingerprint(const Secret& value, const Secret& key) {
  std::string message = "keyturn/v1/fingerprint";
  message += '\0';
  message += value.reveal();
  const Digest digest = crypto::hmac_sha256(key.reveal(), message);
  std::ranges::fill(message, '\0');
  return "hmac:" + to_hex(view(digest)).substr(0, 12);
}

std::string length_class(const Secret& value) {
  static constexpr std::array<std::size_t, 5> kEdges = {8, 16, 32, 64, 128};
  const std::size_t size = value.reveal().size();
  std::size_t least = 1;
  if (size == 0) return "empty";
  for (const std::size_t edge : kEdges) {
    if (size < edge) return std::to_string(least) + "-" + std::to_string(edge - 1) + " bytes";
    least = edge;
  }
  return "128 bytes or more";
}

}  // namespace keyturn::secrets
