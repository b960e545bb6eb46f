// Signing in: passkey ceremonies in the browser, and the end of a session.
#include "api/impl.h"
#include "identity/sign_on.h"

namespace keyturn::api {
namespace {

Response ceremony_answer(const identity::Ceremony& ceremony) {
  doc::Value out = doc::object({{"ceremony", ceremony.id}, {"options", ceremony.options}});
  if (!ceremony.person.empty()) out.set("person", ceremony.person);
  return json_answer(200, out);
}

// The browser has one cookie: the session that it held before this sign-in has nobody any more.
Task<Response> session_answer(Service& s, const Call& call, identity::OpenedSession opened) {
  if (const auto cookie = call.request.cookie(s.cookie_name())) {
    const Result<identity::Session> before = s.ports.identity.session_of(*cookie);
    if (before) {
      const Result<void> closed = co_await s.ports.identity.close_session(before->id);
      if (!closed) co_return problem(closed.error());
    }
  }
  Response response = json_answer(
      200, doc::object({{"person", opened.session.person}, {"csrf", opened.session.csrf}}));
  response.headers.add("Set-Cookie", s.set_cookie(opened.cookie.reveal()));
  co_return response;
}

Result<void> may_try(Service& s, const Call& call) {
  if (Result<void> ok = s.check_origin(call.request); !ok) return ok;
  return s.sign_ins.admit(call.request.peer, s.now());
}

// A ceremony that fails is a failed sign-in, whatever the reason; it leaves a trace.
Task<Response> failed(Service& s, const Call& call, Refusal why, std::string step) {
  Principal who;
  who.kind = PrincipalKind::kHost;
  who.id = "unauthenticated";
  who.channel = call.request.peer;
  Response response = co_await s.refused(who, why, std::move(step));
  const bool ours = response.status == 429 || response.status >= 500;
  if (!ours && response.status != 401) {
    why.code = "unauthenticated";
    response = problem(why);
  }
  co_return response;
}

}  // namespace

Task<Response> begin_enrol(Service& s, Call& call) {
  if (Result<void> ok = may_try(s, call); !ok) co_return problem(ok.error());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string token = required(fields, "token");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<identity::Ceremony> begun = co_await s.ports.identity.begin_enrolment(std::move(token));
  if (!begun) co_return co_await failed(s, call, begun.error(), "enrol");
  co_return ceremony_answer(*begun);
}

Task<Response> finish_enrol(Service& s, Call& call) {
  if (Result<void> ok = may_try(s, call); !ok) co_return problem(ok.error());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string ceremony = required(fields, "ceremony");
  std::string token = required(fields, "token");
  const doc::Value* credential = fields.object("credential");
  std::string label = fields.string("label").value_or("");
  if (credential == nullptr && body->find("credential") == nullptr)
    fields.problem("missing_field", "credential is missing", "credential");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<identity::OpenedSession> opened = co_await s.ports.identity.finish_enrolment(
      std::move(ceremony), std::move(token), *credential, std::move(label));
  if (!opened) co_return co_await failed(s, call, opened.error(), "enrol");
  co_return co_await session_answer(s, call, std::move(*opened));
}

Task<Response> begin_login(Service& s, Call& call) {
  if (Result<void> ok = may_try(s, call); !ok) co_return problem(ok.error());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<identity::Ceremony> begun = co_await s.ports.identity.begin_login();
  if (!begun) co_return co_await failed(s, call, begun.error(), "login");
  co_return ceremony_answer(*begun);
}

Task<Response> finish_login(Service& s, Call& call) {
  if (Result<void> ok = may_try(s, call); !ok) co_return problem(ok.error());
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string ceremony = required(fields, "ceremony");
  const doc::Value* credential = fields.object("credential");
  if (credential == nullptr && body->find("credential") == nullptr)
    fields.problem("missing_field", "credential is missing", "credential");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<identity::OpenedSession> opened =
      co_await s.ports.identity.finish_login(std::move(ceremony), *credential);
  if (!opened) co_return co_await failed(s, call, opened.error(), "login");
  co_return co_await session_answer(s, call, std::move(*opened));
}

Task<Response> logout(Service& s, Call& call) {
  if (call.caller.session) {
    Result<void> closed = co_await s.ports.identity.close_session(call.caller.session->id);
    if (!closed) co_return problem(closed.error());
  }
  doc::Value out = doc::object({{"signed_out", true}});
  if (call.caller.session && s.ports.sign_on != nullptr) {
    std::string url = co_await s.ports.sign_on->provider_logout(*call.caller.session);
    if (!url.empty()) out.set("provider_logout", std::move(url));
  }
  Response response = json_answer(200, out);
  response.headers.add("Set-Cookie", s.set_cookie(""));
  co_return response;
}

}  // namespace keyturn::api
