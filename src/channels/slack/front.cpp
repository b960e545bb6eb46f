#include "channels/slack/front.h"

#include "base/task_impl.h"
#include "channels/slack/words.h"
#include "net/loop.h"

namespace keyturn::channels::slack {
namespace {

constexpr Duration kAnswerWithin = std::chrono::milliseconds(2500);  // of Slack's 3 s

// An answer that is being worked out; whoever waits does not wait for ever.
struct Pending {
  explicit Pending(net::Loop& loop) : waiter(loop) {}
  net::Waiter waiter;
  doc::Value answer;
  bool given_up = false;
};

using Late = Task<void> (*)(OfficePtr, doc::Value request, doc::Value answer);

Task<void> work(OfficePtr office, std::shared_ptr<Pending> pending, Task<doc::Value> task,
                doc::Value request, Late late) {
  pending->answer = co_await std::move(task);
  pending->waiter.fire();
  if (pending->given_up) co_await late(office, std::move(request), pending->answer);
}

// The task's answer, or null and then `late` with it.
Task<doc::Value> within(OfficePtr office, Task<doc::Value> task, doc::Value request, Late late) {
  const auto pending = std::make_shared<Pending>(office->ports.loop);
  start(office, work(office, pending, std::move(task), std::move(request), late));
  const net::Woken woken = co_await pending->waiter.wait(kAnswerWithin);
  if (woken == net::Woken::kFired) co_return pending->answer;
  pending->given_up = true;
  co_return doc::Value();
}

Task<void> late_command(OfficePtr office, doc::Value request, doc::Value answer) {
  co_await tell(office, std::string(request.text("user_id")),
                std::string(request.text("channel_id")), std::move(answer));
}

// The dialog is closed already: what it would have said comes as a message.
Task<void> late_submission(OfficePtr office, doc::Value request, doc::Value answer) {
  const doc::Value* error = answer.find_path({"errors", "text"});
  const doc::Value* user = request.find_path({"user", "id"});
  if (error == nullptr || user == nullptr || !user->is_string()) co_return;
  co_await tell(office, user->as_string(), "", words_of(error->as_string()));
}

}  // namespace

bool is_ours(const Office& office, const doc::Value& payload) {
  const std::string& team = office.settings.team;
  if (const doc::Value* found = payload.find("team"); found != nullptr && found->is_object())
    return found->text("id") == team;
  return payload.text("team_id") == team;
}

Pressed pressed_of(std::string_view value) {
  const std::size_t bar = value.find('|');
  if (bar == std::string_view::npos || value.size() > 300) return {};
  return {std::string(value.substr(0, bar)), std::string(value.substr(bar + 1))};
}

Task<void> tell(OfficePtr office, std::string user, std::string channel, doc::Value message) {
  if (!is_slack_id(user) || message.find("blocks") == nullptr) co_return;
  if (is_slack_id(channel)) {
    Form here = arguments_of(message);
    here.emplace_back("channel", channel);
    here.emplace_back("user", user);
    if (co_await office->client.call("chat.postEphemeral", std::move(here))) co_return;
  }
  Form there = arguments_of(message);
  there.emplace_back("channel", user);
  const Answer told = co_await office->client.call("chat.postMessage", std::move(there));
  if (!told) office->ports.log("slack: an answer did not arrive: " + told.error().what.why);
}

Task<doc::Value> interactive(FrontPtr front, doc::Value payload) {
  const std::string_view type = payload.text("type");
  if (type == "view_submission")
    co_return co_await within(front->office, submission(front, payload), payload, late_submission);
  const doc::Value* actions = payload.find("actions");
  const bool is_click = type == "block_actions" && actions != nullptr && actions->is_array() &&
                        actions->as_array().size() == 1;
  if (is_click && front->office->seen.first("click " + std::string(payload.text("trigger_id"))))
    start(front->office, click(front, payload, actions->as_array().front()));
  co_return doc::Value();
}

Task<doc::Value> command(FrontPtr front, doc::Value fields) {
  if (!front->office->seen.first("command " + std::string(fields.text("trigger_id"))))
    co_return doc::Value();
  co_return co_await within(front->office, answer_command(front, fields), fields, late_command);
}

Task<void> event(FrontPtr front, doc::Value body) {
  const doc::Value* told = body.find("event");
  if (body.text("type") != "event_callback" || told == nullptr || !told->is_object()) co_return;
  if (!front->office->seen.first("event " + std::string(body.text("event_id")))) co_return;
  const std::string team(body.text("team_id"));
  const std::string_view type = told->text("type");
  if (type == "message")
    co_await message_came(front, *told, team);
  else if (type == "link_shared")
    co_await link_shared(front, *told, team);
  else if (type == "app_home_opened" && told->text("tab") != "messages")
    co_await front->homes->opened(std::string(told->text("user")), team);
  else if (type == "tokens_revoked" || type == "app_uninstalled")
    front->office->verified = false;  // the next call says what is wrong
}

}  // namespace keyturn::channels::slack
