// Grant mode: the enforcement point consumes a grant once, and reports what came of it.
#include "api/impl.h"

namespace keyturn::api {

Task<Response> consume_grant(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string grant = required(fields, "grant");
  std::string digest = required(fields, "digest");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::RecordPtr> record = co_await s.ports.gate.consume_grant(
      call.caller.principal, std::move(grant), std::move(digest));
  if (!record) co_return co_await s.refused(call, record.error());
  co_return action_answer(s, call, **record, 200);
}

Task<Response> post_outcome(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::string word = required(fields, "outcome");
  const doc::Value* result = fields.any("result");
  OutcomeKind kind = OutcomeKind::kUnknown;
  if (word == "succeeded") kind = OutcomeKind::kSucceeded;
  if (word == "failed") kind = OutcomeKind::kFailed;
  if (kind == OutcomeKind::kUnknown && !word.empty())
    fields.problem("out_of_range", "outcome is \"succeeded\" or \"failed\"", "outcome");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::RecordPtr> record = co_await s.ports.gate.report_outcome(
      call.caller.principal, call.action(), kind, result == nullptr ? doc::Value{} : *result);
  if (!record) co_return co_await s.refused(call, record.error());
  co_return action_answer(s, call, **record, 200);
}

}  // namespace keyturn::api
