// What people write to the bot, and that it was installed or removed somewhere.
#include <algorithm>

#include "base/ascii.h"
#include "channels/teams/impl.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::size_t kListedMax = 15;

// "link 7Q3K-9MWP" -> {"link", "7Q3K-9MWP"}; the first word in small letters.
std::pair<std::string, std::string> words_of(const std::string& text) {
  const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
  std::string first = text.substr(0, end);
  for (char& c : first) {
    c = to_lower(c);
  }
  const std::size_t rest = text.find_first_not_of(" \t\r\n", end);
  return {first, rest == std::string::npos ? "" : text.substr(rest)};
}

render::Field field(std::string_view name, std::string_view value) {
  return {render::render_text(name).runs, render::render_text(value, render::Style::kProse).runs};
}

}  // namespace

Task<void> Teams::Impl::say(Activity activity, doc::Value card, std::string_view summary) {
  const Answered<std::string> posted = co_await api.post(
      activity.service_url, activity.conversation, message_of(std::move(card), summary));
  if (!posted) ports.log("teams: an answer was not delivered: " + posted.error().why);
}

Task<std::string> Teams::Impl::said(Activity activity) {
  const Result<Caller> caller = co_await who(activity);
  if (!caller) {
    co_await say(activity,
                 card_of({.heading = "That did not work", .lines = {caller.error().message + "."}}),
                 "That did not work");
    co_return std::string();
  }
  if (const auto thread = threads.find(activity.conversation); thread != threads.end()) {
    const std::string action = thread->second;
    co_await commented(std::move(activity), *caller, action);
    co_return std::string();
  }
  doc::Value card = co_await reply_to(activity, *caller);
  co_await say(activity, std::move(card), "Keyturn answers");
  co_return std::string();
}

// In the thread of a card: everybody there sees what was said, so it is told nobody there again.
Task<void> Teams::Impl::commented(Activity activity, Caller caller, std::string action) {
  Result<gate::RecordPtr> done =
      refuse("account_not_linked",
             "That is no comment yet: this Teams account is linked to nobody in Keyturn. Write to "
             "me alone: help");
  if (caller.person != nullptr) {
    const std::string word = word_for(caller.person->id, activity.text);
    said_there[action].insert(word);
    done = co_await ports.desk.comment(principal_of(caller), ActionId(action), activity.text);
    if (!done) said_there[action].erase(word);
  } else {
    co_await leave_trace(caller.account, "account_not_linked");
  }
  if (done) {
    std::string kept;
    for (const std::string& word : said_there[action]) kept += word + "\n";
    (void)co_await ports.keep.write("teams/said/" + action, kept);
  } else {
    co_await say(activity, card_of({.heading = "Not a comment", .lines = {done.error().message}}),
                 "That was no comment");
  }
}

Task<doc::Value> Teams::Impl::reply_to(Activity activity, Caller caller) {
  const auto [word, rest] = words_of(activity.text);
  const bool wants = word == "link" || word == "list" || word == "show";
  if (wants && !activity.is_personal())
    co_return card_of({.heading = "Write to me alone for that",
                       .lines = {"Here everybody would read it. Search for Keyturn in Teams and "
                                 "write it in our own chat."}});
  if (word == "link") co_return linking(caller, rest);
  if (!wants) co_return help(caller, activity.is_personal());
  if (caller.person == nullptr) {
    co_await leave_trace(caller.account, "account_not_linked");
    co_return help(caller, activity.is_personal());
  }
  if (word == "list") co_return what_waits(caller);
  const gate::RecordPtr record =
      co_await ports.desk.gate().find(principal_of(caller), ActionId(rest));
  if (!record)
    co_return card_of({.heading = "There is no such action, or not for you",
                       .lines = {"show act_… shows one; list says what waits for you."}});
  co_return card_for(*record, caller.person).value;
}

doc::Value Teams::Impl::help(const Caller& caller, bool alone) const {
  Words out{.heading = "Keyturn",
            .lines = {"list: what waits for you", "show act_…: one action, with its buttons",
                      "link CODE: makes this Teams account yours in Keyturn; the code is on your "
                      "account page there",
                      "In a channel, what mentions me in the thread of a card becomes a comment."},
            .fields = {},
            .actions = {}};
  if (caller.person == nullptr) {
    out.lines.insert(out.lines.begin(),
                     "This Teams account is linked to nobody in Keyturn yet. Open your account "
                     "page, choose Teams, and send me the code.");
    out.actions.push_back(open_page("Open my account", ports.desk.public_url() + "/account"));
  } else if (alone) {
    out.fields.push_back(field("You are", caller.person->name + " (" + caller.person->id + ")"));
    out.fields.push_back(field(
        "Waits for you",
        std::to_string(ports.desk.gate().count_waiting_for(caller.person->id)) + " (write list)"));
    out.actions.push_back(open_page("Open my inbox", ports.desk.public_url() + "/"));
  }
  return card_of(std::move(out));
}

doc::Value Teams::Impl::what_waits(const Caller& caller) const {
  const auto waiting = ports.desk.gate().waiting_for(caller.person->id);
  Words out{.heading = waiting.empty() ? "Nothing waits for you" : "What waits for you",
            .lines = {},
            .fields = {},
            .actions = {}};
  for (std::size_t i = 0; i < std::min(waiting.size(), kListedMax); ++i) {
    const gate::ActionRecord& one = *waiting[i];
    out.fields.push_back(field(one.id.str(), one.tool + ", asked by " + one.requester.id +
                                                 ", until " + to_rfc3339(one.expires_at)));
  }
  if (waiting.size() > kListedMax)
    out.lines.push_back("The oldest " + std::to_string(kListedMax) + " of " +
                        std::to_string(waiting.size()) + ":");
  if (!waiting.empty()) out.lines.emplace_back("Write show and an id to see one with its buttons.");
  out.actions.push_back(open_page("Open my inbox", ports.desk.public_url() + "/"));
  return card_of(std::move(out));
}

doc::Value Teams::Impl::linking(const Caller& caller, std::string_view code) {
  const Result<Links::Attempt> attempt =
      ports.links.say({caller.account, "teams", caller.name}, code);
  if (!attempt)
    return card_of(
        {.heading = "That code does not work", .lines = {attempt.error().message + "."}});
  const people::Person* person = ports.desk.gate().world().directory.person(attempt->person);
  Words out{.heading = "Is that you?",
            .lines = {"This Teams account would act for this person in Keyturn. Say yes only when "
                      "you made the code yourself."},
            .fields = {field("Person", (person != nullptr ? person->name : "") + " (" +
                                           attempt->person + ")"),
                       field("Teams account", caller.name)},
            .actions = {}};
  const doc::Value data = doc::object({{"link", attempt->id}});
  out.actions.push_back(render::adaptive_execute("Yes, that is me", "link_yes", data));
  out.actions.push_back(render::adaptive_execute("No", "link_no", data));
  return card_of(std::move(out));
}

// Installed, removed, or people came and went.
Task<void> Teams::Impl::met(Activity activity) {
  const bool removed =
      activity.type == "installationUpdate"
          ? activity.action.starts_with("remove")
          : std::ranges::find(activity.removed, activity.bot) != activity.removed.end();
  if (removed) {
    if (activity.is_personal()) co_await contacts.forget(activity.object_id);
    co_return;
  }
  co_await contacts.meet(activity);
  const bool is_new = std::ranges::find(activity.added, activity.bot) != activity.added.end();
  if (!is_new || !activity.is_personal()) co_return;
  const Result<Caller> caller = co_await who(activity);
  if (!caller) co_return;
  const bool waits =
      caller->person != nullptr && ports.desk.gate().count_waiting_for(caller->person->id) > 0;
  co_await say(activity, waits ? what_waits(*caller) : help(*caller, true), "Keyturn is here");
}

}  // namespace keyturn::channels::teams
