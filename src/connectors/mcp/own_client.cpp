#include "connectors/mcp/own_client.h"

#include "base/task_impl.h"
#include "connectors/mcp/delivery.h"
#include "connectors/mcp/listing.h"
#include "connectors/mcp/outcome.h"
#include "connectors/mcp/pieces.h"

namespace keyturn::connectors::mcp {
namespace {

doc::Value client_info() {
  return doc::object({{"name", "keyturn"}, {"version", "1"}});
}

Forward plain_forward(const gate::Order& order) {
  Forward out;
  out.headers.add("Accept", "application/json, text/event-stream");
  out.who = {PrincipalKind::kHost, "keyturn-" + order.action.str(), "", Assurance::kToken, "host"};
  return out;
}

struct OwnSession {
  Forward like;
  rpc::Era era = rpc::Era::kLegacy;
  doc::Value meta;  // of modern requests
};

// The response to the message, whatever else comes before it.
Task<Result<doc::Value>> ask(Backend& backend, Forward forward, doc::Value message,
                             std::string* session) {
  const doc::Value id = *message.find("id");
  Result<rpc::Message> read = rpc::read(std::move(message));
  if (!read) co_return std::unexpected(read.error());
  forward.message = std::move(*read);
  Result<std::shared_ptr<Answer>> answer = co_await backend.send(std::move(forward));
  if (!answer) co_return std::unexpected(answer.error());
  if (session != nullptr) *session = (*answer)->headers.find("mcp-session-id").value_or("");
  for (;;) {
    Result<std::optional<Piece>> piece = co_await (*answer)->next();
    if (!piece) co_return std::unexpected(piece.error());
    if (!*piece) break;
    if ((*piece)->message && (*piece)->message->kind == rpc::Kind::kResponse)
      co_return std::move((*piece)->message->value);
  }
  co_return refuse("bad_session", "the MCP server does not answer (HTTP status " +
                                      std::to_string((*answer)->status) + ")");
}

Task<Result<OwnSession>> open(Backend& backend, const gate::Order& order) {
  OwnSession out;
  out.like = plain_forward(order);
  doc::Value hello = doc::object({{"protocolVersion", rpc::kLegacyVersion},
                                  {"capabilities", doc::Object{}},
                                  {"clientInfo", client_info()}});
  Result<doc::Value> answer =
      co_await ask(backend, out.like, rpc::request("keyturn-hello", "initialize", std::move(hello)),
                   &out.like.session);
  if (!answer && answer.error().code != "bad_session") co_return std::unexpected(answer.error());
  const doc::Value* result = answer ? answer->find("result") : nullptr;
  if (result == nullptr) {
    out.era = rpc::Era::kModern;
    out.like.headers.add("MCP-Protocol-Version", std::string(rpc::kModernVersion));
    out.meta = doc::Object{};
    out.meta.set(std::string(rpc::kVersionKey), rpc::kModernVersion);
    out.meta.set(std::string(rpc::kClientInfoKey), client_info());
    out.meta.set(std::string(rpc::kCapabilitiesKey), doc::Object{});
    co_return out;
  }
  out.like.headers.add("MCP-Protocol-Version", std::string(result->text("protocolVersion")));
  Forward ready = out.like;
  Result<rpc::Message> note =
      rpc::read(rpc::notification("notifications/initialized", doc::Object{}));
  if (!note) co_return std::unexpected(note.error());
  ready.message = std::move(*note);
  Result<std::shared_ptr<Answer>> heard = co_await backend.send(std::move(ready));
  if (!heard) co_return std::unexpected(heard.error());
  co_return out;
}

Task<void> close(std::shared_ptr<Backend> backend, Forward like) {
  if (like.session.empty()) co_return;
  like.method = "DELETE";
  (void)co_await backend->send(std::move(like));
}

}  // namespace

Task<Result<Outcome>> call_alone(net::Loop& loop, std::shared_ptr<Backend> backend,
                                 gate::Order order) {
  const std::shared_ptr<const catalog::Upstream> upstream = order.tool->upstream;
  Result<OwnSession> session = co_await open(*backend, order);
  if (!session) co_return std::unexpected(session.error());
  if (order.tool->method == "tools/call") {
    Result<Listing> listing =
        co_await read_listing(*backend, session->like, session->era, session->meta, Time{});
    const Result<std::string> pinned = catalog::definition_digest(order.tool->definition);
    const bool same = listing && pinned && listing->tools.contains(order.tool->mcp_name) &&
                      listing->tools.find(order.tool->mcp_name)->second.digest == *pinned;
    if (!same) {
      co_await close(backend, session->like);
      if (!listing) co_return std::unexpected(listing.error());
      co_return refuse("definition_changed",
                       "the tool's definition is not the one that was accepted any more");
    }
  }
  Wanted wanted{doc::Value("keyturn-call"), order.tool->method, order.tool->mcp_name,
                doc::object({{"arguments", order.args}}), session->like};
  if (session->era == rpc::Era::kModern) {
    wanted.params.set("_meta", session->meta);
    wanted.forward.headers.add("Mcp-Method", order.tool->method);
    if (!order.tool->mcp_name.empty()) wanted.forward.headers.add("Mcp-Name", order.tool->mcp_name);
  }
  const auto delivery = std::make_shared<Delivery>(loop, backend, upstream, std::move(wanted));
  Result<Outcome> outcome = co_await delivery->run(std::move(order));
  co_await close(backend, session->like);
  co_return outcome;
}

}  // namespace keyturn::connectors::mcp
