// What the parts of this channel share. It outlives every coroutine of theirs: each holds it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "channels/ports.h"
#include "channels/slack/client.h"
#include "channels/slack/config.h"
#include "channels/slack/pace.h"
#include "channels/slack/threads.h"
#include "channels/slack/visitors.h"
#include "gate/serial.h"

namespace keyturn::channels::slack {

// The last of what came, to know it when it comes again.
class Seen {
 public:
  // False: it was here before. "" is always new.
  bool first(const std::string& key);
  void forget(const std::string& key) { known_.erase(key); }

 private:
  std::set<std::string> known_;
  std::deque<std::string> order_;
};

// Who was told lately why what they write does not count.
class Reminded {
 public:
  // False: a few minutes ago.
  bool first(const std::string& user, Time now);

 private:
  std::map<std::string, Time> until_;
};

struct Office {
  Office(const Ports& p, Settings s)
      : ports(p),
        settings(std::move(s)),
        bot_token(settings.bot(), ports.secret, ports.clock),
        client(ports.fetch, ports.clock, settings.api, settings.ca_file),
        visitors(ports, settings, client),
        threads(ports) {
    client.use(bot_token);
  }
  Office(const Office&) = delete;
  Office& operator=(const Office&) = delete;

  const Ports ports;
  const Settings settings;
  KeptSecret bot_token;
  Client client;
  Visitors visitors;
  Threads threads;
  Pace pace;
  Seen seen;
  Reminded strangers;
  gate::Serial threads_in_order;       // what is said in one thread, one after the other
  bool verified = false;               // the bot's token is of the configured workspace:
  std::uint64_t verified_version = 0;  // this one of it
  bool stopping = false;

  Time now() const { return ports.clock.now(); }
};
using OfficePtr = std::shared_ptr<Office>;

// Runs a task on the loop; what it throws is logged, and ends nothing else.
void start(const OfficePtr& office, Task<void> task);

// Whether the bot's token is good, and of the configured workspace; asked until it is known.
Task<std::expected<void, Failure>> verify(OfficePtr office);

}  // namespace keyturn::channels::slack
