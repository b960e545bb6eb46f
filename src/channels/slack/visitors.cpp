#include "channels/slack/visitors.h"

#include <algorithm>

#include "base/task_impl.h"

namespace keyturn::channels::slack {
namespace {

constexpr Duration kCountsFor = std::chrono::seconds(3);
constexpr Duration kAskTimeout = std::chrono::milliseconds(2500);
constexpr std::size_t kKnownMax = 1000;

bool is_of(const doc::Value& user, const std::string& team) {
  if (user.text("team_id") == team) return true;
  const doc::Value* teams = user.find_path({"enterprise_user", "teams"});
  return teams != nullptr && teams->is_array() &&
         std::ranges::any_of(teams->as_array(), [&](const doc::Value& one) {
           return one.is_string() && one.as_string() == team;
         });
}

Result<std::string> judge(const doc::Value& user, const std::string& team) {
  if (user.flag("deleted"))
    return refuse("deactivated", "this Slack account is deactivated, so it does not count");
  if (user.flag("is_bot") || user.flag("is_workflow_bot"))
    return refuse("a_bot", "this Slack account is a bot, so it does not count");
  if (user.flag("is_restricted") || user.flag("is_ultra_restricted"))
    return refuse("guest", "a guest's account does not count; your page in Keyturn works");
  if (user.flag("is_stranger") || !is_of(user, team))
    return refuse("other_workspace",
                  "an account of another workspace does not count; your page in Keyturn works");
  const doc::Value* confirmed = user.find("is_email_confirmed");
  if (confirmed != nullptr && !user.flag("is_email_confirmed"))
    return refuse("unconfirmed_email",
                  "this Slack account's address is not confirmed, so it does not count");
  const std::string_view name = user.text("real_name");
  return std::string(name.empty() ? user.text("name") : name);
}

}  // namespace

std::string Visitors::user_of(const people::Person& person) const {
  const std::string begin = account_of("");
  for (const std::string& account : person.accounts) {
    if (account.starts_with(begin) && is_slack_id(account.substr(begin.size())))
      return account.substr(begin.size());
  }
  return "";
}

Task<Result<std::string>> Visitors::ask(std::string user) {
  const Answer answer = co_await client_.call("users.info", {{"user", user}}, kAskTimeout);
  if (!answer) {
    if (answer.error().word == "user_not_found")
      co_return refuse("deactivated", "Slack does not know this account any more");
    co_return refuse("slack_unreachable",
                     "Slack does not say just now whether this account still counts, so nothing "
                     "was done. Try again, or use your page in Keyturn");
  }
  const doc::Value* found = answer->find("user");
  if (found == nullptr || found->text("id") != user)
    co_return refuse("slack_unreachable", "Slack's answer about this account makes no sense");
  co_return judge(*found, settings_.team);
}

Task<Result<std::string>> Visitors::member(std::string user, std::string team) {
  if (!is_slack_id(user) || team != settings_.team)
    co_return refuse("other_workspace",
                     "an account of another workspace does not count; your page in Keyturn works");
  const Time now = ports_.clock.now();
  std::erase_if(known_, [&](const auto& one) { return one.second.until <= now; });
  if (const auto found = known_.find(user); found != known_.end()) co_return found->second.answer;
  Result<std::string> answer = co_await ask(user);
  const bool is_said = answer || answer.error().code != "slack_unreachable";
  if (is_said && known_.size() < kKnownMax)
    known_.insert_or_assign(user, Known{answer, ports_.clock.now() + kCountsFor});
  co_return answer;
}

Task<Result<Visitor>> Visitors::admit(std::string user, std::string team) {
  const std::string account = account_of(user);
  const bool is_ours = team == settings_.team;
  if (is_ours && ports_.desk.person_of(account) == nullptr)
    co_return refuse("not_linked",
                     "this Slack account is linked to nobody in Keyturn. Make a code on your "
                     "account page (" +
                         ports_.desk.public_url() +
                         "/account), and say it here: /keyturn link CODE");
  Result<std::string> known = co_await member(user, team);
  if (!known) {
    co_await ports_.desk.refused(kName, is_ours ? account : "", known.error().code);
    co_return std::unexpected(known.error());
  }
  // Slack took its time: whoever was linked may not be any more.
  const people::Person* person = ports_.desk.person_of(account);
  if (person == nullptr)
    co_return refuse("not_linked", "this Slack account is not linked any more");
  co_return Visitor{ports_.desk.principal_of(*person, kName, account), person->id};
}

}  // namespace keyturn::channels::slack
