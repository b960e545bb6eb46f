#include "cli/bridge/child_side.h"

#include <utility>

#include "doc/json.h"

namespace keyturn::cli::bridge {
namespace {

constexpr std::string_view kSubscription = "io.modelcontextprotocol/subscriptionId";

void set_param(rpc::Message& message, std::string key, doc::Value value) {
  doc::Value params = message.params() == nullptr ? doc::Value(doc::Object{}) : *message.params();
  params.set(std::move(key), std::move(value));
  message.value.set("params", std::move(params));
}

void set_meta(rpc::Message& message, std::string key, doc::Value value) {
  doc::Value meta = *message.meta();
  meta.set(std::move(key), std::move(value));
  set_param(message, "_meta", std::move(meta));
}

std::string no_one(const doc::Value& id) {
  return doc::write_json(
      rpc::error(id, rpc::kUnavailable, "the connection to the client was lost"));
}

}  // namespace

ChildSide::Down ChildSide::down(std::string_view line) {
  Result<rpc::Message> message = rpc::parse(line);
  if (!message) return {};
  const std::scoped_lock lock(mutex_);
  switch (message->kind) {
    case rpc::Kind::kRequest:
      return request_down(std::move(*message));
    case rpc::Kind::kResponse:
      if (asks_.erase(rpc::id_text(message->id)) == 0) return {};  // of an attachment before
      return {.to_child = std::string(line)};
    case rpc::Kind::kNotification:
      break;
  }
  if (message->method == "notifications/initialized" && std::exchange(was_told_, true)) return {};
  if (message->method == "notifications/cancelled") {
    const doc::Value* id = message->params() ? message->params()->find("requestId") : nullptr;
    const auto known = id ? known_as_.find(rpc::id_text(*id)) : known_as_.end();
    if (known == known_as_.end()) return {};
    set_param(*message, "requestId", known->second);
    return {.to_child = doc::write_json(message->value)};
  }
  return {.to_child = std::string(line)};
}

ChildSide::Down ChildSide::request_down(rpc::Message message) {
  if (message.method == "initialize") {
    if (first_answer_)
      return {.to_keyturn = doc::write_json(rpc::result(message.id, *first_answer_))};
    waits_for_first_ = message.id;
    if (std::exchange(is_initializing_, true)) return {};  // the answer is for this one then
  }
  const std::int64_t id = ++last_;
  known_as_[rpc::id_text(message.id)] = id;
  requests_[rpc::id_text(doc::Value(id))] = {message.id, message.method};
  message.value.set("id", id);
  const doc::Value* meta = message.meta();
  const doc::Value* token = meta == nullptr ? nullptr : meta->find("progressToken");
  if (token != nullptr) {
    tokens_[id] = *token;
    set_meta(message, "progressToken", id);
  }
  return {.to_child = doc::write_json(message.value)};
}

ChildSide::Up ChildSide::up(std::string_view line, bool is_attached) {
  Result<rpc::Message> message = rpc::parse(line);
  if (!message) return {};
  const std::scoped_lock lock(mutex_);
  switch (message->kind) {
    case rpc::Kind::kResponse:
      return {.to_keyturn = answer_up(std::move(*message))};
    case rpc::Kind::kNotification:
      return {.to_keyturn = notification_up(std::move(*message))};
    case rpc::Kind::kRequest:
      break;
  }
  if (!is_attached) return {.to_child = no_one(message->id)};
  asks_[rpc::id_text(message->id)] = message->id;
  return {.to_keyturn = std::string(line)};
}

std::string ChildSide::answer_up(rpc::Message message) {
  const auto found = requests_.find(rpc::id_text(message.id));
  if (found == requests_.end()) return {};
  Request request = std::move(found->second);
  requests_.erase(found);
  known_as_.erase(rpc::id_text(request.id));
  if (const auto number = message.id.as_int64()) tokens_.erase(*number);
  if (request.method == "initialize") {
    is_initializing_ = false;
    if (const doc::Value* result = message.value.find("result")) first_answer_ = *result;
    if (!waits_for_first_) return {};
    request.id = std::move(*waits_for_first_);
    waits_for_first_.reset();
  }
  message.value.set("id", request.id);
  return doc::write_json(message.value);
}

std::string ChildSide::notification_up(rpc::Message message) {
  if (message.method == "notifications/progress") {
    const doc::Value* token = message.params() ? message.params()->find("progressToken") : nullptr;
    const auto number = token ? token->as_int64() : std::nullopt;
    const auto found = number ? tokens_.find(*number) : tokens_.end();
    if (found == tokens_.end()) return {};
    set_param(message, "progressToken", found->second);
  }
  const doc::Value* meta = message.meta();
  const doc::Value* subscription = meta == nullptr ? nullptr : meta->find(kSubscription);
  if (subscription != nullptr) {
    const auto found = requests_.find(rpc::id_text(*subscription));
    if (found == requests_.end()) return {};
    set_meta(message, std::string(kSubscription), found->second.id);
  }
  return doc::write_json(message.value);
}

std::vector<std::string> ChildSide::begin() {
  const std::scoped_lock lock(mutex_);
  // An initialize that the process still works at is for whoever asks next.
  std::erase_if(requests_, [](const auto& one) { return one.second.method != "initialize"; });
  known_as_.clear();
  tokens_.clear();
  waits_for_first_.reset();
  std::vector<std::string> out;
  for (const auto& [text, id] : asks_) out.push_back(no_one(id));
  asks_.clear();
  return out;
}

}  // namespace keyturn::cli::bridge
