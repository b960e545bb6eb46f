// One's own passkeys: listed, a further one vouched for by one that is there, one removed.
#include "api/impl.h"

namespace keyturn::api {
namespace {

// What changes how a person signs in is done where they are signed in.
Result<identity::Session> signed_in(const Call& call) {
  if (call.caller.session) return *call.caller.session;
  return refuse("not_allowed", "passkeys are added and removed in a signed-in browser");
}

Response enrolment_link(const Service& s, const Secret& token) {
  const std::string url = s.options.public_url + "/enrol#" + std::string(token.reveal());
  return json_answer(201, doc::object({{"token", token.reveal()}, {"url", url}}));
}

}  // namespace

Task<Response> get_passkeys(Service& s, Call& call) {
  doc::Value items = s.ports.identity.list_passkeys(call.caller.principal.id);
  const std::string used = call.caller.session ? call.caller.session->credential : "";
  for (doc::Value& item : items.as_array()) item.set("current", item.text("id") == used);
  co_return json_answer(200, doc::object({{"items", std::move(items)}, {"next", nullptr}}));
}

Task<Response> challenge_passkey(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<identity::Session> session = signed_in(call);
  if (!session) co_return co_await s.refused(call, session.error());
  if (!s.ports.identity.has_credential(session->person)) {
    Result<Secret> first = co_await s.ports.identity.first_passkey(*session);
    if (!first) co_return co_await s.refused(call, first.error());
    co_return enrolment_link(s, *first);
  }
  Result<identity::Ceremony> begun = co_await s.ports.identity.begin_further(*session);
  if (!begun) co_return co_await s.refused(call, begun.error());
  co_return json_answer(
      200, doc::object({{"ceremony", begun->id}, {"options", std::move(begun->options)}}));
}

Task<Response> post_passkey(Service& s, Call& call) {
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
  Result<identity::Session> session = signed_in(call);
  if (!session) co_return co_await s.refused(call, session.error());
  Result<Secret> token =
      co_await s.ports.identity.finish_further(*session, std::move(ceremony), *credential);
  if (!token) co_return co_await s.refused(call, token.error());
  co_return enrolment_link(s, *token);
}

Task<Response> delete_passkey(Service& s, Call& call) {
  Result<identity::Session> session = signed_in(call);
  if (!session) co_return co_await s.refused(call, session.error());
  Result<std::string> removed =
      co_await s.ports.identity.remove_passkey(*session, call.parts.front());
  if (!removed) co_return co_await s.refused(call, removed.error());
  co_return json_answer(200, doc::object({{"id", *removed}, {"removed", true}}));
}

}  // namespace keyturn::api
