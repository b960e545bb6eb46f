// Microsoft Teams: cards to people and channels, and what they answer. A bot over the REST protocol
// of Bot Framework, without an SDK.
//
//   incoming.h  is this request from Teams?          api.h       what the bot asks of Teams
//   activity.h  what does it say?                    contacts.h  whom the bot has met
//   clicks.cpp  buttons of cards                     tell.cpp    cards to people and rooms
//   talk.cpp    words to the bot                     cards.h     how it looks (render/ does the
//   case)
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channels/channel.h"
#include "channels/config.h"
#include "channels/ports.h"
#include "channels/teams/config.h"

namespace keyturn::channels::teams {

class Teams final : public Channel {
 public:
  Teams(Config config, const Ports& ports);
  ~Teams() override;

  std::string_view name() const override { return "teams"; }
  std::string_view kind() const override { return "teams"; }
  Task<Result<void>> start() override;
  std::optional<Refusal> trouble() const override;
  std::uint64_t reach() const override;
  std::vector<Errand> due(const Matter& matter, const KeptPlaces& kept) override;
  Task<Carried> carry(Matter matter, Errand errand, doc::Value memo) override;
  // POST /teams/messages.
  Task<net::HttpResponse> answer(net::HttpRequest request) override;
  void on_kept(const std::string& action, const std::string& place, const Kept* kept) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A row of channels/config.cpp.
std::vector<Configured> read_teams(const doc::Value& value, const std::string& pointer,
                                   doc::Problems& problems);

}  // namespace keyturn::channels::teams
