// MCP clients: their requests go to the front as they are, once it is known whose they are.
#include "api/impl.h"
#include "connectors/mcp/front.h"

namespace keyturn::api {
namespace {

Task<Response> to_front(Service& s, Call& call) {
  if (s.ports.mcp == nullptr)
    co_return problem({"not_found", "this server has no MCP servers behind it", ""});
  if (call.caller.session) {
    co_return problem({"unauthenticated",
                       "MCP clients send Authorization: Bearer TOKEN, not a browser's session",
                       ""});
  }
  // DNS rebinding: a page of somebody else's does not speak for an agent.
  if (call.request.header("origin")) {
    if (Result<void> ok = s.check_origin(call.request); !ok)
      co_return co_await s.refused(call, ok.error());
  }
  net::HttpRequest request = std::move(call.request);
  call.request = {};
  call.request.headers = request.headers;
  const auto own = std::make_shared<Call>(call);  // streams outlive this frame
  co_return co_await s.ports.mcp->handle(std::move(request), call.context, call.caller.principal,
                                         call.parts.front(),
                                         [&s, own] { return s.still_valid(*own); });
}

}  // namespace

std::vector<Route> mcp_routes() {
  return {
      {"POST", "/mcp/{upstream}", Access::kCaller, to_front},
      {"GET", "/mcp/{upstream}", Access::kCaller, to_front},
      {"DELETE", "/mcp/{upstream}", Access::kCaller, to_front},
  };
}

}  // namespace keyturn::api
