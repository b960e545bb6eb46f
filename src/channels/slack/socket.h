// Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode): what comes in arrives over a
// WebSocket that Keyturn opens, so it needs no public address. One connection, and a second one
// while Slack replaces the first.
#pragma once

#include <memory>
#include <optional>

#include "channels/kept_secret.h"
#include "channels/slack/front.h"

namespace keyturn::channels::slack {

class Socket {
 public:
  Socket(FrontPtr front, NeededSecret app_token);
  ~Socket();
  void start();
  void stop();
  std::optional<Refusal> trouble() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::channels::slack
