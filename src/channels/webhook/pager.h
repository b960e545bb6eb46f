// PagerDuty and Opsgenie: people are called when a review is escalated (or at once, where that is
// configured), and left alone when somebody votes or it is over. Nothing is decided there.
#pragma once

#include <vector>

#include "channels/channel.h"
#include "channels/ports.h"
#include "channels/webhook/receiver.h"
#include "channels/webhook/settings.h"

namespace keyturn::channels::webhook {

class Pager final : public Channel {
 public:
  Pager(Settings settings, const Ports& ports)
      : settings_(std::move(settings)), ports_(ports), receiver_(settings_, ports_) {}

  std::string_view name() const override { return settings_.name; }
  std::string_view kind() const override { return "pager"; }
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

}  // namespace keyturn::channels::webhook
