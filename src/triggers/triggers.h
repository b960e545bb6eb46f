// What starts runbooks without anybody asking: schedules, and webhooks of others. Each asks for the
// run as the agent would that the trigger names: policy decides, people are asked, and the agent's
// owner never approves it. A trigger starts nothing that this agent may not.
//
// Exactly once. A schedule's time, and each thing that a delivery tells, is a claim of the action
// that it starts ("trigger/…"), taken in the commit that records the request. What was delivered is
// recorded, with what it will start, before the sender is answered; so it is started after a crash.
//
// What lasts: schedule/RUNBOOK/PRINT schedule.began {"schedule": {runbook, schedule, time_zone}}
// when it is first in force, schedule.missed {…, "due", "why"} for a time that started nothing,
// schedule.ended when it no longer is; hook/NAME/PRINT hook.received {"hook": {name, kind,
// delivery}}, then hook.settled {"hook": …, "started": [{runbook, action}], "refused": [{runbook,
// code}]}; or hook.ignored where no runbook wanted it.
//
// Threads: the I/O thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "gate/gate.h"
#include "secrets/reference.h"
#include "triggers/delivery.h"

namespace keyturn::triggers {

struct Ports {
  gate::Gate& gate;
  // What stands behind a reference (secrets::resolve), without blocking the I/O thread.
  std::function<Task<Result<Secret>>(secrets::SecretReference)> fetch;
  std::function<void(Task<void>)> spawn;
  std::function<void(std::string_view line)> log;  // may be empty
};

// A trigger as it stands.
struct State {
  std::string runbook, agent;
  std::string schedule, time_zone;  // of a schedule
  std::optional<Time> next;         // when it is due
  std::string hook, kind;           // of a webhook
};

// A time that was due no longer ago than this is on time; what is later was missed.
inline constexpr Duration kOnTime = std::chrono::minutes(5);
// Of one webhook's deliveries by one secret, with a burst of ten seconds' worth; 429 rate_limited.
inline constexpr double kDeliveriesPerSecond = 20;

class Triggers {
 public:
  explicit Triggers(Ports ports);
  ~Triggers();

  void load();   // after gate.load()
  void start();  // starts what was delivered before a crash. Before serving
  // What is due, and what was delivered and could not be started yet. Call it at least every
  // 250 ms.
  void tick();

  // How many things it tells that are new. Recorded by then, and about to start what they start.
  // Codes: bad_delivery (nobody who knows the secret sent it, or there is no such hook: not told
  // apart), rate_limited, overloaded, and those of told_by().
  Task<Result<std::size_t>> received(Delivery delivery);

  std::vector<State> states_of(std::string_view runbook) const;  // in the order of its document

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::triggers
