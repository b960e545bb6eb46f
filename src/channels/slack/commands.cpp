// /keyturn
#include <algorithm>

#include "base/task_impl.h"
#include "channels/slack/front.h"
#include "channels/slack/words.h"
#include "render/runs.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::size_t kListed = 20;

doc::Value list_of(const Office& office, const Visitor& visitor) {
  Desk& desk = office.ports.desk;
  const people::Person* person = desk.gate().world().directory.person(visitor.person);
  const std::vector<const gate::ActionRecord*> waiting = desk.gate().waiting_for(visitor.person);
  if (waiting.empty()) return words_of("Nothing waits for you.");
  render::RichText text;
  for (std::size_t i = 0; i < std::min(waiting.size(), kListed); ++i) {
    const render::Card card = desk.card_of(kName, *waiting[i], person);
    text.line().link(card.page, card.action).own(" ");
    say_what(text, card);
  }
  if (waiting.size() > kListed)
    text.line()
        .own(std::to_string(waiting.size() - kListed) + " more: ")
        .link(desk.public_url() + "/", "your inbox");
  return message_of(text, "What waits for you");
}

Task<doc::Value> show(OfficePtr office, Visitor visitor, std::string id) {
  Desk& desk = office->ports.desk;
  const gate::RecordPtr record = co_await desk.gate().find(visitor.who, ActionId(id));
  if (!record) co_return words_of("There is no such action, or it is not for you.");
  const people::Person* person = desk.gate().world().directory.person(visitor.person);
  co_return render::block_kit(desk.card_of(kName, *record, person)).value;
}

Task<doc::Value> link(OfficePtr office, std::string user, std::string team, std::string code) {
  if (code.empty())
    co_return words_of("Make a code on your account page (" + office->ports.desk.public_url() +
                       "/account), and say it here: /keyturn link CODE");
  const Result<std::string> name = co_await office->visitors.member(user, team);
  if (!name) {
    co_await office->ports.desk.refused(kName, office->visitors.account_of(user),
                                        name.error().code);
    co_return words_of(name.error().message + ".");
  }
  const ChatAccount account{office->visitors.account_of(user), std::string(kName), *name};
  const Result<Links::Attempt> attempt = office->ports.links.say(account, code);
  if (!attempt) co_return words_of(attempt.error().message + ".");
  const people::Person* person =
      office->ports.desk.gate().world().directory.person(attempt->person);
  co_return link_question(*attempt, person == nullptr ? std::string() : person->name);
}

}  // namespace

Task<doc::Value> answer_command(FrontPtr front, doc::Value fields) {
  const OfficePtr office = front->office;
  const std::string text(fields.text("text"));
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t end = std::min(text.find_first_of(" \t", begin), text.size());
  const std::string word = text.substr(begin, end - begin);
  std::string rest = text.substr(std::min(text.find_first_not_of(" \t", end), text.size()));
  rest.erase(rest.find_last_not_of(" \t") + 1);
  const std::string user(fields.text("user_id")), team(fields.text("team_id"));
  if (word == "link") co_return co_await link(office, user, team, rest);
  if (word == "unlink")
    co_return words_of("Unlink this Slack account on your account page in Keyturn: " +
                       office->ports.desk.public_url() + "/account");
  if (word != "list" && word != "show") co_return help();
  const Result<Visitor> visitor = co_await office->visitors.admit(user, team);
  if (!visitor) co_return words_of(visitor.error().message + ".");
  if (word == "list") co_return list_of(*office, *visitor);
  co_return co_await show(office, *visitor, rest);
}

}  // namespace keyturn::channels::slack
