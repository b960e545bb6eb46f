// MCP servers: what they say of their tools, what of that is used, and accepting it.
#include "admin/upstream_view.h"
#include "api/impl.h"

namespace keyturn::api {

Task<Response> get_upstreams(Service& s, Call& call) {
  co_return json_answer(
      200, doc::object(
               {{"items", admin::shown_upstreams(s.ports.gate.world(), call.caller.principal)}}));
}

Task<Response> accept_upstream(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  doc::Value tools;  // null: all that the server offers
  if (const doc::Value* named = fields.object("tools")) tools = *named;
  std::string reason = required(fields, "reason");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::Submitted> proposed = co_await s.ports.admin.propose_upstream(
      call.caller.principal, call.parts.front(), std::move(tools), std::move(reason));
  if (!proposed) co_return co_await s.refused(call, proposed.error(), "keyturn.upstream");
  Response response = action_answer(s, call, *proposed->record, 201);
  response.headers.add("Location", "/v1/actions/" + proposed->record->id.str());
  co_return response;
}

}  // namespace keyturn::api
