#include "channels/fields.h"

#include "net/url.h"

namespace keyturn::channels {

bool is_name(std::string_view name) {
  constexpr std::size_t kNameMax = 40;
  return !name.empty() && name.size() <= kNameMax && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

secrets::SecretReference require_secret(doc::ObjectReader& in, std::string_view key,
                                        std::string_view what) {
  const doc::Value* value = in.any(key);
  if (value == nullptr) {
    in.problem("missing_field",
               std::string(key) + ": {secret: \"file:/path\"} is needed: " + std::string(what),
               key);
    return {};
  }
  Result<secrets::SecretReference> reference = secrets::parse_reference(*value, in.pointer_to(key));
  if (reference) return std::move(*reference);
  in.problem(reference.error().code, reference.error().message, key);
  return {};
}

std::string read_url(doc::ObjectReader& in, std::string_view key, std::string otherwise) {
  std::string out =
      otherwise.empty() ? in.require_string(key) : in.string(key).value_or(std::move(otherwise));
  const std::string wrong = out.empty() ? std::string() : net::wrong_with_service_url(out);
  if (!wrong.empty()) in.problem("bad_url", wrong, key);
  return out;
}

}  // namespace keyturn::channels
