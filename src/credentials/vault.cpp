// Dynamic secrets of Vault and OpenBao, by their HTTP API: read once, and the lease revoked.
#include "credentials/http_call.h"
#include "credentials/provider.h"
#include "credentials/reader.h"
#include "doc/json.h"

namespace keyturn::credentials {
namespace {

constexpr std::string_view kVault = "the vault";
constexpr std::size_t kLeaseMax = 1024;

Result<net::ClientRequest> request_to(const VaultSecret& vault, std::string method,
                                      std::string_view path) {
  const auto token = fetch(vault.token, "the vault's token");
  if (!token) return std::unexpected(token.error());
  net::ClientRequest request;
  request.method = std::move(method);
  std::string address = vault.address;
  while (address.ends_with('/')) address.pop_back();
  request.url = address + "/v1/" + std::string(path);
  request.ca_file = vault.ca_file;
  request.headers.set("X-Vault-Token", std::string(token->reveal()));
  request.headers.set("X-Vault-Request", "true");
  if (!vault.name_space.empty()) request.headers.set("X-Vault-Namespace", vault.name_space);
  return request;
}

Result<void> end_lease(const VaultSecret& vault, const std::string& lease) {
  auto request = request_to(vault, "PUT", "sys/leases/revoke");
  if (!request) return std::unexpected(request.error());
  request->headers.set("Content-Type", "application/json");
  request->body = doc::write_json(doc::object({{"lease_id", lease}, {"sync", true}}));
  const auto answer = call(std::move(*request), kVault);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Given read(const VaultSecret& vault, const doc::Value& answer, const Issuance& issuance) {
  Issued out;
  const doc::Value* data = answer.find("data");
  for (const std::string& field : vault.fields) {
    const doc::Value* value = data == nullptr ? nullptr : data->find(field);
    if (value == nullptr || !value->is_string())
      return refuse("credential_unreadable", std::string(kVault) + " answered without " + field);
    out.fields.emplace(field, Secret(value->as_string()));
  }
  const std::string_view lease = answer.text("lease_id");
  out.shown = doc::object({{"path", vault.path}, {"lease_id", lease}});
  out.lease = lease;
  out.expires_at = issuance.now + std::chrono::seconds(
                                      std::max<std::int64_t>(answer.integer("lease_duration"), 0));
  return out;
}

}  // namespace

Given issue(const VaultSecret& vault, const Issuance& issuance) {
  auto request = request_to(vault, "GET", vault.path);
  if (!request) return std::unexpected(request.error());
  const auto answer = call_json(std::move(*request), kVault);
  if (!answer) return std::unexpected(answer.error());
  const std::string lease(answer->text("lease_id"));
  if (lease.size() > kLeaseMax || !is_line(lease)) {
    std::ignore = end_lease(vault, lease);
    return refuse("credential_unreadable", "the vault's lease_id is no short line of text");
  }
  if (lease.empty())
    return refuse("credential_unreadable",
                  "the vault gave no lease: " + vault.path +
                      " is no dynamic secret, and could not be revoked; use static for it");
  Given out = read(vault, *answer, issuance);
  if (!out) std::ignore = end_lease(vault, lease);
  return out;
}

Result<void> revoke(const VaultSecret& vault, const Issued& issued) {
  return end_lease(vault, issued.lease);
}

}  // namespace keyturn::credentials
