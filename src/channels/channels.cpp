#include "channels/channels.h"

#include "base/task_impl.h"

namespace keyturn::channels {

Task<net::HttpResponse> Channel::answer(net::HttpRequest) {
  co_return net::problem_response(404, "not_found", "there is nothing here");
}

Channels::Channels(Wiring wiring, const std::vector<Configured>& wanted)
    : desk_(wiring.gate, wiring.public_url, wiring.fingerprint_key),
      links_(wiring.gate, [this](std::string_view account) { return desk_.vouched_for(account); }) {
  const Ports ports{.desk = desk_,
                    .links = links_,
                    .keep = wiring.keep,
                    .loop = wiring.loop,
                    .clock = wiring.clock,
                    .random = wiring.random,
                    .fetch = wiring.fetch,
                    .secret = wiring.secret,
                    .log = wiring.log};
  for (const Configured& one : wanted) {
    channels_.push_back(one.make(ports));
    couriers_.push_back(std::make_unique<Courier>(wiring.gate, wiring.loop, wiring.keep,
                                                  *channels_.back(), wiring.log));
  }
}

Channels::~Channels() {
  stop();
}

Task<Result<void>> Channels::start() {
  for (const auto& courier : couriers_) {
    Result<void> started = co_await courier->start();
    if (!started)
      co_return refuse(started.error().code, "channels: " + std::string(courier->channel().name()) +
                                                 ": " + started.error().message);
  }
  co_return Result<void>{};
}

void Channels::stop() {
  for (const auto& courier : couriers_) courier->stop();
}

Task<net::HttpResponse> Channels::answer(std::string kind, net::HttpRequest request) {
  for (const auto& channel : channels_) {
    if (channel->kind() == kind) co_return co_await channel->answer(std::move(request));
  }
  co_return net::problem_response(404, "not_found", "no channel \"" + kind + "\" is configured");
}

bool Channels::has(std::string_view kind) const {
  for (const auto& channel : channels_) {
    if (channel->kind() == kind) return true;
  }
  return false;
}

std::vector<CourierState> Channels::states() const {
  std::vector<CourierState> out;
  for (const auto& courier : couriers_) out.push_back(courier->state());
  return out;
}

std::optional<std::size_t> Channels::retry(std::string_view name, const std::string& action) {
  for (const auto& courier : couriers_) {
    if (courier->channel().name() == name) return courier->retry(action);
  }
  return std::nullopt;
}

}  // namespace keyturn::channels
