// Fields that several providers have.
#include <algorithm>

#include "credentials/reader.h"
#include "net/url.h"

namespace keyturn::credentials {
namespace {

bool has_text(const doc::ObjectReader& in, std::string_view key) {
  const doc::Value* value = in.value().find(key);
  return value != nullptr && value->is_string();
}

std::string checked_line(doc::ObjectReader& in, std::string_view key, std::string text) {
  if (has_text(in, key) && text.empty())
    in.problem("missing_field", std::string(key) + " cannot be empty", key);
  if (!is_line(text))
    in.problem("invalid_text", std::string(key) + " must be one line without control characters",
               key);
  return text;
}

std::string checked_url(doc::ObjectReader& in, std::string_view key, std::string url) {
  if (!has_text(in, key)) return url;
  if (const std::string wrong = net::wrong_with_service_url(url); !wrong.empty())
    in.problem("bad_url", std::string(key) + ": " + wrong, key);
  return url;
}

}  // namespace

bool is_line(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string require_line(doc::ObjectReader& in, std::string_view key) {
  return checked_line(in, key, in.require_string(key));
}

std::string read_line(doc::ObjectReader& in, std::string_view key) {
  return checked_line(in, key, in.string(key).value_or(""));
}

std::string require_url(doc::ObjectReader& in, std::string_view key) {
  return checked_url(in, key, in.require_string(key));
}

std::string read_url(doc::ObjectReader& in, std::string_view key) {
  return checked_url(in, key, in.string(key).value_or(""));
}

std::vector<std::string> read_only_to(doc::ObjectReader& in) {
  std::vector<std::string> urls = in.strings("only_to").value_or(std::vector<std::string>{});
  if (in.value().find("only_to") != nullptr && urls.empty())
    in.problem("missing_field", "only_to cannot be empty: leave it out, or name a URL", "only_to");
  for (const std::string& url : urls) {
    std::string wrong = net::wrong_with_service_url(url);
    const std::size_t path = wrong.empty() ? url.find('/', url.find("://") + 3) : 0;
    if (wrong.empty() && (path == std::string::npos || url.contains('?')))
      wrong = "it has a path and no query; one that ends with \"/\" is all that is below it";
    if (!wrong.empty()) in.problem("bad_url", "only_to: " + wrong, "only_to");
  }
  return urls;
}

std::string read_ca_file(doc::ObjectReader& in) {
  std::string path = read_line(in, "ca_file");
  if (!path.empty() && path.front() != '/')
    in.problem("not_absolute", "ca_file must be an absolute path of a PEM file", "ca_file");
  return path;
}

std::optional<secrets::SecretReference> read_secret(doc::ObjectReader& in, std::string_view key,
                                                    doc::Problems& problems) {
  const doc::Value* value = in.any(key);
  if (value == nullptr) return std::nullopt;
  const std::string pointer = in.pointer_to(key);
  if (!value->is_object() || value->find("secret") == nullptr) {
    problems.push_back({"literal_secret",
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

secrets::SecretReference require_secret(doc::ObjectReader& in, std::string_view key,
                                        doc::Problems& problems) {
  if (in.value().find(key) == nullptr)
    in.problem("missing_field",
               "needs " + std::string(key) + ": {secret: env:NAME} or {secret: file:/path}");
  return read_secret(in, key, problems).value_or(secrets::SecretReference{});
}

}  // namespace keyturn::credentials
