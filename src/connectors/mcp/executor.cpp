#include "connectors/mcp/executor.h"

#include "base/task_impl.h"
#include "connectors/mcp/own_client.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kAttendantWait = std::chrono::seconds(10);

doc::Value place_of(const catalog::Upstream& upstream) {
  switch (upstream.kind) {
    case catalog::Upstream::Kind::kHttp:
      return doc::object({{"name", upstream.name}, {"url", upstream.url}});
    case catalog::Upstream::Kind::kCommand:
      return doc::object({{"name", upstream.name}, {"command", doc::array_of(upstream.command)}});
    case catalog::Upstream::Kind::kAttached:
      break;
  }
  return doc::object({{"name", upstream.name}, {"runs", "beside the agent"}});
}

}  // namespace

gate::Described McpExecutor::describe(const catalog::Tool& tool, const doc::Value& args) {
  gate::Described out;
  out.facts.operation = tool.operation;
  doc::Value mcp = doc::object({{"upstream", tool.upstream->name}, {"method", tool.method}});
  if (!tool.mcp_name.empty()) mcp.set("tool", tool.mcp_name);
  if (const doc::Value* hints = tool.definition.find("annotations")) mcp.set("annotations", *hints);
  out.facts.tree =
      doc::object({{"uninspectable", false}, {"why", doc::Array{}}, {"mcp", std::move(mcp)}});
  out.description =
      doc::object({{"mcp_server", place_of(*tool.upstream)}, {"method", tool.method}});
  if (!tool.mcp_name.empty()) out.description.set("mcp_tool", tool.mcp_name);
  if (tool.definition.is_object()) {
    if (const std::string_view about = tool.definition.text("description"); !about.empty())
      out.description.set("definition_says", about);
    out.description.set("definition_digest", tool.digest);
  }
  (void)args;
  return out;
}

Task<Result<Outcome>> McpExecutor::execute(gate::Order order) {
  if (order.attended) {
    const std::shared_ptr<Attendant> attendant = co_await calls_.take(order.action, kAttendantWait);
    if (!attendant)
      co_return refuse("nobody_waits", "the client that asked for it is gone; nothing was sent");
    Result<Outcome> outcome = co_await attendant->run(std::move(order));
    co_return outcome;
  }
  const std::shared_ptr<Backend> backend =
      backend_ ? backend_(order.tool->upstream->name) : nullptr;
  if (!backend) co_return refuse("unavailable", "the MCP server is not configured any more");
  Result<Outcome> outcome = co_await call_alone(loop_, backend, std::move(order));
  co_return outcome;
}

}  // namespace keyturn::connectors::mcp
