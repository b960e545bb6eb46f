// Exercises: planted by administrators and auditors, to see whether what should be denied is.
#include "api/impl.h"

namespace keyturn::api {
namespace {

struct Planting {
  std::string agent;
  ActionRequest request;
};

Result<Planting> read_planting(const net::HttpRequest& http) {
  Result<doc::Value> body = json_body(http);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  Planting out;
  out.agent = required(fields, "agent");
  out.request.tool = required(fields, "tool");
  out.request.args = doc::Object{};
  if (const doc::Value* args = fields.object("args")) out.request.args = *args;
  out.request.reason = required(fields, "reason");
  out.request.claims = doc::Object{};
  if (const doc::Value* claims = fields.object("claims")) out.request.claims = *claims;
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  return out;
}

}  // namespace

Task<Response> post_canary(Service& s, Call& call) {
  Result<Planting> planting = read_planting(call.request);
  if (!planting) co_return problem(planting.error());
  Result<gate::RecordPtr> planted = co_await s.ports.gate.plant_canary(
      call.caller.principal, std::move(planting->agent), std::move(planting->request));
  if (!planted) co_return co_await s.refused(call, planted.error());
  co_return action_answer(s, call, **planted, 201);
}

}  // namespace keyturn::api
