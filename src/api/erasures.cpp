// Proposing the erasure of what is private of an action, or of a person.
#include "api/impl.h"

namespace keyturn::api {

Task<Response> propose_erasure(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  admin::ErasureSubject subject;
  if (const doc::Value* what = fields.object("subject")) {
    doc::ObjectReader of(*what, "/subject", problems);
    subject.action = of.string("action").value_or("");
    subject.person = of.string("person").value_or("");
    of.finish();
  }
  std::string reason = fields.string("reason").value_or("");
  fields.finish();
  if (subject.action.empty() == subject.person.empty())
    fields.problem("missing_field", "say of what: {\"action\": ID} or {\"person\": ID}", "subject");
  if (reason.empty()) fields.problem("missing_field", "an erasure needs a reason", "reason");
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::Submitted> proposed = co_await s.ports.admin.propose_erasure(
      call.caller.principal, std::move(subject), std::move(reason));
  if (!proposed) co_return co_await s.refused(call, proposed.error(), "keyturn.erasure");
  Response response = action_answer(s, call, *proposed->record, 201);
  response.headers.add("Location", "/v1/actions/" + proposed->record->id.str());
  co_return response;
}

}  // namespace keyturn::api
