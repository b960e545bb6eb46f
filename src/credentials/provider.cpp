#include "credentials/provider.h"

#include "base/overloaded.h"
#include "secrets/redact.h"
#include "secrets/reference.h"

namespace keyturn::credentials {
namespace {

Given kept(const secrets::SecretReference& reference, const std::string& prefix) {
  auto value = fetch(reference, "the secret");
  if (!value) return std::unexpected(value.error());
  Issued out;
  out.shown = doc::object({{"secret", secrets::to_text(reference)}});
  if (prefix.empty()) {
    out.fields.emplace("value", std::move(*value));
    return out;
  }
  out.fields.emplace("value", Secret(prefix + std::string(value->reveal())));
  out.fields.emplace("secret", std::move(*value));  // no tool names it: it is known, to be redacted
  return out;
}

Given issue_by(const Provider& provider, const Issuance& issuance, Random& random) {
  return std::visit(
      Overloaded{[](const StaticSecret& one) { return kept(one.secret, ""); },
                 [](const HttpHeader& one) {
                   Given out = kept(one.secret, one.prefix);
                   if (out) out->shown.set("header", one.header);
                   return out;
                 },
                 [&](const PostgresRole& one) { return issue(one, issuance, random); },
                 [&](const SshCertificate& one) { return issue(one, issuance, random); },
                 [&](const auto& one) { return issue(one, issuance); }},
      provider);
}

// What another side told may say a secret of its answer twice: once where it is public.
void hide_secrets(Issued& issued) {
  secrets::Redactor redactor;
  for (const auto& [field, value] : issued.fields) {
    const bool is_name = field == "user" || field == "username" || field == "access_key_id";
    if (!is_name) redactor.add(field, value);
  }
  redactor.redact(issued.shown);
}

}  // namespace

Result<Secret> fetch(const secrets::SecretReference& reference, std::string_view what) {
  auto value = secrets::resolve(reference);
  if (!value) return refuse("no_secret", std::string(what) + ": " + value.error().message);
  return value;
}

Given issue(const Credential& credential, const Issuance& issuance, Random& random) {
  Given out = issue_by(credential.provider, issuance, random);
  if (!out)
    return refuse(out.error().code, "credential " + credential.name + " (" +
                                        std::string(provider_name(credential)) +
                                        "): " + out.error().message);
  out->id = issuance.id;
  out->name = credential.name;
  out->provider = provider_name(credential);
  if (out->expires_at == Time{}) out->expires_at = issuance.until;
  out->revocable = is_revocable(credential);
  out->only_to = credential.only_to;
  hide_secrets(*out);
  return out;
}

Result<void> revoke(const Credential& credential, const Issued& issued) {
  const auto nothing = [](const auto&) { return Result<void>{}; };
  Result<void> done = std::visit(
      Overloaded{[&](const PostgresRole& one) { return revoke(one, issued); },
                 [&](const OauthClientCredentials& one) { return revoke(one.endpoint, issued); },
                 [&](const TokenExchange& one) { return revoke(one.endpoint, issued); },
                 [&](const KubernetesToken& one) { return revoke(one, issued); },
                 [&](const VaultSecret& one) { return revoke(one, issued); }, nothing},
      credential.provider);
  if (done) return done;
  return refuse("not_revoked",
                "credential " + credential.name + " " + issued.id + ": " + done.error().message);
}

bool is_revocable(const Credential& credential) {
  return std::visit(
      Overloaded{
          [](const PostgresRole&) { return true; }, [](const VaultSecret&) { return true; },
          [](const OauthClientCredentials& one) { return !one.endpoint.revocation_url.empty(); },
          [](const TokenExchange& one) { return !one.endpoint.revocation_url.empty(); },
          [](const KubernetesToken& one) { return one.revocable; },
          [](const auto&) { return false; }},
      credential.provider);
}

Result<Swept> sweep(const Credential& credential, const std::string& deployment,
                    const Judge& judge) {
  return std::visit(
      Overloaded{[&](const PostgresRole& one) { return sweep(one, deployment, judge); },
                 [&](const KubernetesToken& one) { return sweep(one, deployment, judge); },
                 [](const auto&) { return Result<Swept>{}; }},
      credential.provider);
}

}  // namespace keyturn::credentials
