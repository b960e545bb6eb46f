// SCIM 2.0 (RFC 7644): what an identity provider's client asks for and writes. Answers and errors
// are those of the RFC; who asks is known by the bearer token of a section of identity.yaml.
#include <algorithm>
#include <charconv>

#include "api/impl.h"
#include "provisioning/provisioning.h"
#include "scim/messages.h"

namespace keyturn::api {
namespace {

using provisioning::Kind;

constexpr double kBurst = 500, kPerSecond = 50;  // requests of one section

// What a request is about, once it is known whose it is.
struct Asked {
  std::string section;
  Kind kind;
  std::string id, if_match;
};

Response scim_answer(int status, const doc::Value& value) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", std::string(scim::kMediaType)},
                      {"Cache-Control", "no-store"}};
  response.body = doc::write_json(value);
  return response;
}

Response scim_problem(const Refusal& refusal) {
  const int known = scim::status_of(refusal.code);
  const int status = known != 0 ? known : status_of(refusal.code);
  Response response = scim_answer(status, scim::error(status, refusal));
  if (status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"scim\"");
  if (status == 429 || status == 503)
    response.headers.add("Retry-After", std::to_string(std::max(1U, refusal.retry_after_s)));
  return response;
}

// Leaves a trace where somebody tried to be another, or to do what is not theirs.
Task<Response> scim_refused(Service& s, std::string who, std::string channel, Refusal refusal) {
  std::string code = refusal.code;
  if (code == "uniqueness") code = "identifier_taken";
  const bool is_traced =
      code == "identifier_taken" || concerns_security(code) || status_of(refusal.code) == 401;
  Principal principal{PrincipalKind::kHost, who, "", Assurance::kToken, std::move(channel)};
  const std::optional<std::uint64_t> before =
      is_traced ? s.meter.admit(code + " " + who + " " + principal.channel, s.now()) : std::nullopt;
  if (before) {
    std::string what = "scim";
    if (*before > 0) what += " (and " + std::to_string(*before) + " more like it, not recorded)";
    co_await s.ports.gate.record_refusal(std::move(principal), code, std::move(what));
  }
  co_return scim_problem(refusal);
}

std::string bearer_token(const net::HttpRequest& request) {
  constexpr std::string_view kScheme = "bearer ";
  if (request.headers.count("authorization") != 1) return {};
  const std::string_view header = *request.header("authorization");
  if (header.size() <= kScheme.size() || header.size() > 4096 ||
      !net::equal_ignoring_case(header.substr(0, kScheme.size()), kScheme))
    return {};
  return std::string(header.substr(kScheme.size()));
}

Result<doc::Value> scim_body(const net::HttpRequest& request) {
  const std::string_view type = request.header("content-type").value_or("");
  std::string_view media = type.substr(0, type.find(';'));
  while (media.ends_with(' ')) media.remove_suffix(1);
  if (!net::equal_ignoring_case(media, scim::kMediaType) &&
      !net::equal_ignoring_case(media, "application/json"))
    return refuse("unsupported_media_type", "send the body as Content-Type: application/scim+json");
  Result<doc::Value> value = doc::parse_json(request.body);
  if (value) return value;
  const std::string code = value.error().code == "too_large" ? "too_large" : "invalidSyntax";
  return refuse(code, value.error().message + " (" + value.error().where + ")");
}

// A whole number of a query; what is below `least` is that (RFC 7644 §3.4.2.4).
Result<std::uint64_t> number_of(const net::HttpRequest& request, std::string_view name,
                                std::uint64_t least, std::uint64_t otherwise) {
  const std::optional<std::string_view> text = request.param(name);
  if (!text) return otherwise;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size())
    return refuse("invalidValue", std::string(name) + " must be a whole number");
  return value < static_cast<std::int64_t>(least) ? least : static_cast<std::uint64_t>(value);
}

Result<scim::Projection> projection_of(const net::HttpRequest& request) {
  return scim::parse_projection(request.param("attributes").value_or(""),
                                request.param("excludedAttributes").value_or(""));
}

const scim::Schema& schema_of(Kind kind) {
  return kind == Kind::kUser ? scim::user_schema() : scim::group_schema();
}

Response resource_answer(const Call& call, Kind kind, int status, doc::Value resource) {
  const std::string version = scim::version_of(resource);
  const std::string location(resource.find("meta")->text("location"));
  Result<scim::Projection> projection = projection_of(call.request);
  if (!projection) return scim_problem(projection.error());
  Response response =
      scim_answer(status, scim::projected(*projection, schema_of(kind), std::move(resource)));
  response.headers.add("ETag", version);
  if (status == 201) response.headers.add("Location", location);
  return response;
}

using Answer = Task<Result<Response>> (*)(Service&, Call&, Asked);

// Who asks, how often, and then what: every SCIM request comes this way.
Task<Response> answered(Service& s, Call& call, Kind kind, Answer answer) {
  if (s.ports.provisioning == nullptr)
    co_return scim_problem({"not_found", "identity.yaml has no section scim", ""});
  Result<std::string> section =
      co_await s.ports.provisioning->section_of(bearer_token(call.request));
  if (!section)
    co_return co_await scim_refused(s, "unauthenticated", call.request.peer, section.error());
  if (Result<void> ok = s.scim_limit.admit(*section, s.now()); !ok)
    co_return scim_problem(ok.error());
  s.scim_heard[*section] = s.now();
  Asked asked{*section, kind, call.parts.empty() ? std::string() : call.parts.front(),
              std::string(call.request.header("if-match").value_or(""))};
  Result<Response> response = co_await answer(s, call, std::move(asked));
  if (response) co_return std::move(*response);
  co_return co_await scim_refused(s, "scim:" + *section, "scim", response.error());
}

Task<Result<Response>> listed(Service& s, Call& call, Asked asked) {
  provisioning::Query query;
  if (const auto filter = call.request.param("filter"); filter && !filter->empty()) {
    Result<scim::Filter> parsed = scim::parse_filter(*filter);
    if (!parsed) co_return std::unexpected(parsed.error());
    query.filter = std::move(*parsed);
  }
  Result<scim::Projection> projection = projection_of(call.request);
  Result<std::uint64_t> start = number_of(call.request, "startIndex", 1, 1);
  Result<std::uint64_t> count = number_of(call.request, "count", 0, scim::kPageMax);
  if (!projection) co_return std::unexpected(projection.error());
  if (!start) co_return std::unexpected(start.error());
  if (!count) co_return std::unexpected(count.error());
  query.projection = std::move(*projection);
  query.start = *start;
  query.count = *count;
  Result<doc::Value> list = s.ports.provisioning->list(asked.section, asked.kind, query);
  if (!list) co_return std::unexpected(list.error());
  co_return scim_answer(200, *list);
}

Task<Result<Response>> made(Service& s, Call& call, Asked asked) {
  Result<doc::Value> body = scim_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  Result<doc::Value> resource =
      co_await s.ports.provisioning->create(asked.section, asked.kind, std::move(*body));
  if (!resource) co_return std::unexpected(resource.error());
  co_return resource_answer(call, asked.kind, 201, std::move(*resource));
}

Task<Result<Response>> read(Service& s, Call& call, Asked asked) {
  Result<doc::Value> resource = s.ports.provisioning->find(asked.section, asked.kind, asked.id);
  if (!resource) co_return std::unexpected(resource.error());
  const std::string version = scim::version_of(*resource);
  const std::string_view known = call.request.header("if-none-match").value_or("");
  if (!known.empty() && scim::names_version(known, version)) {
    Response response;
    response.status = 304;
    response.headers = {{"ETag", version}, {"Cache-Control", "no-store"}};
    co_return response;
  }
  co_return resource_answer(call, asked.kind, 200, std::move(*resource));
}

Task<Result<Response>> replaced(Service& s, Call& call, Asked asked) {
  Result<doc::Value> body = scim_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  Result<doc::Value> resource = co_await s.ports.provisioning->replace(
      asked.section, asked.kind, asked.id, std::move(*body), asked.if_match);
  if (!resource) co_return std::unexpected(resource.error());
  co_return resource_answer(call, asked.kind, 200, std::move(*resource));
}

// A group's answer has no body unless it is asked for: members can be thousands (RFC 7644 §3.5.2).
Task<Result<Response>> patched(Service& s, Call& call, Asked asked) {
  Result<doc::Value> body = scim_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  Result<doc::Value> resource = co_await s.ports.provisioning->patch(
      asked.section, asked.kind, asked.id, std::move(*body), asked.if_match);
  if (!resource) co_return std::unexpected(resource.error());
  const bool is_short = asked.kind == Kind::kGroup && !call.request.param("attributes") &&
                        !call.request.param("excludedAttributes");
  if (!is_short) co_return resource_answer(call, asked.kind, 200, std::move(*resource));
  Response response;
  response.status = 204;
  response.headers = {{"ETag", scim::version_of(*resource)}};
  co_return response;
}

Task<Result<Response>> removed(Service& s, Call&, Asked asked) {
  Result<void> done =
      co_await s.ports.provisioning->remove(asked.section, asked.kind, asked.id, asked.if_match);
  if (!done) co_return std::unexpected(done.error());
  Response response;
  response.status = 204;
  co_return response;
}

// ---------------------------------------------------------------- what this server can do

std::string base_of(const Service& s) {
  return s.options.public_url + "/scim/v2";
}

Task<Result<Response>> described(Service& s, Call&, Asked) {
  co_return scim_answer(200, scim::service_provider_config(base_of(s)));
}

Task<Result<Response>> resource_types(Service& s, Call&, Asked asked) {
  doc::Array all;
  for (const scim::Schema* schema : {&scim::user_schema(), &scim::group_schema()}) {
    doc::Value one = scim::resource_type(*schema, base_of(s));
    if (asked.id == schema->name) co_return scim_answer(200, one);
    all.push_back(std::move(one));
  }
  if (!asked.id.empty()) co_return refuse("not_found", "there is no ResourceType " + asked.id);
  const std::uint64_t total = all.size();
  co_return scim_answer(200, scim::list_response(std::move(all), total, 1));
}

Task<Result<Response>> schemas(Service& s, Call&, Asked asked) {
  doc::Array all;
  for (const scim::Schema* schema : {&scim::user_schema(), &scim::group_schema()}) {
    doc::Value one = scim::schema_document(*schema, base_of(s));
    if (asked.id == schema->urn) co_return scim_answer(200, one);
    all.push_back(std::move(one));
  }
  if (!asked.id.empty()) co_return refuse("not_found", "there is no Schema " + asked.id);
  const std::uint64_t total = all.size();
  co_return scim_answer(200, scim::list_response(std::move(all), total, 1));
}

template <Kind kind, Answer answer>
Task<Response> scim(Service& s, Call& call) {
  return answered(s, call, kind, answer);
}

}  // namespace

Result<void> ScimLimit::admit(const std::string& section, Time now) {
  if (buckets_[section].take({kBurst, kPerSecond}, now) > 0)
    return std::unexpected(Refusal{
        "rate_limited", "too many requests of scim." + section + "; try again in 1 s", "", 1});
  return {};
}

std::vector<Route> scim_routes() {
  using enum Access;
  using enum Kind;
  return {
      {"GET", "/scim/v2/Users", kPublic, scim<kUser, listed>},
      {"POST", "/scim/v2/Users", kPublic, scim<kUser, made>},
      {"GET", "/scim/v2/Users/{id}", kPublic, scim<kUser, read>},
      {"PUT", "/scim/v2/Users/{id}", kPublic, scim<kUser, replaced>},
      {"PATCH", "/scim/v2/Users/{id}", kPublic, scim<kUser, patched>},
      {"DELETE", "/scim/v2/Users/{id}", kPublic, scim<kUser, removed>},
      {"GET", "/scim/v2/Groups", kPublic, scim<kGroup, listed>},
      {"POST", "/scim/v2/Groups", kPublic, scim<kGroup, made>},
      {"GET", "/scim/v2/Groups/{id}", kPublic, scim<kGroup, read>},
      {"PUT", "/scim/v2/Groups/{id}", kPublic, scim<kGroup, replaced>},
      {"PATCH", "/scim/v2/Groups/{id}", kPublic, scim<kGroup, patched>},
      {"DELETE", "/scim/v2/Groups/{id}", kPublic, scim<kGroup, removed>},
      {"GET", "/scim/v2/ServiceProviderConfig", kPublic, scim<kUser, described>},
      {"GET", "/scim/v2/ResourceTypes", kPublic, scim<kUser, resource_types>},
      {"GET", "/scim/v2/ResourceTypes/{id}", kPublic, scim<kUser, resource_types>},
      {"GET", "/scim/v2/Schemas", kPublic, scim<kUser, schemas>},
      {"GET", "/scim/v2/Schemas/{id}", kPublic, scim<kUser, schemas>},
  };
}

}  // namespace keyturn::api
