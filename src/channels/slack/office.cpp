#include "channels/slack/office.h"

#include <exception>

#include "base/task_impl.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::size_t kSeenMax = 10'000, kRemindedMax = 10'000;
constexpr Duration kRemindedFor = std::chrono::minutes(5);

Task<void> guarded(OfficePtr office, Task<void> task) {
  try {
    co_await std::move(task);
  } catch (const std::exception& error) {
    office->ports.log(std::string("slack: ") + error.what());
  }
}

}  // namespace

bool Seen::first(const std::string& key) {
  if (key.empty()) return true;
  if (!known_.insert(key).second) return false;
  order_.push_back(key);
  if (order_.size() > kSeenMax) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return true;
}

bool Reminded::first(const std::string& user, Time now) {
  std::erase_if(until_, [&](const auto& one) { return one.second <= now; });
  if (until_.size() >= kRemindedMax) return false;
  return until_.emplace(user, now + kRemindedFor).second;
}

void start(const OfficePtr& office, Task<void> task) {
  office->ports.loop.spawn(guarded(office, std::move(task)));
}

Task<std::expected<void, Failure>> verify(OfficePtr office) {
  if (office->verified && office->verified_version == office->bot_token.version())
    co_return std::expected<void, Failure>{};
  const Answer answer = co_await office->client.call("auth.test", {});
  const std::uint64_t version = office->bot_token.version();
  if (!answer) co_return std::unexpected(answer.error());
  const std::string team(answer->text("team_id"));
  if (team != office->settings.team) {
    office->bot_token.doubt();
    const std::string words = "the bot token is of another workspace (" +
                              (is_slack_id(team) ? team : std::string("no id")) + ") than team (" +
                              office->settings.team + "): correct team or bot_token";
    office->client.shut({"other_workspace", words, ""});
    co_return std::unexpected(
        Failure{"other_workspace", {Undelivered::Kind::kUnreachable, words, {}}, true});
  }
  office->client.open();
  office->verified = true;
  office->verified_version = version;
  co_return std::expected<void, Failure>{};
}

}  // namespace keyturn::channels::slack
