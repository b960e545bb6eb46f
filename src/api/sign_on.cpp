// Single sign-on: the browser's way to an OpenID provider and back, the terminal's, and accounts.
#include "identity/sign_on.h"

#include <algorithm>

#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr int kFlowSeconds = 600;

// Who signs in comes from another site: Lax, unlike the session's own.
std::string flow_cookie_name(const Service& s) {
  return s.is_https() ? "__Host-keyturn_signin" : "keyturn_signin";
}

std::string flow_cookie(const Service& s, std::string_view value) {
  std::string out = flow_cookie_name(s) + "=" + std::string(value);
  out += "; Path=/; HttpOnly; SameSite=Lax";
  if (s.is_https()) out += "; Secure";
  return out + "; Max-Age=" + std::to_string(value.empty() ? 0 : kFlowSeconds);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

// A page without a script. It is this site's own, so the browser sends the session's cookie to
// where it leads, which it would not after a redirect from another site.
Response page(int status, const std::string& head, const std::string& body) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  response.headers.add("Cache-Control", "no-store");
  response.body =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">" +
      head + "<title>Keyturn</title><main>" + body + "</main></html>\n";
  return response;
}

Response on_to(const std::string& path) {
  return page(200, "<meta http-equiv=\"refresh\" content=\"0;url=" + path + "\">",
              "<p><a href=\"" + path + "\">Go on</a></p>");
}

Task<Response> not_signed_in(Service& s, const Call& call, Refusal why) {
  Principal who;
  who.kind = PrincipalKind::kHost;
  who.id = "unauthenticated";
  who.channel = call.request.peer;
  const Response recorded = co_await s.refused(who, why, "sign-in");
  Response response =
      page(recorded.status, "",
           "<h1>Signing in did not work</h1><p>" + escaped(why.message) + "</p><p><code>" +
               escaped(why.code) + "</code></p><p><a href=\"/login\">Back to signing in</a></p>");
  if (const auto after = recorded.headers.find("retry-after"))
    response.headers.add("Retry-After", std::string(*after));
  response.headers.add("Set-Cookie", flow_cookie(s, ""));
  co_return response;
}

Refusal no_sign_on() {
  return {"unknown_provider", "there is no single sign-on here", ""};
}

Result<void> may_sign_on(Service& s, const Call& call) {
  if (s.ports.sign_on == nullptr) return std::unexpected(no_sign_on());
  return s.sign_ins.admit(call.request.peer, s.now());
}

Result<void> empty_body(const Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  fields.finish();
  return checked(problems);
}

Response begun_answer(const Service& s, const identity::SignOnBegun& begun) {
  Response response = json_answer(200, doc::object({{"url", begun.url}}));
  response.headers.add("Set-Cookie", flow_cookie(s, begun.cookie.reveal()));
  return response;
}

Task<Response> get_providers(Service& s, Call&) {
  co_return json_answer(
      200, doc::object({{"providers", s.ports.sign_on == nullptr ? doc::Value(doc::Array{})
                                                                 : s.ports.sign_on->list()}}));
}

Task<Response> begin_sign_on(Service& s, Call& call) {
  if (Result<void> ok = s.check_origin(call.request); !ok) co_return problem(ok.error());
  if (Result<void> ok = may_sign_on(s, call); !ok) co_return problem(ok.error());
  if (Result<void> ok = empty_body(call); !ok) co_return problem(ok.error());
  Result<identity::SignOnBegun> begun =
      co_await s.ports.sign_on->begin(call.parts.front(), std::nullopt);
  if (!begun) co_return problem(begun.error());
  co_return begun_answer(s, *begun);
}

// Each once, as RFC 6749 §3.1 has it. What else a provider adds is ignored.
Result<identity::SignOnAnswer> read_answer(const net::HttpRequest& request) {
  identity::SignOnAnswer out;
  for (const char* name : {"state", "code", "error", "iss"}) {
    if (std::ranges::count(request.query, name, &net::QueryParam::name) > 1)
      return refuse("invalid_state", "the provider's answer says " + std::string(name) + " twice");
  }
  out.state = request.param("state").value_or("");
  out.code = request.param("code").value_or("");
  out.error = request.param("error").value_or("");
  if (const auto issuer = request.param("iss")) out.issuer = std::string(*issuer);
  return out;
}

Task<Response> finish_sign_on(Service& s, Call& call) {
  if (Result<void> ok = may_sign_on(s, call); !ok) co_return problem(ok.error());
  if (call.request.is_head) co_return problem({"method_not_allowed", "GET", ""});
  Result<identity::SignOnAnswer> answer = read_answer(call.request);
  if (!answer) co_return co_await not_signed_in(s, call, answer.error());
  const std::string cookie(call.request.cookie(flow_cookie_name(s)).value_or(""));
  Result<identity::SignedOn> done =
      co_await s.ports.sign_on->finish(call.parts.front(), std::move(*answer), cookie);
  if (!done) co_return co_await not_signed_in(s, call, done.error());
  Response response = on_to(done->opened ? "/" : "/account");
  response.headers.add("Set-Cookie", flow_cookie(s, ""));
  if (done->opened) response.headers.add("Set-Cookie", s.set_cookie(done->opened->cookie.reveal()));
  co_return response;
}

Task<Response> begin_device(Service& s, Call& call) {
  if (Result<void> ok = may_sign_on(s, call); !ok) co_return problem(ok.error());
  if (Result<void> ok = empty_body(call); !ok) co_return problem(ok.error());
  Result<identity::DeviceBegun> begun = co_await s.ports.sign_on->begin_device(call.parts.front());
  if (!begun) co_return problem(begun.error());
  const auto seconds = [](Duration d) {
    return std::chrono::duration_cast<std::chrono::seconds>(d).count();
  };
  co_return json_answer(
      200, doc::object({{"device", begun->id.reveal()},
                        {"user_code", begun->user_code},
                        {"verification_uri", begun->verification_uri},
                        {"verification_uri_complete", begun->verification_uri_complete},
                        {"interval", static_cast<std::int64_t>(seconds(begun->interval))},
                        {"expires_in", static_cast<std::int64_t>(seconds(begun->expires_in))}}));
}

Task<Response> poll_device(Service& s, Call& call) {
  if (s.ports.sign_on == nullptr) co_return problem(no_sign_on());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string device = required(fields, "device");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<identity::NewToken> token =
      co_await s.ports.sign_on->poll_device(call.parts.front(), std::move(device));
  if (!token && token.error().code == "authorization_pending")
    co_return json_answer(202, doc::object({{"state", "pending"}}));
  if (!token) co_return problem(token.error());
  co_return json_answer(200, doc::object({{"id", token->id},
                                          {"token", token->secret.reveal()},
                                          {"expires_at", to_rfc3339(*token->expires_at)}}));
}

// ---------------------------------------------------------------- accounts

doc::Value statement_of_link(const std::string& provider) {
  return doc::object({{"link_account", provider}});
}

Result<identity::Session> session_of(const Call& call) {
  if (call.caller.session) return *call.caller.session;
  return refuse("not_allowed", "accounts are linked in a browser, signed in with a passkey");
}

// A session alone, however it was come by, makes nothing that lasts: linking takes a signature.
Task<Response> challenge_link(Service& s, Call& call) {
  Result<identity::Session> session = session_of(call);
  if (!session) co_return co_await s.refused(call, session.error());
  Result<identity::Ceremony> begun = co_await s.ports.identity.begin_statement(
      std::move(*session), statement_of_link(call.parts.front()));
  if (!begun) co_return co_await s.refused(call, begun.error());
  co_return json_answer(
      200, doc::object({{"ceremony", begun->id}, {"options", std::move(begun->options)}}));
}

Task<Response> begin_link(Service& s, Call& call) {
  Result<identity::Session> session = session_of(call);
  if (!session) co_return co_await s.refused(call, session.error());
  if (Result<void> ok = may_sign_on(s, call); !ok) co_return problem(ok.error());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const doc::Value* assertion = fields.object("assertion");
  if (assertion == nullptr && body->find("assertion") == nullptr)
    fields.problem("missing_field", "assertion is missing: the passkey's signature", "assertion");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const std::string& name = call.parts.front();
  Result<doc::Value> proof =
      s.ports.identity.finish_statement(*session, statement_of_link(name), *assertion);
  if (!proof) co_return co_await s.refused(call, proof.error());
  Result<identity::SignOnBegun> begun = co_await s.ports.sign_on->begin(name, std::move(*session));
  if (!begun) co_return problem(begun.error());
  co_return begun_answer(s, *begun);
}

Task<Response> get_accounts(Service& s, Call& call) {
  co_return json_answer(
      200, doc::object({{"items", s.ports.sign_on == nullptr
                                      ? doc::Value(doc::Array{})
                                      : s.ports.sign_on->accounts_of(call.caller.principal.id)},
                        {"next", nullptr}}));
}

Task<Response> unlink_account(Service& s, Call& call) {
  if (s.ports.sign_on == nullptr) co_return problem(no_sign_on());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string account = required(fields, "account");
  std::string person = fields.string("person").value_or(call.caller.principal.id);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  if (!call.caller.session)
    co_return co_await s.refused(call, {"not_allowed", "sign in with a browser for this", ""});
  Result<std::string> done = co_await s.ports.sign_on->unlink(
      call.caller.principal, std::move(person), std::move(account));
  if (!done) co_return co_await s.refused(call, done.error());
  co_return json_answer(200, doc::object({{"unlinked", *done}}));
}

}  // namespace

std::vector<Route> sign_on_routes() {
  using enum Access;
  return {
      {"GET", "/auth/providers", kPublic, get_providers},
      {"POST", "/auth/{name}/begin", kPublic, begin_sign_on},
      {"GET", "/auth/{name}/callback", kPublic, finish_sign_on},
      {"POST", "/auth/{name}/device", kPublic, begin_device},
      {"POST", "/auth/{name}/device/poll", kPublic, poll_device},
      {"POST", "/auth/{name}/link/challenge", kPerson, challenge_link},
      {"POST", "/auth/{name}/link", kPerson, begin_link},
      {"GET", "/v1/accounts", kPerson, get_accounts},
      {"POST", "/v1/accounts/unlink", kPerson, unlink_account},
  };
}

}  // namespace keyturn::api
