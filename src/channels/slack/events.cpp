// What people write in a card's thread, and links to Keyturn that they share.
#include "base/task_impl.h"
#include "channels/slack/front.h"
#include "channels/slack/mrkdwn.h"
#include "channels/slack/words.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::size_t kLinksMax = 5;

std::string team_of(const doc::Value& event, const std::string& team) {
  const std::string_view of = event.text("user_team");
  return of.empty() ? team : std::string(of);
}

// Of an action's page here; "" when it is something else.
std::string action_in(const std::string& url, const std::string& public_url) {
  const std::string begin = public_url + "/a/";
  if (!url.starts_with(begin)) return "";
  std::string id = url.substr(begin.size());
  id = id.substr(0, id.find_first_of("/?#"));
  const bool plain =
      id.starts_with("act_") && id.size() <= 60 &&
      id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  return plain ? id : "";
}

// What is written to the app itself is understood as what follows /keyturn.
Task<void> answer_words(FrontPtr front, doc::Value event, std::string team) {
  const doc::Value said = doc::object({{"text", as_read(event.text("text"))},
                                       {"user_id", event.text("user")},
                                       {"team_id", team_of(event, team)}});
  doc::Value answer = co_await answer_command(front, said);
  co_await tell(front->office, std::string(event.text("user")), std::string(event.text("channel")),
                std::move(answer));
}

}  // namespace

Task<void> message_came(FrontPtr front, doc::Value event, std::string team) {
  const OfficePtr office = front->office;
  const std::string channel(event.text("channel")), thread(event.text("thread_ts")),
      ts(event.text("ts")), user(event.text("user"));
  const std::string_view subtype = event.text("subtype");
  const bool is_said = subtype.empty() || subtype == "thread_broadcast" || subtype == "file_share";
  if (!is_said || event.find("bot_id") != nullptr || ts.empty()) co_return;
  if (thread.empty() && event.text("channel_type") == "im") {
    co_await answer_words(front, event, team);
    co_return;
  }
  if (thread.empty() || thread == ts) co_return;
  const std::string action = office->threads.action_of(channel, thread);
  const std::string text = as_read(event.text("text"));
  if (action.empty() || text.empty()) co_return;
  const gate::Serial::Hold turn = co_await office->threads_in_order.take(channel + "/" + thread);
  const Result<Visitor> visitor = co_await office->visitors.admit(user, team_of(event, team));
  if (!visitor) {
    // Who is a stranger is one for the next messages, too.
    const bool is_stranger = visitor.error().code != "slack_unreachable";
    if (is_stranger && !office->strangers.first(user, office->now())) co_return;
    co_await tell(office, user, channel,
                  words_of("This is not in Keyturn: " + visitor.error().message + "."));
    co_return;
  }
  if (!co_await office->threads.take(action, visitor->person, text, channel, thread, ts)) co_return;
  const Result<gate::RecordPtr> done =
      co_await office->ports.desk.comment(visitor->who, ActionId(action), text);
  if (done) {
    co_await office->threads.settle(**done, visitor->person, text, channel, ts);
    co_return;
  }
  co_await office->threads.drop(action, ts, channel);
  co_await tell(office, user, channel,
                words_of("This is not in Keyturn: " + done.error().message + "."));
}

Task<void> link_shared(FrontPtr front, doc::Value event, std::string team) {
  const OfficePtr office = front->office;
  Desk& desk = office->ports.desk;
  const doc::Value* links = event.find("links");
  if (links == nullptr || !links->is_array()) co_return;
  std::vector<std::pair<std::string, std::string>> wanted;  // url, action
  for (const doc::Value& link : links->as_array()) {
    const std::string url(link.text("url"));
    const std::string action = action_in(url, desk.public_url());
    if (!action.empty() && wanted.size() < kLinksMax) wanted.emplace_back(url, action);
  }
  const std::string account = office->visitors.account_of(event.text("user"));
  if (wanted.empty() || desk.person_of(account) == nullptr) co_return;
  const Result<Visitor> visitor =
      co_await office->visitors.admit(std::string(event.text("user")), team_of(event, team));
  if (!visitor) co_return;
  doc::Value unfurls{doc::Object{}};
  for (const auto& [url, action] : wanted) {
    const gate::RecordPtr record = co_await desk.gate().find(visitor->who, ActionId(action));
    if (record) unfurls.set(url, unfurl_of(desk.card_of(kName, *record, nullptr)));
  }
  if (unfurls.as_object().empty()) co_return;
  Form arguments{{"unfurls", doc::write_json(unfurls)}};
  if (event.text("unfurl_id").empty()) {
    arguments.emplace_back("channel", event.text("channel"));
    arguments.emplace_back("ts", event.text("message_ts"));
  } else {
    arguments.emplace_back("unfurl_id", event.text("unfurl_id"));
    arguments.emplace_back("source", event.text("source"));
  }
  const Answer shown = co_await office->client.call("chat.unfurl", std::move(arguments));
  if (!shown) office->ports.log("slack: " + shown.error().what.why);
}

}  // namespace keyturn::channels::slack
