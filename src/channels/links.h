// Linking a chat account to a person, with proof on both sides: the person, signed in to Keyturn,
// is given a code; the chat account says it to Keyturn in the chat and agrees to become that
// person; the person, signed in, sees which account that was and agrees to it. Neither side can do
// it alone, and nobody becomes linked by opening a page or by a mail address.
//
// Links last as identity.account_linked events; what is under way lives in memory, minutes.
// Threads: the I/O thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "gate/gate.h"

namespace keyturn::channels {

// An account of a chat, as the chat itself vouched for it.
struct ChatAccount {
  std::string id;       // "slack:T0123/U0456": what votes name
  std::string channel;  // "slack", "teams"
  std::string name;     // as it is called there: to be shown, never trusted
};

class Links {
 public:
  // Whose account that is as somebody else vouches for it already (entra.h), active or not; null:
  // nobody says.
  using Vouched = std::function<const people::Person*(std::string_view account)>;
  explicit Links(gate::Gate& gate, Vouched vouched = {})
      : gate_(gate), vouched_(std::move(vouched)) {}

  struct Attempt {
    std::string id;  // lnk_…
    std::string person, channel;
    std::string code;  // "7Q3K-9MWP": to be said in the chat; until somebody did
    Time expires_at;
    std::optional<ChatAccount> account;  // once it was said
    bool agreed = false;                 // by that account
  };

  // ---- the person's side. `who` is signed in (Assurance::kSession); `session`: of it.
  // A new code; the one before of that person and channel is void. Codes: inactive,
  // assurance_too_low, too_many_links.
  Result<Attempt> begin(const Principal& who, std::string channel);
  std::vector<Attempt> under_way(const std::string& person);
  // Codes: not_found, link_not_ready (that account has not agreed), account_taken, conflict.
  Task<Result<void>> confirm(Principal who, std::string id);
  Result<void> drop(const Principal& who, std::string id);
  // One's own, or as an administrator anybody's. Code not_found.
  Task<Result<void>> unlink(Principal who, std::string person, std::string account);

  // ---- the chat's side
  // Whose code it is: to be shown to that account before it agrees. Codes: unknown_code (also when
  // it was tried too often), account_taken.
  Result<Attempt> say(ChatAccount account, std::string_view code);
  // That account agrees, or not. Code: unknown_code.
  Result<Attempt> agree(std::string_view account, std::string_view id, bool yes);

 private:
  void forget_old();
  Result<void> can_link(const std::string& person, const std::string& account) const;
  bool tries_too_often(const std::string& account);
  gate::Gate& gate_;
  Vouched vouched_;
  std::map<std::string, Attempt> attempts_;  // by id
  struct Tries {
    int count = 0;
    Time since;
  };
  std::map<std::string, Tries> tries_;  // by chat account
};

// The chat accounts of a person: "slack:T0123/U0456".
std::vector<std::string> chat_accounts_of(const people::Person& person);
// That of one chat, "slack" or "teams"; "" when there is none.
std::string chat_account_of(const people::Person& person, std::string_view channel);

}  // namespace keyturn::channels
