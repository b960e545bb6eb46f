// What the files of triggers/ share.
#pragma once

#include <map>
#include <set>

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
  void tick_schedules();
  Task<void> record_schedules();  // which begin, and which are no longer there
  Task<void> look(std::shared_ptr<Clockwork> one);
  Task<bool> settle(std::shared_ptr<Clockwork> one, Time due);  // false: once more, in a moment
  Task<bool> miss(std::shared_ptr<Clockwork> one, Time due, std::string why);

  // ---- hooks.cpp
  void load_received(const std::vector<Event>& events);
  void tick_received();
  Task<std::vector<InForce>> of_sender(Delivery delivery);
  Task<Result<Secret>> secret_of(secrets::SecretReference reference);
  Result<void> admit(const std::string& hook);
  Task<std::vector<Told>> new_ones(std::string hook, std::vector<Told> told);
  Task<Result<std::size_t>> record_told(std::string hook, std::vector<InForce> wanted,
                                        std::vector<Told> told);
  EventDraft draft_of(const std::string& hook, const std::vector<InForce>& wanted,
                      const Told& told) const;
  void start_runs(std::shared_ptr<Received> one);
  Task<void> start_each(std::shared_ptr<Received> one);

  Ports ports;
  std::shared_ptr<const gate::Configuration> seen;
  std::map<std::string, std::shared_ptr<const runbook::Document>> documents;  // by digest
  std::vector<InForce> triggers;                                              // in force
  std::map<std::string, std::shared_ptr<Clockwork>> clockworks;               // by key
  std::map<std::string, Known> known;                                         // by key
  bool recording_schedules = false;
  std::map<std::string, std::shared_ptr<Received>> received;  // not settled, by stream
  struct Key {
    Secret secret;
    Time fetched;
  };
  std::map<std::string, Key> keys;  // by reference
  struct Bucket {
    double tokens = 0;
    Time at;
  };
  std::map<std::string, Bucket> buckets;  // by hook
};

// Nothing is wrong with what was asked for: once more, in a moment.
bool passes(const std::string& code);

}  // namespace keyturn::triggers
