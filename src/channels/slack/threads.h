// Which message shows which action, and which comments were first said in its thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "channels/channel.h"
#include "channels/ports.h"

namespace keyturn::channels::slack {

class Threads {
 public:
  explicit Threads(const Ports& ports) : ports_(ports) {}
  Task<Result<void>> load();

  // As Channel::on_kept() says it.
  void on_kept(const std::string& action, const std::string& place, const Kept* kept);
  // The action whose card is that message, "" when there is none.
  std::string action_of(std::string_view channel, std::string_view ts) const;

  // That a person is about to comment with a message of that thread. False: it has been taken
  // already (Slack tells of some things twice). Durable before it is back.
  Task<bool> take(std::string action, std::string person, std::string text, std::string channel,
                  std::string thread, std::string ts);
  // The comment was refused after all.
  Task<void> drop(std::string action, std::string ts, std::string channel);
  // It is one of the record now: which one is kept from then on, and nothing of what was said.
  Task<void> settle(const gate::ActionRecord& record, std::string person, std::string text,
                    std::string channel, std::string ts);
  // Whether that comment was said in this thread, where it need not be shown again. One message
  // stands for one comment.
  bool was_said(const gate::ActionRecord& record, std::size_t comment, std::string_view channel,
                std::string_view thread);

 private:
  struct Said {
    std::string print;                   // of who and what, until it is known which one that is
    std::string place;                   // channel and thread
    std::optional<std::size_t> comment;  // of the record
  };
  using SaidThere = std::map<std::string, Said>;  // by channel/ts
  Task<void> forget(std::string action);
  Task<void> write(std::string action, std::string message, Said said);
  std::string print_of(std::string_view person, std::string_view text) const;
  const Ports& ports_;
  std::map<std::string, std::string, std::less<>> action_;  // by channel/ts
  std::map<std::string, std::map<std::string, std::string>>
      cards_;                                           // action -> place -> channel/ts
  std::map<std::string, SaidThere, std::less<>> said_;  // action
};

}  // namespace keyturn::channels::slack
