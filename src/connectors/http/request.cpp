#include "connectors/http/request.h"

#include "connectors/exec/plan.h"
#include "connectors/http/kubernetes.h"
#include "credentials/document.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "facts/classify.h"
#include "secrets/reference.h"

namespace keyturn::connectors::http {
namespace {

void add_own_headers(catalog::HttpMessage& message) {
  message.headers.emplace_back("Accept-Encoding", "identity");
  message.headers.emplace_back("User-Agent", "keyturn");
}

std::string statuses(const std::vector<int>& list) {
  std::string out;
  for (const int status : list) out += (out.empty() ? "" : ", ") + std::to_string(status);
  return out;
}

std::string content_type(const catalog::HttpMessage& message) {
  for (const auto& [name, value] : message.headers) {
    if (net::equal_ignoring_case(name, "content-type")) return value;
  }
  return "";
}

std::string object_name(const catalog::HttpMessage& message) {
  const auto body = doc::parse_json(message.body);
  const doc::Value* name = body ? body->find_path({"metadata", "name"}) : nullptr;
  return name != nullptr && name->is_string() ? name->as_string() : "";
}

doc::Value request_value(const Prepared& prepared) {
  const catalog::HttpMessage& shown = prepared.shown;
  doc::Value headers{doc::Object{}};
  for (const auto& [name, value] : shown.headers) headers.set(name, value);
  doc::Value out = doc::object(
      {{"method", shown.method}, {"url", shown.url()}, {"headers", std::move(headers)}});
  if (shown.body.empty()) return out;
  out.set("body", shown.body);
  // Of a body with a secret in it, a plain digest would let it be guessed.
  if (!prepared.has_secrets) out.set("body_sha256", crypto::sha256_text(shown.body));
  return out;
}

doc::Value secret_headers(const Prepared& prepared) {
  doc::Value out{doc::Object{}};
  for (const catalog::HttpHeaderField& field : prepared.call->headers) {
    if (field.secret) out.set(field.name, secrets::to_text(field.secret->reference));
    if (field.credential)
      out.set(field.name, "credential " + field.credential->name + " " + field.credential->field);
  }
  if (!prepared.call->idempotency_header.empty())
    out.set(prepared.call->idempotency_header, "the action's id");
  return out;
}

std::string addresses_text(const catalog::HttpAddresses& addresses) {
  if (addresses.networks.empty()) return addresses.only_public ? "public" : "";
  std::string out;
  for (const std::string& one : addresses.networks) out += (out.empty() ? "" : ", ") + one;
  return out;
}

// Where the one field of an issued credential stands, without more being said.
Result<net::Header> header_of(const credentials::Issued& issued) {
  const Secret* value = issued.field("value");
  if (issued.provider == "http_header" && value != nullptr)
    return net::Header{std::string(issued.shown.text("header")), std::string(value->reveal())};
  const Secret* token = value != nullptr ? value : issued.field("token");
  if (token == nullptr)
    return refuse("no_secret", "credential " + issued.name + " has nothing that a header takes");
  return net::Header{"Authorization", "Bearer " + std::string(token->reveal())};
}

void add(Secrets& out, std::string name, const std::string& prefix, const Secret& value) {
  out.headers.set(std::move(name), prefix + std::string(value.reveal()));
}

Result<void> add_field(const catalog::HttpHeaderField& field, const Lent& lent, Secrets& out) {
  if (field.secret) {
    auto value = secrets::resolve(field.secret->reference);
    if (!value)
      return refuse("no_secret", "the header " + field.name + ": " + value.error().message);
    out.redactor.add(field.name, *value);
    add(out, field.name, field.text, *value);
    return {};
  }
  if (!field.credential) return {};
  const auto at = lent.find(field.credential->name);
  const Secret* value = at == lent.end() ? nullptr : at->second.field(field.credential->field);
  if (value == nullptr)
    return refuse("no_secret",
                  "credential " + field.credential->name + " has no " + field.credential->field);
  add(out, field.name, field.text, *value);
  return {};
}

}  // namespace

Result<Prepared> prepare(const catalog::Tool& tool, const doc::Value& args) {
  Prepared out{.call = tool.http,
               .credential = tool.credential,
               .operation = tool.operation,
               .timeout = tool.timeout,
               .output_bytes_max = tool.output_bytes_max};
  auto message = catalog::render_http(tool, args);
  if (!message) return std::unexpected(message.error());
  auto shown = catalog::render_http(tool, exec::mask_secrets(tool, args));
  if (!shown) return std::unexpected(shown.error());
  out.message = std::move(*message);
  out.shown = std::move(*shown);
  out.has_secrets = out.message.body != out.shown.body || out.message.headers != out.shown.headers;
  add_own_headers(out.message);
  add_own_headers(out.shown);
  for (const exec::SecretVariable& secret : exec::secret_parameters(tool, args))
    out.hidden.emplace_back(secret.name, secret.value);
  if (!tool.http->look) return out;
  auto look = catalog::render_look(tool, args);
  if (!look) return std::unexpected(look.error());
  out.look = std::move(*look);
  add_own_headers(*out.look);
  return out;
}

gate::Described describe(const Prepared& prepared) {
  const catalog::HttpCall& call = *prepared.call;
  const facts::HttpRequestSeen seen{
      .method = prepared.message.method,
      .url = prepared.message.url(),
      .content_type = content_type(prepared.message),
      .body_bytes = prepared.message.body.size(),
      .object_name = call.kubernetes ? object_name(prepared.shown) : ""};
  gate::Described out;
  out.facts = call.kubernetes ? facts::classify_kubernetes(seen) : facts::classify_http(seen);
  if (!call.kubernetes) out.facts.operation = prepared.operation;
  doc::Value& said = out.description;
  said = doc::object({{"kind", "http"},
                      {"server", call.server},
                      {"request", request_value(prepared)},
                      {"redirects", "not followed"},
                      {"output_bytes_max", prepared.output_bytes_max},
                      {"timeout", to_text(prepared.timeout)}});
  if (!prepared.credential.empty()) said.set("credential", prepared.credential);
  if (doc::Value secret = secret_headers(prepared); !secret.as_object().empty())
    said.set("added_headers", std::move(secret));
  if (!call.success.empty()) said.set("success", statuses(call.success));
  if (!call.failed_on.empty()) said.set("failed_on", statuses(call.failed_on));
  if (!call.ca_file.empty()) said.set("ca", call.ca_file);
  if (const std::string text = addresses_text(call.addresses); !text.empty())
    said.set("addresses", text);
  if (call.previews && takes_precondition(prepared.message))
    said.set("precondition", "the object is still as it was shown (uid, resourceVersion)");
  else if (call.look && call.look->if_match)
    said.set("precondition",
             "what was looked at is still as it was shown, where it has a strong ETag (If-Match)");
  return out;
}

Result<void> check_place(const Secrets& secrets, const std::string& url) {
  for (const auto& [name, places] : secrets.only_to) {
    if (!credentials::is_within(places, url))
      return refuse("not_sent_there", "credential " + name + " may not be sent to " +
                                          url.substr(0, url.find('?')) +
                                          ", which is not in its only_to; nothing was sent there");
  }
  return {};
}

Result<Secrets> secrets_of(const Prepared& prepared, const Lent& lent) {
  Secrets out;
  for (const auto& [name, value] : prepared.hidden) out.redactor.add(name, value);
  for (const auto& [name, issued] : lent) {
    if (!issued.only_to.empty()) out.only_to.emplace_back(name, issued.only_to);
    for (const auto& [field, value] : issued.fields) out.redactor.add(name + " " + field, value);
  }
  for (const catalog::HttpHeaderField& field : prepared.call->headers) {
    if (auto ok = add_field(field, lent, out); !ok) return std::unexpected(ok.error());
  }
  if (prepared.credential.empty()) return out;
  const auto at = lent.find(prepared.credential);
  if (at == lent.end())
    return refuse("no_secret", "credential " + prepared.credential + " was not issued");
  auto header = header_of(at->second);
  if (!header) return std::unexpected(header.error());
  // "Bearer …": the part behind it is what must not come back.
  if (const std::size_t space = header->value.find(' '); space != std::string::npos)
    out.redactor.add(prepared.credential, Secret(header->value.substr(space + 1)));
  out.headers.set(header->name, header->value);
  return out;
}

}  // namespace keyturn::connectors::http
