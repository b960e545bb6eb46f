// A call that its client asked for as a task (2025-11-25 `task`; 2026-07-28 the tasks extension):
// while people decide it is a task of Keyturn's own, which its client looks at when it likes.
#include "base/task_impl.h"
#include "connectors/mcp/front_impl.h"
#include "connectors/mcp/words.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr std::string_view kPrefix = "keyturn-";  // of their ids; the action's id is behind it
constexpr Duration kPoll = std::chrono::seconds(2);

std::string task_id(const Call& call) {
  const doc::Value* params = call.message->params();
  return params == nullptr ? "" : std::string(params->text("taskId"));
}

doc::Value no_such_task(const Call& call) {
  return rpc::error(call.id(), rpc::kInvalidParams, "there is no such task for you");
}

// The response among what the server answered, kept for whoever asks for it.
void collect(Held& one) {
  if (!one.delivery || !one.response.is_null()) return;
  while (std::optional<Piece> piece = one.delivery->flow()->take()) {
    if (piece->message && piece->message->kind == rpc::Kind::kResponse)
      one.response = piece->message->value;
  }
}

// A result that says isError: a task that failed in 2025-11-25, one that is completed in the
// extension ("failed" has a JSON-RPC error).
std::string status_of(const gate::ActionRecord& record, const doc::Value& answer, bool is_modern) {
  if (record.state == State::kCancelled) return "cancelled";
  if (!answer.is_null()) {
    const doc::Value* result = answer.find("result");
    const bool good = result != nullptr && (is_modern || !result->flag("isError"));
    return good ? "completed" : "failed";
  }
  if (record.state == State::kSucceeded) return "completed";
  return is_final(record.state) ? "failed" : "working";
}

// 2026-07-28: whether the client knows the extension.
bool has_tasks(const Call& call) {
  const doc::Value* meta = call.message->meta();
  const doc::Value* can = meta == nullptr ? nullptr : meta->find(rpc::kCapabilitiesKey);
  return can != nullptr && can->find_path({"extensions", rpc::kTasksExtension}) != nullptr;
}

// Without the extension: the call has a task already, so the server is to answer it plainly.
doc::Value without_tasks(doc::Value meta) {
  const doc::Value* can = meta.find(rpc::kCapabilitiesKey);
  const doc::Value* all = can == nullptr ? nullptr : can->find("extensions");
  if (all == nullptr || !all->is_object()) return meta;
  doc::Value extensions = *all, capabilities = *can;
  std::erase_if(extensions.as_object(),
                [](const doc::Member& one) { return one.key == rpc::kTasksExtension; });
  capabilities.set("extensions", std::move(extensions));
  meta.set(std::string(rpc::kCapabilitiesKey), std::move(capabilities));
  return meta;
}

}  // namespace

// A client takes tasks only of a server that says it has them. Keyturn has, whatever the server
// does.
std::optional<doc::Value> Front::Impl::with_tasks(const Call& call, const doc::Value& message) {
  if (!call.upstream || !call.is_modern() || !call.message ||
      call.message->method != "server/discover" || !has_tasks(call))
    return std::nullopt;
  const doc::Value* said = message.find("result");
  if (said == nullptr || !said->is_object()) return std::nullopt;
  const auto object_of = [](const doc::Value& in, std::string_view name) {
    const doc::Value* there = in.find(name);
    return there != nullptr && there->is_object() ? *there : doc::Value(doc::Object{});
  };
  doc::Value result = *said;
  doc::Value capabilities = object_of(result, "capabilities");
  doc::Value extensions = object_of(capabilities, "extensions");
  extensions.set(std::string(rpc::kTasksExtension), doc::Object{});
  capabilities.set("extensions", std::move(extensions));
  result.set("capabilities", std::move(capabilities));
  doc::Value out = message;
  out.set("result", std::move(result));
  return out;
}

bool Front::Impl::wants_task(const Call& call) const {
  if (call.is_built_in() || call.message->method != "tools/call") return false;
  if (call.is_modern()) return has_tasks(call);
  const doc::Value& params = *call.message->params();
  const doc::Value* task = params.find("task");
  if (task == nullptr || !task->is_object() || !call.known->listing) return false;
  const auto tool = call.known->listing->tools.find(params.text("name"));
  // Where the server insists on tasks they are its own: the call is held, and then goes as it is.
  return tool != call.known->listing->tools.end() &&
         tool->second.value.find_path({"execution", "taskSupport"}) != nullptr &&
         tool->second.value.find("execution")->text("taskSupport") == "optional";
}

rpc::Task Front::Impl::task_of(const gate::ActionRecord& record, std::string status,
                               std::string words) const {
  rpc::Task task;
  task.id = std::string(kPrefix) + record.id.str();
  task.status = std::move(status);
  task.words = std::move(words) + " " + ports.public_url + "/a/" + record.id.str();
  task.created = record.created_at;
  task.updated = ports.gate.clock().now();
  task.ttl = std::max(Duration(kKept), record.expires_at - task.updated + kKept);
  task.poll = kPoll;
  return task;
}

HttpResponse Front::Impl::as_task(const CallPtr& call, const gate::ActionRecord& record) {
  forget_in_flight(*call);
  if (const auto one = held.find(record.id.str()); one != held.end()) one->second->owner = nullptr;
  const rpc::Task task = task_of(record, "working", words_of(record));
  return json_rpc(200, rpc::result(call->id(), rpc::create_task_result(task, call->is_modern())));
}

bool Front::Impl::is_own_task(const Call& call) {
  return call.message->method.starts_with("tasks/") &&
         task_id(call).starts_with(std::string(kPrefix) + "act_");
}

// A server with sessions tells tasks apart by them; one behind a pipe is its agent's own. Else an
// id is good for whoever was told it.
bool Front::Impl::may_name_task(const Call& call, const std::string& task) const {
  switch (owners.whose(call.upstream_name, task, name_of(call.who))) {
    case TaskOwners::Whose::kOwn:
      return true;
    case TaskOwners::Whose::kAnothers:
      return false;
    case TaskOwners::Whose::kUnknown:
      break;
  }
  return !call.session.empty() || call.upstream->kind != catalog::Upstream::Kind::kHttp;
}

bool Front::Impl::names_anothers_task(const Call& call) const {
  const std::string task = task_id(call);
  return call.upstream && call.message->method.starts_with("tasks/") && !task.empty() &&
         !may_name_task(call, task);
}

HttpResponse Front::Impl::no_task(const Call& call) {
  // 2026-07-28 has no such method any more.
  if (call.is_modern() && call.message->method == "tasks/result")
    return json_rpc(404, rpc::error(call.id(), rpc::kMethodNotFound, "Method not found"));
  return json_rpc(200, no_such_task(call));
}

std::optional<doc::Value> Front::Impl::without_others(const Call& call,
                                                      const doc::Value& message) const {
  const doc::Value* tasks = message.find_path({"result", "tasks"});
  if (!call.upstream || tasks == nullptr || !tasks->is_array()) return std::nullopt;
  doc::Array kept;
  for (const doc::Value& task : tasks->as_array()) {
    if (may_name_task(call, std::string(task.text("taskId")))) kept.push_back(task);
  }
  if (kept.size() == tasks->as_array().size()) return std::nullopt;
  doc::Value out = message;
  doc::Value result = *message.find("result");
  result.set("tasks", std::move(kept));
  out.set("result", std::move(result));
  return out;
}

// tasks/get, tasks/result, tasks/cancel of one. Whoever looks at it waits for it: approved, it
// starts then.
Task<HttpResponse> Front::Impl::own_task(CallPtr call) {
  const ActionId id(task_id(*call).substr(kPrefix.size()));
  gate::RecordPtr record = co_await ports.gate.find(call->who, id);
  const std::string prefix = call->upstream_name + ".";
  if (!record || !record->attended || !record->tool.starts_with(prefix) ||
      record->requester.id != call->who.id || record->requester.kind != call->who.kind)
    co_return json_rpc(200, no_such_task(*call));
  const std::string method = call->message->method;
  if (method == "tasks/cancel") {
    (void)co_await ports.gate.cancel(call->who, id);
    held.erase(id.str());
    record = co_await ports.gate.find(call->who, id);
    const rpc::Task task =
        task_of(*record, status_of(*record, {}, call->is_modern()), words_of(*record));
    co_return json_rpc(200, rpc::result(call->id(), rpc::task_value(task, call->is_modern())));
  }
  // The call that it stands for, in the words of this request's era.
  const doc::Value& asked = record->original_args.is_null() ? record->args : record->original_args;
  doc::Value params =
      doc::object({{"name", record->tool.substr(prefix.size())}, {"arguments", asked}});
  if (const doc::Value* meta = call->message->meta()) params.set("_meta", without_tasks(*meta));
  const auto as = std::make_shared<Call>(*call);
  as->request.headers.set("Mcp-Method", "tools/call");
  as->request.headers.set("Mcp-Name", record->tool.substr(prefix.size()));
  Result<rpc::Message> message =
      rpc::read(rpc::request(call->id(), "tools/call", std::move(params)));
  if (!message) co_return json_rpc(200, no_such_task(*call));
  as->message = std::move(*message);
  std::shared_ptr<Held>& place = held[id.str()];
  if (!place) {
    place = std::make_shared<Held>();
    place->action = id;
    place->key = call_key(call->who, record->tool, asked);
    unattended.remove(place->key, id);
  }
  const std::shared_ptr<Held> one = place;
  one->is_attended = true;
  if (method == "tasks/result" && one->response.is_null()) {
    if (one->owner != nullptr)
      co_return json_rpc(400, rpc::error(call->id(), rpc::kInvalidRequest,
                                         "the result is being asked for on another connection"));
    one->owner = as.get();
    co_return co_await wait_for(as, one, 0);
  }
  make_delivery(as, one);
  doc::Value answer = one->response;
  if (answer.is_null()) {
    const Step next = co_await step(as, one);
    if (next.kind == Step::Kind::kAnswer) answer = next.answer;
    if (next.kind == Step::Kind::kRun && one->owner == nullptr && one->delivery->is_done()) {
      collect(*one);
      answer = one->response;
    }
  }
  record = co_await ports.gate.find(call->who, one->action);
  if (!record) co_return json_rpc(200, no_such_task(*call));
  if (method == "tasks/result") {
    answer.set("id", call->id());
    co_return json_rpc(200, answer);
  }
  const rpc::Task task =
      task_of(*record, status_of(*record, answer, call->is_modern()), words_of(*record));
  doc::Value value = rpc::task_value(task, call->is_modern());
  if (call->is_modern()) {
    value.set("resultType", "complete");
    const doc::Value* result = answer.find("result");
    if (result != nullptr && task.status == "completed") value.set("result", *result);
    if (const doc::Value* error = answer.find("error")) value.set("error", *error);
  }
  co_return json_rpc(200, rpc::result(call->id(), std::move(value)));
}

}  // namespace keyturn::connectors::mcp
