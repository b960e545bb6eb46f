// Tokens of service accounts by the TokenRequest API (authentication.k8s.io/v1). One that is to be
// revocable is bound to a Secret made for it: when that is deleted the API server takes the token
// no more.
#include "base/percent.h"
#include "credentials/http_call.h"
#include "credentials/provider.h"
#include "doc/json.h"

namespace keyturn::credentials {
namespace {

constexpr std::string_view kApiServer = "the Kubernetes API";
constexpr std::chrono::seconds kTokenLeast{600};  // the API gives no shorter one
constexpr std::string_view kOurs = "keyturn-deployment";

std::string in_namespace(const KubernetesToken& kubernetes, std::string_view rest) {
  std::string out = kubernetes.server;
  while (out.ends_with('/')) out.pop_back();
  return out + "/api/v1/namespaces/" + kubernetes.name_space + std::string(rest);
}

Result<net::ClientRequest> request_to(const KubernetesToken& kubernetes, std::string method,
                                      std::string url, const doc::Value* body) {
  const auto token = fetch(kubernetes.token, "the token of who asks");
  if (!token) return std::unexpected(token.error());
  net::ClientRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.ca_file = kubernetes.ca_file;
  request.headers.set("Authorization", "Bearer " + std::string(token->reveal()));
  if (body != nullptr) {
    request.headers.set("Content-Type", "application/json");
    request.body = doc::write_json(*body);
  }
  return request;
}

Result<doc::Value> ask(const KubernetesToken& kubernetes, std::string method, std::string url,
                       const doc::Value* body) {
  auto request = request_to(kubernetes, std::move(method), std::move(url), body);
  if (!request) return std::unexpected(request.error());
  return call_json(std::move(*request), kApiServer);
}

// Names of objects have no "_".
std::string object_name(std::string name) {
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

// The object that the token is bound to: {name, uid}.
Result<doc::Value> make_secret(const KubernetesToken& kubernetes, const Issuance& issuance) {
  const doc::Value body = doc::object(
      {{"apiVersion", "v1"},
       {"kind", "Secret"},
       {"metadata",
        doc::object(
            {{"name", object_name(issuance.name)},
             {"labels", doc::object({{kOurs, issuance.deployment}})},
             {"annotations", doc::object({{"keyturn/credential", issuance.id},
                                          {"keyturn/action", issuance.binding.action.str()},
                                          {"keyturn/principal", issuance.binding.principal},
                                          {"keyturn/expires", to_rfc3339(issuance.until)}})}})}});
  const auto made = ask(kubernetes, "POST", in_namespace(kubernetes, "/secrets"), &body);
  if (!made) return std::unexpected(made.error());
  const doc::Value* metadata = made->find("metadata");
  if (metadata == nullptr || metadata->text("uid").empty())
    return refuse("credential_unreadable",
                  std::string(kApiServer) + " made a Secret without a uid");
  return doc::object({{"name", metadata->text("name")}, {"uid", metadata->text("uid")}});
}

Result<void> delete_secret(const KubernetesToken& kubernetes, const std::string& name) {
  auto request =
      request_to(kubernetes, "DELETE", in_namespace(kubernetes, "/secrets/" + name), nullptr);
  if (!request) return std::unexpected(request.error());
  const auto answer = net::fetch(*request);
  if (!answer)
    return refuse("not_revoked", std::string(kApiServer) + ": " + answer.error().message);
  if (answer->status == 404 || (answer->status >= 200 && answer->status < 300)) return {};
  return refuse("not_revoked",
                std::string(kApiServer) + " answered " + std::to_string(answer->status));
}

Given request_token(const KubernetesToken& kubernetes, const Issuance& issuance,
                    const doc::Value* bound) {
  const auto lasts = std::max(
      kTokenLeast, std::chrono::duration_cast<std::chrono::seconds>(issuance.until - issuance.now));
  doc::Value spec = doc::object({{"expirationSeconds", static_cast<std::int64_t>(lasts.count())}});
  if (!kubernetes.audiences.empty()) spec.set("audiences", doc::array_of(kubernetes.audiences));
  if (bound != nullptr)
    spec.set("boundObjectRef", doc::object({{"apiVersion", "v1"},
                                            {"kind", "Secret"},
                                            {"name", bound->text("name")},
                                            {"uid", bound->text("uid")}}));
  const doc::Value body = doc::object({{"apiVersion", "authentication.k8s.io/v1"},
                                       {"kind", "TokenRequest"},
                                       {"spec", std::move(spec)}});
  const auto answer = ask(
      kubernetes, "POST",
      in_namespace(kubernetes, "/serviceaccounts/" + kubernetes.service_account + "/token"), &body);
  if (!answer) return std::unexpected(answer.error());
  const doc::Value* status = answer->find("status");
  if (status == nullptr)
    return refuse("credential_unreadable", std::string(kApiServer) + " answered without a status");
  auto token = text_of(*status, "token", kApiServer);
  const auto until = from_rfc3339(status->text("expirationTimestamp"));
  if (!token) return std::unexpected(token.error());
  if (!until)
    return refuse("credential_unreadable",
                  std::string(kApiServer) + " answered without an expirationTimestamp");
  Issued out;
  out.shown =
      doc::object({{"service_account", kubernetes.name_space + "/" + kubernetes.service_account}});
  if (bound != nullptr) out.shown.set("bound_to", bound->text("name"));
  out.expires_at = *until;
  out.fields.emplace("token", Secret(std::move(*token)));
  return out;
}

}  // namespace

Given issue(const KubernetesToken& kubernetes, const Issuance& issuance) {
  if (!kubernetes.revocable) return request_token(kubernetes, issuance, nullptr);
  const auto bound = make_secret(kubernetes, issuance);
  if (!bound) return std::unexpected(bound.error());
  Given out = request_token(kubernetes, issuance, &*bound);
  if (!out) std::ignore = delete_secret(kubernetes, std::string(bound->text("name")));
  return out;
}

Result<void> revoke(const KubernetesToken& kubernetes, const Issued& issued) {
  const std::string name(issued.shown.text("bound_to"));
  return name.empty() ? Result<void>{} : delete_secret(kubernetes, name);
}

Result<Swept> sweep(const KubernetesToken& kubernetes, const std::string& deployment,
                    const Judge& judge) {
  Swept out;
  if (!kubernetes.revocable) return out;
  const std::string query =
      "/secrets?labelSelector=" + percent_encoded(std::string(kOurs) + "=" + deployment);
  const auto answer = ask(kubernetes, "GET", in_namespace(kubernetes, query), nullptr);
  if (!answer) return std::unexpected(answer.error());
  const doc::Value* items = answer->find("items");
  if (items == nullptr || !items->is_array()) return out;
  for (const doc::Value& item : items->as_array()) {
    const doc::Value* marks = item.find_path({"metadata", "annotations"});
    const doc::Value* name = item.find_path({"metadata", "name"});
    if (marks == nullptr || name == nullptr || !name->is_string()) continue;
    const std::string id(marks->text("keyturn/credential"));
    const Fate fate = judge(id, std::string(marks->text("keyturn/action")));
    out.waits = out.waits || fate == Fate::kWait;
    if (fate != Fate::kEnd) continue;
    if (auto gone = delete_secret(kubernetes, name->as_string()); gone)
      out.ended.push_back(id);
    else
      out.problems.push_back(id + ", secret " + name->as_string() + ": " + gone.error().message);
  }
  return out;
}

}  // namespace keyturn::credentials
