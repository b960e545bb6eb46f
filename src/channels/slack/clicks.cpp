// A button was pressed.
#include <chrono>

#include "base/task_impl.h"
#include "channels/slack/deliver.h"
#include "channels/slack/front.h"
#include "channels/slack/words.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

std::string text_at(const doc::Value& value, std::initializer_list<std::string_view> path) {
  const doc::Value* found = value.find_path(path);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

// Who pressed what, where.
struct Press {
  std::string user, team, channel, trigger;
  Pressed what;
};

Press press_of(const doc::Value& payload, const doc::Value& action) {
  Press out;
  out.user = text_at(payload, {"user", "id"});
  // A guest from another workspace in a shared channel is of that one.
  out.team = text_at(payload, {"user", "team_id"});
  if (out.team.empty()) out.team = text_at(payload, {"team", "id"});
  out.channel = text_at(payload, {"channel", "id"});
  if (out.channel.empty()) out.channel = text_at(payload, {"container", "channel_id"});
  out.trigger = payload.text("trigger_id");
  out.what = pressed_of(action.text("value"));
  return out;
}

Task<void> say(OfficePtr office, Press press, std::string words) {
  co_await tell(office, press.user, press.channel, words_of(words));
}

Task<void> approve(OfficePtr office, Press press, Visitor visitor) {
  Desk& desk = office->ports.desk;
  const ActionId id(press.what.action);
  const gate::RecordPtr record = co_await desk.gate().find(visitor.who, id);
  const bool whole =
      record && shows_all(*office, *record, desk.gate().world().directory.person(visitor.person));
  const Result<gate::RecordPtr> done =
      co_await desk.vote(visitor.who, id, review::Decision::kApprove, press.what.digest, "", whole);
  if (!done) co_await say(office, press, "Not approved: " + done.error().message + ".");
}

Task<void> take_back(OfficePtr office, Press press, Visitor visitor) {
  const Result<gate::RecordPtr> done =
      co_await office->ports.desk.take_back(visitor.who, ActionId(press.what.action));
  if (!done) co_await say(office, press, "Not taken back: " + done.error().message + ".");
}

Task<void> open_dialog(OfficePtr office, Press press, Visitor visitor, bool denies) {
  Desk& desk = office->ports.desk;
  const gate::RecordPtr record =
      co_await desk.gate().find(visitor.who, ActionId(press.what.action));
  if (!record) {
    co_await say(office, press, "There is no such action, or it is not for you.");
    co_return;
  }
  const people::Person* person = desk.gate().world().directory.person(visitor.person);
  const render::Card card = desk.card_of(kName, *record, person);
  const doc::Value back = doc::object({{"action", press.what.action},
                                       {"digest", press.what.digest},
                                       {"once", to_base64url(office->ports.random.bytes(9))}});
  const doc::Value view = denies ? deny_dialog(card, back) : comment_dialog(card, back);
  const Answer opened = co_await office->client.call(
      "views.open", {{"trigger_id", press.trigger}, {"view", doc::write_json(view)}},
      std::chrono::seconds(3));
  if (!opened)
    co_await say(office, press,
                 "Slack did not open the dialog (" + opened.error().word +
                     "). Try again, or use the action's page.");
}

Task<void> answer_link(OfficePtr office, Press press, std::string attempt, bool yes) {
  const Result<std::string> member = co_await office->visitors.member(press.user, press.team);
  if (!member) {
    co_await say(office, press, member.error().message);
    co_return;
  }
  const Result<Links::Attempt> agreed =
      office->ports.links.agree(office->visitors.account_of(press.user), attempt, yes);
  if (!agreed)
    co_await say(office, press, agreed.error().message);
  else if (yes)
    co_await say(office, press,
                 "Now confirm this Slack account on your account page in Keyturn: " +
                     office->ports.desk.public_url() + "/account");
  else
    co_await say(office, press, "Nothing was linked.");
}

}  // namespace

Task<void> click(FrontPtr front, doc::Value payload, doc::Value action) {
  const OfficePtr office = front->office;
  const Press press = press_of(payload, action);
  const std::string name(action.text("action_id"));
  if (name == "link_yes" || name == "link_no") {
    co_await answer_link(office, press, std::string(action.text("value")), name == "link_yes");
    co_return;
  }
  if (name != "approve" && name != "deny" && name != "take_back" && name != "comment") co_return;
  const Result<Visitor> visitor = co_await office->visitors.admit(press.user, press.team);
  if (!visitor) {
    co_await say(office, press, visitor.error().message + ".");
    co_return;
  }
  if (name == "approve")
    co_await approve(office, press, *visitor);
  else if (name == "take_back")
    co_await take_back(office, press, *visitor);
  else
    co_await open_dialog(office, press, *visitor, name == "deny");
}

}  // namespace keyturn::channels::slack
