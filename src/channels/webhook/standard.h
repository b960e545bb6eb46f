// A webhook as standardwebhooks.com describes it: each change of an action that waited for people,
// signed. What changed meanwhile comes as one message with the newest state, which says so.
#pragma once

#include <string>
#include <vector>

#include "channels/channel.h"
#include "channels/ports.h"
#include "channels/webhook/receiver.h"
#include "channels/webhook/settings.h"

namespace keyturn::channels::webhook {

class Standard final : public Channel {
 public:
  Standard(Settings settings, const Ports& ports)
      : settings_(std::move(settings)), ports_(ports), receiver_(settings_, ports_) {}

  std::string_view name() const override { return settings_.name; }
  std::string_view kind() const override { return "webhook"; }
  Task<Result<void>> start() override;
  void stop() override { receiver_.stop(); }
  std::optional<Refusal> trouble() const override { return receiver_.trouble(); }
  std::vector<Errand> due(const Matter& matter, const KeptPlaces& kept) override;
  Task<Carried> carry(Matter matter, Errand errand, doc::Value memo) override;

 private:
  const Settings settings_;
  const Ports ports_;
  Receiver receiver_;
};

// The request that brings this to that URL. `at`: when it is sent.
net::ClientRequest signed_request(const std::string& url, const Secret& key, const std::string& id,
                                  Time at, const doc::Value& message);

}  // namespace keyturn::channels::webhook
