#include "channels/links.h"

#include <algorithm>
#include <cctype>

#include "base/id.h"
#include "base/task_impl.h"
#include "channels/code.h"
#include "people/directory.h"

namespace keyturn::channels {
namespace {

constexpr Duration kLife = std::chrono::minutes(10);
constexpr std::size_t kAttemptsMax = 10'000;
constexpr int kTriesMax = 5;  // of an account, within kLife

std::unexpected<Refusal> unknown_code() {
  return refuse("unknown_code",
                "that code is not known, or too old, or it was tried too often: make a new one on "
                "your account page in Keyturn");
}

// Accounts at identity providers hold a keyed hash instead, and so no slash.
bool is_chat_account(std::string_view account) {
  return (account.starts_with("slack:") || account.starts_with("teams:")) &&
         account.find('/') != std::string_view::npos;
}

}  // namespace

void Links::forget_old() {
  const Time now = gate_.clock().now();
  std::erase_if(attempts_, [&](const auto& item) { return item.second.expires_at <= now; });
  std::erase_if(tries_, [&](const auto& item) { return item.second.since + kLife <= now; });
}

bool Links::tries_too_often(const std::string& account) {
  Tries& tries = tries_[account];
  if (tries.count == 0) tries.since = gate_.clock().now();
  return ++tries.count > kTriesMax;
}

Result<Links::Attempt> Links::begin(const Principal& who, std::string channel) {
  forget_old();
  const people::Person* person = gate_.world().directory.person(who.id);
  if (person == nullptr || !person->active || !person->service_of.empty())
    return refuse("inactive", "only a person who is active can link an account");
  if (who.assurance < Assurance::kSession)
    return refuse("assurance_too_low", "an account is linked in a signed-in browser");
  std::erase_if(attempts_, [&](const auto& item) {
    return item.second.person == who.id && item.second.channel == channel;
  });
  if (attempts_.size() >= kAttemptsMax)
    return refuse("too_many_links",
                  "too many people link accounts just now; try again in a moment");
  Attempt attempt;
  const Time now = gate_.clock().now();
  attempt.id = make_sortable_id("lnk_", unix_ms(now), gate_.random());
  attempt.person = who.id;
  attempt.channel = std::move(channel);
  attempt.code = make_code(gate_.random());
  attempt.expires_at = now + kLife;
  attempts_[attempt.id] = attempt;
  return attempt;
}

std::vector<Links::Attempt> Links::under_way(const std::string& person) {
  forget_old();
  std::vector<Attempt> out;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.person == person) out.push_back(attempt);
  }
  return out;
}

Task<Result<void>> Links::confirm(Principal who, std::string id) {
  forget_old();
  const auto found = attempts_.find(id);
  if (found == attempts_.end() || found->second.person != who.id)
    co_return refuse("not_found", "there is no such link under way; begin again");
  if (who.assurance < Assurance::kSession)
    co_return refuse("assurance_too_low", "an account is linked in a signed-in browser");
  const Attempt attempt = found->second;
  if (!attempt.account || !attempt.agreed)
    co_return refuse("link_not_ready",
                     "that account has not agreed yet: answer Keyturn in the chat");
  const people::Directory& directory = gate_.world().directory;
  const people::Person* person = directory.person(who.id);
  if (person == nullptr || !person->active)
    co_return refuse("inactive", "only a person who is active can link an account");
  const std::string& account = attempt.account->id;
  if (Result<void> ok = can_link(who.id, account); !ok) co_return std::unexpected(ok.error());
  attempts_.erase(found);
  if (person->accounts.contains(account)) co_return Result<void>{};
  std::vector<EventDraft> events;
  // One account of a chat at a time: the new one takes the place of the old.
  if (const std::string old = chat_account_of(*person, attempt.channel); !old.empty())
    events.push_back(people::account_unlinked(who.id, old, who.id));
  events.push_back(people::account_linked(who.id, account, who.id));
  const std::string stream = "person/" + who.id;
  std::vector<store::Expect> expects{{stream, gate_.seen(stream)}};
  Result<std::vector<Event>> recorded =
      co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return Result<void>{};
}

Result<void> Links::drop(const Principal& who, std::string id) {
  const auto found = attempts_.find(id);
  if (found == attempts_.end() || found->second.person != who.id)
    return refuse("not_found", "there is no such link under way");
  attempts_.erase(found);
  return {};
}

Task<Result<void>> Links::unlink(Principal who, std::string person, std::string account) {
  const people::Person* me = gate_.world().directory.person(who.id);
  const people::Person* of = gate_.world().directory.person(person);
  const bool may = me != nullptr && me->active && (me->id == person || me->admin);
  if (!may || of == nullptr || !is_chat_account(account) || !of->accounts.contains(account))
    co_return refuse("not_found", "there is no such account, or it is not yours");
  std::vector<EventDraft> events{people::account_unlinked(person, account, who.id)};
  Result<std::vector<Event>> recorded = co_await gate_.record(std::move(events), {});
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return Result<void>{};
}

// An account that is somebody else's by another way is not linked: it would be two people.
Result<void> Links::can_link(const std::string& person, const std::string& account) const {
  const people::Directory& directory = gate_.world().directory;
  const people::Person* vouched = vouched_ ? vouched_(account) : nullptr;
  if (vouched != nullptr && !directory.same_human(vouched->id, person))
    return refuse("account_taken", "that account belongs to somebody else here");
  return people::can_link_account(directory, person, account);
}

Result<Links::Attempt> Links::say(ChatAccount account, std::string_view code) {
  forget_old();
  if (tries_too_often(account.id)) return unknown_code();
  const std::string said = folded_code(code);
  for (auto& [id, attempt] : attempts_) {
    if (attempt.channel != account.channel || attempt.account) continue;
    if (folded_code(attempt.code) != said) continue;
    if (Result<void> ok = can_link(attempt.person, account.id); !ok)
      return std::unexpected(ok.error());
    attempt.account = std::move(account);
    return attempt;
  }
  return unknown_code();
}

Result<Links::Attempt> Links::agree(std::string_view account, std::string_view id, bool yes) {
  forget_old();
  const auto found = attempts_.find(std::string(id));
  if (found == attempts_.end() || !found->second.account || found->second.account->id != account)
    return unknown_code();
  Attempt attempt = found->second;
  if (!yes) {
    attempts_.erase(found);
    return attempt;
  }
  found->second.agreed = attempt.agreed = true;
  return attempt;
}

std::vector<std::string> chat_accounts_of(const people::Person& person) {
  std::vector<std::string> out;
  for (const std::string& account : person.accounts) {
    if (is_chat_account(account)) out.push_back(account);
  }
  return out;
}

std::string chat_account_of(const people::Person& person, std::string_view channel) {
  for (const std::string& account : chat_accounts_of(person)) {
    if (account.starts_with(std::string(channel) + ":")) return account;
  }
  return "";
}

}  // namespace keyturn::channels
