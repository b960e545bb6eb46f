// Who asks: a bearer token, or a browser's session with its proofs against forged requests.
#include <algorithm>

#include "api/impl.h"
#include "identity/agent_tokens.h"

namespace keyturn::api {
namespace {

Refusal unauthenticated(std::string message) {
  return {"unauthenticated", std::move(message), ""};
}

// The token of "Bearer TOKEN" (RFC 6750 §2.1).
std::optional<std::string_view> bearer_of(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size() ||
      !net::equal_ignoring_case(header.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  const std::string_view token = header.substr(kScheme.size());
  if (token.find_first_of(" \t,") != std::string_view::npos) return std::nullopt;
  return token;
}

// A demo's colleague: its votes are given on the demo page, never by credentials of its own.
Result<void> check_real(const people::Directory& directory, const std::string& person) {
  const people::Person* known = directory.person(person);
  if (known == nullptr || !known->simulated) return {};
  return refuse("not_allowed", person + " is simulated and votes on the demo page only");
}

// 403 for somebody who is known and may not; 401 for everybody else.
Refusal as_caller_refusal(const Refusal& refusal) {
  if (refusal.code == "inactive" || refusal.code == "suspended") return refusal;
  return unauthenticated(refusal.message);
}

}  // namespace

std::string Api::Impl::cookie_name() const {
  return is_https() ? "__Host-keyturn_session" : "keyturn_session";
}

std::string Api::Impl::set_cookie(std::string_view value) const {
  std::string out = cookie_name() + "=" + std::string(value);
  out += "; Path=/; HttpOnly; SameSite=Strict";
  if (is_https()) out += "; Secure";
  out += value.empty() ? "; Max-Age=0" : "; Max-Age=604800";
  return out;
}

Task<void> Api::Impl::prepare(const net::HttpRequest& request) const {
  const std::optional<std::string_view> header = request.header("authorization");
  if (ports.agent_tokens == nullptr || !header) co_return;
  const std::optional<std::string_view> token = bearer_of(*header);
  if (token && identity::AgentTokens::looks_like_one(*token))
    co_await ports.agent_tokens->prepare(std::string(*token));
}

Result<Caller> Api::Impl::authenticate(const net::HttpRequest& request, Asked asked) const {
  const std::size_t headers = request.headers.count("authorization");
  const std::optional<std::string_view> cookie = request.cookie(cookie_name());
  if (headers > 1 || (headers == 1 && cookie)) {
    return refuse("ambiguous_credentials",
                  "send one credential: a bearer token or a session, not both");
  }
  Caller caller;
  if (headers == 1) {
    const std::optional<std::string_view> token = bearer_of(*request.header("authorization"));
    if (!token) return std::unexpected(unauthenticated("send Authorization: Bearer TOKEN"));
    Result<Principal> who = ports.identity.authenticate_bearer(*token);
    if (!who) return std::unexpected(as_caller_refusal(who.error()));
    const people::Agent* agent =
        who->kind == PrincipalKind::kAgent ? directory().agent(who->id) : nullptr;
    if (agent != nullptr && agent->suspended) {
      return refuse("suspended", "agent " + who->id +
                                     " is suspended; its owner or an administrator can resume it");
    }
    if (who->kind == PrincipalKind::kPerson) {
      if (Result<void> ok = check_real(directory(), who->id); !ok)
        return std::unexpected(ok.error());
    }
    caller.principal = std::move(*who);
    const std::optional<std::string_view> channel = request.header("x-keyturn-channel");
    caller.principal.channel = channel == "cli" ? "cli" : "api";
    return caller;
  }
  if (!cookie) return std::unexpected(unauthenticated("sign in, or send a bearer token"));
  Result<identity::Session> session = asked == Asked::kByPerson
                                          ? ports.identity.authenticate_cookie(*cookie)
                                          : ports.identity.session_of(*cookie);
  if (!session) return std::unexpected(as_caller_refusal(session.error()));
  if (Result<void> ok = check_real(directory(), session->person); !ok)
    return std::unexpected(ok.error());
  caller.principal = {PrincipalKind::kPerson, session->person, session->id, session->assurance,
                      "web"};
  caller.session = std::move(*session);
  return caller;
}

Result<void> Api::Impl::check_origin(const net::HttpRequest& request) const {
  const std::optional<std::string_view> origin = request.header("origin");
  if (request.headers.count("origin") == 1 &&
      std::ranges::find(options.origins, *origin) != options.origins.end())
    return {};
  return refuse("wrong_origin", "a browser may do this only from " + options.public_url +
                                    "; this came from " + std::string(origin.value_or("nowhere")));
}

Result<void> Api::Impl::check_browser(const net::HttpRequest& request, const Caller& caller) const {
  if (!caller.session || request.method == "GET") return {};
  if (Result<void> ok = check_origin(request); !ok) return ok;
  const std::optional<std::string_view> sent = request.header("x-keyturn-csrf");
  if (!sent || !ports.identity.csrf_matches(*caller.session, *sent))
    return refuse("csrf", "the X-Keyturn-CSRF header is not this session's; read /v1/me again");
  return {};
}

bool Api::Impl::still_valid(const Call& call) const {
  const Result<Caller> again = authenticate(call.request, Asked::kByItself);
  return again && again->principal == call.caller.principal;
}

const people::Person* Api::Impl::person_of(const Call& call) const {
  return call.caller.is_person() ? directory().person(call.caller.principal.id) : nullptr;
}

Task<Response> Api::Impl::refused(const Principal& who, Refusal refusal, std::string tool) {
  if (concerns_security(refusal.code) || status_of(refusal.code) == 401) {
    const std::optional<std::uint64_t> before =
        meter.admit(refusal.code + " " + who.id + " " + who.channel, ports.gate.clock().now());
    if (before) {
      if (*before > 0) tool += " (and " + std::to_string(*before) + " more like it, not recorded)";
      co_await ports.gate.record_refusal(who, refusal.code, std::move(tool));
    }
  }
  co_return problem(refusal);
}

Task<Response> Api::Impl::refused(const Call& call, Refusal refusal, std::string tool) {
  return refused(call.caller.principal, std::move(refusal), std::move(tool));
}

}  // namespace keyturn::api
