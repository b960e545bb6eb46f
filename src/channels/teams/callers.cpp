// Who somebody in Teams is, asked of Teams at every click and word.
#include "channels/teams/impl.h"

namespace keyturn::channels::teams {
namespace {

constexpr Duration kSeenFresh = std::chrono::seconds(5);
constexpr std::size_t kSeenMax = 5'000;

Result<void> counts(const Member& member, const Activity& activity, const Config& config) {
  if (guid_of(member.object_id).value_or("") != activity.object_id)
    return refuse("not_in_conversation", "Teams knows you under another account; try again");
  if (!member.tenant.empty() && guid_of(member.tenant).value_or("") != config.tenant)
    return refuse("wrong_tenant",
                  "your account is of another organisation: it does not count here");
  const bool is_guest = (member.role != "user" && member.role != "owner" && !member.role.empty()) ||
                        member.principal_name.contains("#EXT#");
  if (is_guest)
    return refuse("guest_account", "a guest account does not count here; use your own account");
  return {};
}

}  // namespace

Task<Result<Caller>> Teams::Impl::who(Activity activity) {
  const auto failed = [](Refusal why) { return std::unexpected(std::move(why)); };
  if (activity.object_id.empty() || activity.user.empty())
    co_return refuse("not_in_conversation", "Teams does not say who you are");
  const std::string account = account_of(activity.object_id);
  const std::string room = without_thread(activity.conversation);
  const std::string key = room + " " + activity.user;
  auto known = seen.find(key);
  if (known == seen.end() || ports.clock.now() - known->second.at >= kSeenFresh) {
    const Answered<Member> answer = co_await api.member(activity.service_url, room, activity.user);
    if (!answer) {
      seen.erase(key);
      if (answer.error().status == 404 || answer.error().status == 403) {
        co_await leave_trace(account, "not_in_conversation");
        co_return refuse("not_in_conversation", "Teams does not know you in this conversation");
      }
      co_return refuse("teams_unreachable",
                       "Teams does not say just now who you are, so nothing was done; try again, "
                       "or use the page: " +
                           ports.desk.public_url());
    }
    if (seen.size() >= kSeenMax) seen.clear();
    known = seen.insert_or_assign(key, Seen{ports.clock.now(), *answer}).first;
  }
  if (Result<void> ok = counts(known->second.member, activity, config); !ok) {
    co_await leave_trace(account, ok.error().code);
    co_return failed(ok.error());
  }
  co_await contacts.meet(activity);
  co_return Caller{account, activity.user_name, ports.desk.person_of(account)};
}

}  // namespace keyturn::channels::teams
