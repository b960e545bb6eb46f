// What the files of triggers/ share.
#pragma once

#include <map>
#include <set>

#include "base/token_bucket.h"
#include "gate/serial.h"
#include "runbook/document.h"
#include "triggers/triggers.h"
#include "zone/zone.h"

namespace keyturn::triggers {

inline constexpr Duration kTryAgain = std::chrono::seconds(1);
inline constexpr Duration kGiveUp = std::chrono::minutes(10);  // with what could not be asked for

// A trigger of a runbook in force.
struct InForce {
  std::shared_ptr<const runbook::Document> document;
  const runbook::Trigger* trigger = nullptr;  // of the document
};

// A schedule: what is recorded of it, and when it is looked at next.
struct Known {
  Time since;    // it is in force; what was due before is not its own
  Time settled;  // this time, and all before it, started something or never will
};
struct Clockwork {
  std::string key;  // RUNBOOK/PRINT
  InForce of;
  zone::Zone zone;
  std::optional<Time> next;  // absent: it was not looked at yet
  std::optional<Time> due;   // as it is told; worked out again when that has passed
  std::optional<Time> trying_since;
  bool busy = false;
};

// Something that was delivered, recorded, and is to start runs.
struct Received {
  std::string stream;
  doc::Value hook;  // {name, kind, delivery}
  doc::Array starts;
  Time at;
  std::optional<Time> again;
  bool busy = false;
};

struct Triggers::Impl {
  explicit Impl(Ports wanted) : ports(std::move(wanted)) {}

  Time now() const { return ports.gate.clock().now(); }
  void say(const std::string& line) const {
    if (ports.log) ports.log(line);
  }
  // Recorded; those of a stream that may be asked for again later.
  Task<Result<void>> append(std::vector<EventDraft> drafts, std::vector<store::Claim> claims = {});
  // The action that a trigger asks for. `claim` is taken by it; asked again, it is the same.
  struct Wish {
    std::string runbook, agent, channel, reason, claim;
    doc::Value inputs;
  };
  Task<Result<gate::RecordPtr>> ask(Wish wish);

  // ---- triggers.cpp
  void refresh();  // after the configuration changed
  const runbook::Document* document_of(const catalog::Tool& tool);

  // ---- schedules.cpp
  void add_schedule(const InForce& one, std::map<std::string, std::shared_ptr<Clockwork>>& into);
  void fold_schedule(const std::vector<Event>& events);
  std::optional<Time> due_next(
      const InForce& one);  // of a schedule; none: of no zone that is there
  void tick_schedules();
  Task<void> record_schedules();  // which begin, and which are no longer there
  Task<void> look(std::shared_ptr<Clockwork> one);
  Task<bool> settle(std::shared_ptr<Clockwork> one, Time due);  // false: once more, in a moment
  Task<bool> miss(std::shared_ptr<Clockwork> one, Time due, std::string why);

  // ---- hooks.cpp
  void load_received(const std::vector<Event>& events);
  void tick_received();
  Task<std::vector<InForce>> of_sender(Delivery delivery);
  Task<Result<Secret>> secret_of(InForce one);  // of a webhook
  Task<void> read_secrets();                    // so that what is wrong with one is told early
  // Whoever shows that they know one secret of a webhook. What they deliver is theirs: another
  // with a secret of its own takes none of it away.
  struct Sender {
    std::string hook, secret;  // the second: its reference
    auto operator<=>(const Sender&) const = default;
  };
  Result<void> admit(const Sender& sender);
  Task<std::vector<Told>> new_ones(Sender sender, std::vector<Told> told);
  // By those of `wanted`, all of this sender and of one kind.
  Task<Result<std::size_t>> record_told(Sender sender, std::vector<InForce> wanted,
                                        std::vector<Told> told);
  EventDraft draft_of(const Sender& sender, const std::vector<InForce>& wanted,
                      const Told& told) const;
  void start_runs(std::shared_ptr<Received> one);
  Task<void> start_each(std::shared_ptr<Received> one);

  Ports ports;
  std::shared_ptr<const gate::Configuration> seen;
  std::map<std::string, std::shared_ptr<const runbook::Document>> documents;   // by digest
  std::vector<InForce> triggers;                                               // in force
  std::map<std::string, std::shared_ptr<Clockwork>> clockworks;                // by key
  std::map<const runbook::Trigger*, std::shared_ptr<Clockwork>> clockwork_of;  // of a schedule
  std::map<std::string, Known> known;                                          // by key
  bool recording_schedules = false;
  std::map<std::string, std::shared_ptr<Received>> received;  // not settled, by stream
  struct Key {
    Result<Secret> secret;
    Time fetched;
    std::size_t refused = 0;  // deliveries since then, when there is none
  };
  std::map<std::string, Key> keys;  // by reference
  gate::Serial reading;             // one reads a secret, the others wait for it; by reference
  std::map<Sender, TokenBucket> buckets;
};

// Nothing is wrong with what was asked for: once more, in a moment.
bool passes(const std::string& code);

}  // namespace keyturn::triggers
