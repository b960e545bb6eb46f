// Who somebody in Slack is to Keyturn, asked anew at every click. Where a click came from, or what
// channel its author is in, decides nothing.
#pragma once

#include <map>
#include <string>

#include "channels/desk.h"
#include "channels/ports.h"
#include "channels/slack/client.h"
#include "channels/slack/config.h"

namespace keyturn::channels::slack {

struct Visitor {
  Principal who;
  std::string person;
};

class Visitors {
 public:
  Visitors(const Ports& ports, const Settings& settings, Client& client)
      : ports_(ports), settings_(settings), client_(client) {}

  std::string account_of(std::string_view user) const {
    return "slack:" + settings_.team + "/" + std::string(user);
  }
  // The Slack user of a person, "" when none is linked.
  std::string user_of(const people::Person& person) const;

  // A full, active, confirmed member of this workspace, as Slack says now (its answers count for
  // three seconds). Gives the name that the account has there: never trusted. Codes:
  // other_workspace, guest, deactivated, a_bot, unconfirmed_email, slack_unreachable.
  Task<Result<std::string>> member(std::string user, std::string team);
  // The same, and linked to a person who is active. Code not_linked, too.
  Task<Result<Visitor>> admit(std::string user, std::string team);

 private:
  struct Known {
    Result<std::string> answer;
    Time until;
  };
  Task<Result<std::string>> ask(std::string user);
  const Ports& ports_;
  const Settings& settings_;
  Client& client_;
  std::map<std::string, Known> known_;
};

}  // namespace keyturn::channels::slack
