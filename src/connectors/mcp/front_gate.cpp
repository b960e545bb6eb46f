// A call that policy decides: is it offered, is its definition the one that was accepted, and is it
// perhaps being asked for already?
#include "base/task_impl.h"
#include "connectors/mcp/front_impl.h"
#include "connectors/mcp/outcome.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kListingAge = std::chrono::minutes(1);
constexpr std::size_t kReasonBytesMax = 4096;

doc::Value unknown_tool(const doc::Value& id, const std::string& name) {
  return rpc::error(id, rpc::kInvalidParams, "Unknown tool: " + name);
}

std::string digest_of(const doc::Value& args) {
  const Result<std::string> exact = doc::canonical(args);
  return crypto::sha256_text(exact ? *exact : doc::write_json(args));
}

const doc::Value& params_of(const Call& call) {
  static const doc::Value kNone = doc::Object{};
  const doc::Value* params = call.message->params();
  return params == nullptr ? kNone : *params;
}

// What policy and people see as the arguments: of other methods all the parameters.
doc::Value args_of(const Call& call) {
  const doc::Value& params = params_of(call);
  if (call.message->method == "tools/call") {
    const doc::Value* args = params.find("arguments");
    return args == nullptr || args->is_null() ? doc::Value(doc::Object{}) : *args;
  }
  doc::Value out = doc::Object{};
  if (!params.is_object()) return out;
  for (const doc::Member& member : params.as_object()) {
    if (member.key != "_meta" && member.key != "requestState" && member.key != "inputResponses")
      out.set(member.key, member.value);
  }
  return out;
}

std::string gate_tool(const Call& call, const std::string& name) {
  if (call.is_built_in()) return name;
  return call.upstream_name + "." +
         (call.message->method == "tools/call" ? name : call.message->method);
}

ActionRequest request_of(const Call& call, std::string tool, doc::Value args) {
  ActionRequest request;
  request.tool = std::move(tool);
  request.args = std::move(args);
  request.attended = true;
  request.claims = doc::Object{};
  if (!call.known->client.empty()) {
    std::string client = call.known->client;
    if (!call.known->version.empty()) client += "/" + call.known->version;
    request.claims.set("client", client.substr(0, 200));
  }
  const doc::Value* meta = call.message->meta();
  const doc::Value* reason = meta == nullptr ? nullptr : meta->find("keyturn/reason");
  if (reason != nullptr && reason->is_string())
    request.reason = reason->as_string().substr(0, kReasonBytesMax);
  if (const auto trace = call.request.header("traceparent");
      trace && trace->size() == 55 &&
      trace->find_first_not_of("0123456789abcdef-") == std::string_view::npos)
    request.traceparent = *trace;
  // `keyturn mcp` sends the same call again after a lost connection, and says so.
  const std::string_view again = call.request.header("keyturn-call").value_or("");
  if (again.size() == 32 && again.find_first_not_of("0123456789abcdef") == std::string_view::npos)
    request.idempotency_key = "mcp-" + std::string(again);
  return request;
}

// The server does not say what tools it has.
doc::Value unlisted(const Call& call, const Refusal& why) {
  if (why.code == "unknown_session") return rpc::error(call.id(), kSessionNotFound, why.message);
  return rpc::error(call.id(), rpc::kUnavailable, why.message, doc::object({{"code", why.code}}));
}

}  // namespace

// Ids are unique in a session. Modern clients have none: several of one agent use the same ids.
void note_in_flight(Call& call, const std::shared_ptr<Held>& held) {
  if (!call.is_modern()) call.known->in_flight[rpc::id_text(call.id())] = held;
}

bool is_lost_session(const doc::Value& response) {
  const doc::Value* code = response.find_path({"error", "code"});
  return code != nullptr && code->as_int64() == kSessionNotFound;
}

std::string call_key(const Principal& who, const std::string& tool, const doc::Value& args) {
  return name_of(who) + "\n" + tool + "\n" + digest_of(args);
}

std::optional<ActionId> Unattended::take(const std::string& key) {
  const auto found = ids_.find(key);
  if (found == ids_.end()) return std::nullopt;
  ActionId id(*found->second.begin());
  found->second.erase(found->second.begin());
  if (found->second.empty()) ids_.erase(found);
  return id;
}

void Unattended::remove(const std::string& key, const ActionId& id) {
  const auto found = ids_.find(key);
  if (found == ids_.end()) return;
  found->second.erase(id.str());
  if (found->second.empty()) ids_.erase(found);
}

std::string state_digest(const Call& call) {
  return digest_of(args_of(call)) + "/" +
         gate_tool(call, std::string(params_of(call).text("name")));
}

Task<Result<void>> Front::Impl::refresh(CallPtr call) {
  const doc::Value* meta = call->message->meta();
  Result<Listing> listing =
      co_await read_listing(*call->backend, call->forward(), call->era,
                            meta == nullptr ? doc::Value() : *meta, ports.gate.clock().now());
  if (!listing) co_return std::unexpected(listing.error());
  call->known->listing = std::move(*listing);
  call->known->stale = false;
  Result<void> noted =
      co_await note_listing(ports.gate, pace, call->upstream, *call->known->listing);
  co_return noted;
}

Task<std::optional<doc::Value>> Front::Impl::check_tool(CallPtr call, const std::string& name) {
  if (call->is_built_in()) co_return std::nullopt;
  if (call->message->method != "tools/call") co_return std::nullopt;
  if (!call->upstream->may_use(call->who.id, name)) co_return unknown_tool(call->id(), name);
  const auto is_pinned = [&](const catalog::Definition& now) {
    const catalog::Definition* pinned = ports.gate.world().pins.pinned(call->upstream_name, name);
    return pinned != nullptr && pinned->digest == now.digest;
  };
  const auto find = [&]() -> const catalog::Definition* {
    const auto now = call->known->listing->tools.find(name);
    return now == call->known->listing->tools.end() ? nullptr : &now->second;
  };
  const std::optional<Listing>& listing = call->known->listing;
  const bool is_old =
      !listing || call->known->stale || ports.gate.clock().now() - listing->at > kListingAge;
  // What would be refused is looked at afresh.
  if (is_old || find() == nullptr || !is_pinned(*find())) {
    if (Result<void> fresh = co_await refresh(call); !fresh)
      co_return unlisted(*call, fresh.error());
  }
  const catalog::Definition* now = find();
  if (now == nullptr) co_return unknown_tool(call->id(), name);
  if (is_pinned(*now)) co_return std::nullopt;
  const catalog::Definition* pinned = ports.gate.world().pins.pinned(call->upstream_name, name);
  rpc::Told told;
  told.state = "denied";
  told.modern = call->is_modern();
  told.words =
      pinned == nullptr
          ? "Keyturn has not seen this tool before, and people have to accept its definition "
            "before anybody uses it. Ask an administrator to look at the MCP server \"" +
                call->upstream_name + "\" in Keyturn; nothing was done."
          : "The definition of this tool is not the one that was accepted. Nobody uses it before "
            "people have looked at the change: ask an administrator to look at the MCP server \"" +
                call->upstream_name + "\" in Keyturn; nothing was done.";
  co_return refusal_of(*call, told);
}

Task<HttpResponse> Front::Impl::gated(CallPtr call) {
  const doc::Value& params = params_of(*call);
  const std::string name(params.text("name"));
  if (std::optional<doc::Value> instead = co_await check_tool(call, name)) {
    co_return json_rpc(is_lost_session(*instead) ? 404 : 200, *instead);
  }
  doc::Value args = args_of(*call);
  if (!args.is_object())
    co_return json_rpc(200,
                       rpc::error(call->id(), rpc::kInvalidParams, "arguments must be an object"));
  const std::string state(params.text("requestState"));
  const std::string tool = gate_tool(*call, name);
  if (call->is_modern() && !state.empty()) co_return co_await resume(call, state);
  // Not every client gives back a state that the server itself did not make.
  if (call->is_modern() && params.find("inputResponses") != nullptr) {
    const std::string key = call_key(call->who, tool, args);
    for (const auto& [id, one] : held) {
      if (one->key != key || !one->delivery || !one->delivery->waits_for_input()) continue;
      const rpc::RequestState own = state_for(*call, one->action);
      co_return co_await resume(call, rpc::seal_state(own, ports.key.reveal()));
    }
  }
  Result<std::shared_ptr<Held>> found = co_await find_or_submit(call, tool, std::move(args));
  if (!found && found.error().code == "in_flight")
    co_return json_rpc(400, rpc::error(call->id(), rpc::kInvalidRequest, found.error().message));
  if (!found) {
    rpc::Told told;
    told.state = "refused";
    told.modern = call->is_modern();
    told.words = "Keyturn refused the call: " + found.error().message + ". Nothing was done.";
    co_return json_rpc(200, refusal_of(*call, told));
  }
  const gate::RecordPtr record = ports.gate.find_open((*found)->action);
  const bool waits =
      record && (record->state == State::kPending || record->state == State::kDeferred);
  if (waits && wants_task(*call)) co_return as_task(call, *record);
  co_return co_await wait_for(call, *found, 0);
}

// An identical call that nobody waits for any more is taken up; else it is asked for.
Task<Result<std::shared_ptr<Held>>> Front::Impl::find_or_submit(CallPtr call, std::string tool,
                                                                doc::Value args) {
  if (!has_loaded) {  // what was asked for before this process began
    has_loaded = true;
    for (const gate::RecordPtr& record : ports.gate.open_records()) {
      if (!record->attended || record->state == State::kExecuting) continue;
      const doc::Value& asked =
          record->original_args.is_null() ? record->args : record->original_args;
      unattended.add(call_key(record->requester, record->tool, asked), record->id);
    }
  }
  const std::string key = call_key(call->who, tool, args);
  const auto take = [&](std::shared_ptr<Held> one) {
    one->owner = call.get();
    one->is_attended = true;
    one->is_cancelled = false;
    note_in_flight(*call, one);
    return one;
  };
  while (const std::optional<ActionId> open = unattended.take(key)) {
    const auto there = held.find(open->str());
    if (there != held.end() && there->second->delivery && there->second->delivery->has_begun())
      co_return take(there->second);
    const gate::RecordPtr record = co_await ports.gate.find(call->who, *open);
    const bool lately =
        record && record->settled_at && ports.gate.clock().now() - *record->settled_at < kKept;
    if (!record || (is_final(record->state) && !(lately && call->is_built_in()))) {
      held.erase(open->str());
      continue;
    }
    std::shared_ptr<Held> one = there != held.end() ? there->second : std::make_shared<Held>();
    one->action = record->id;
    one->key = key;
    held[record->id.str()] = one;
    co_return take(one);
  }
  Result<gate::Submitted> submitted =
      co_await ports.gate.submit(call->who, request_of(*call, std::move(tool), std::move(args)));
  if (!submitted) co_return std::unexpected(submitted.error());
  const auto there = held.find(submitted->record->id.str());
  if (there != held.end()) {
    if (there->second->is_attended)
      co_return refuse("in_flight", "this call is on its way on another connection");
    unattended.remove(key, submitted->record->id);
    co_return take(there->second);
  }
  const auto one = std::make_shared<Held>();
  one->action = submitted->record->id;
  one->key = key;
  held[one->action.str()] = one;
  co_return take(one);
}

// 2026-07-28: the client comes back with what we gave it.
Task<HttpResponse> Front::Impl::resume(CallPtr call, std::string sealed) {
  Result<rpc::RequestState> state =
      rpc::open_state(sealed, ports.key.reveal(), ports.gate.clock().now());
  if (!state || state->principal != name_of(call->who) || state->upstream != call->upstream_name ||
      state->method != call->message->method || state->args_digest != state_digest(*call)) {
    co_return json_rpc(200, rpc::error(call->id(), rpc::kInvalidParams,
                                       "requestState is not of this call; ask again without it"));
  }
  std::shared_ptr<Held>& there = held[state->action];
  if (!there) {
    there = std::make_shared<Held>();
    there->action = ActionId(state->action);
    there->key = call_key(call->who, gate_tool(*call, std::string(params_of(*call).text("name"))),
                          args_of(*call));
  }
  const std::shared_ptr<Held> one = there;
  if (one->owner != nullptr && !(one->delivery && one->delivery->waits_for_input()))
    co_return json_rpc(400, rpc::error(call->id(), rpc::kInvalidRequest,
                                       "this call is on its way on another connection"));
  unattended.remove(one->key, one->action);
  one->owner = call.get();
  one->is_attended = true;
  one->is_cancelled = false;
  note_in_flight(*call, one);
  if (one->delivery && one->delivery->waits_for_input()) {
    one->delivery->resume({call->id(), call->message->method,
                           std::string(params_of(*call).text("name")), params_of(*call),
                           call->forward()});
  }
  co_return co_await wait_for(call, one, state->leg + 1);
}

}  // namespace keyturn::connectors::mcp
