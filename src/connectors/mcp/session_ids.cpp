#include "connectors/mcp/session_ids.h"

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace keyturn::connectors::mcp {
namespace {

std::string mac(const Secret& key, const Principal& who, std::string_view upstream,
                std::string_view session) {
  std::string message = "mcp-session";
  const std::string name = name_of(who);
  for (const std::string_view part : {std::string_view(name), upstream, session})
    message += "/" + std::to_string(part.size()) + ":" + std::string(part);
  return to_base64url(view(crypto::hmac_sha256(key.reveal(), message)));
}

}  // namespace

std::string name_of(const Principal& who) {
  return std::string(to_text(who.kind)) + "/" + who.id;
}

std::string wrap_session(const Secret& key, const Principal& who, std::string_view upstream,
                         std::string_view server_session) {
  return to_base64url(server_session) + "." + mac(key, who, upstream, server_session);
}

std::optional<std::string> unwrap_session(const Secret& key, const Principal& who,
                                          std::string_view upstream, std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::optional<std::string> session = from_base64url(text.substr(0, dot));
  if (!session ||
      !equal_constant_time(std::string(text.substr(dot + 1)), mac(key, who, upstream, *session)))
    return std::nullopt;
  return session;
}

}  // namespace keyturn::connectors::mcp
