// How fast comments may come in one conversation, so that cards and decisions are not kept waiting
// by whoever talks much. I/O thread only.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/time.h"

namespace keyturn::channels::slack {

class Pace {
 public:
  // A message of comments is about to go there. Else how long it has to wait: for a card that
  // waits for its turn there, or because a few went there just now.
  std::optional<Duration> take(const std::string& conversation, Time now);
  // It did not go after all.
  void give_back(const std::string& conversation);

  // Slack lets a card wait until then; and it went.
  void card_waits(const std::string& conversation, Time until, Time now);
  void card_went(const std::string& conversation);

 private:
  struct Place {
    Time used_up;     // when what went would have gone, were it one message each time kBetween
    Time card_until;  // a card goes first until then
  };
  std::map<std::string, Place> places_;
};

}  // namespace keyturn::channels::slack
