// What the files of oncall/ share.
#pragma once

#include <set>

#include "gate/serial.h"
#include "oncall/oncall.h"
#include "people/directory.h"

namespace keyturn::oncall {

using OnCallPeople = std::map<std::string, Time, std::less<>>;  // person id -> end of the shift

// What is known of one schedule.
struct Source {
  // Recorded: of a webhook.
  Schedule told;
  std::optional<Time> told_at;
  Time sent;  // the newest message
  // Recorded: of a file. The digest of the text that was last taken or refused, and which it was.
  std::string digest;
  bool refused = false;

  // Of this process.
  std::optional<Schedule> file;  // in force; none: broken, or not read yet
  std::string path, seen;        // as it was last found, and read: the text, or why there is none
  bool taken = false;            // `seen` is
  std::vector<std::string> problems;
};

struct OnCall::Impl {
  explicit Impl(Ports wanted) : ports(std::move(wanted)) {}

  const gate::World& world() const { return ports.gate.world(); }
  const people::Directory& directory() const { return world().directory; }
  const trust::Document& document() const { return *world().configuration->identity; }
  Time now() const { return ports.gate.clock().now(); }
  // As configured; null when it is not (any more).
  const trust::OnCallSchedule* configured(std::string_view name) const;
  const Source& known(std::string_view name) const;
  void say(const std::string& line) const {
    if (ports.log) ports.log(line);
  }

  // ---- oncall.cpp
  void fold(const Event& event);
  // Who is to be on call; nullopt: nobody knows better than what is recorded.
  std::optional<OnCallPeople> wanted(const trust::OnCallSchedule& one, const Source& source,
                                     Time at, std::set<std::string>* unknown = nullptr) const;
  bool is_stale(const trust::OnCallSchedule& one, const Source& source, Time at) const;
  std::optional<Time> next_change(const trust::OnCallSchedule& one, const Source& source,
                                  Time at) const;
  std::vector<EventDraft> due(Time at) const;
  void plan_next_look();
  void say_unknown();
  Task<void> reconcile();
  Task<void> run_reconcile();
  State state_of(const trust::OnCallSchedule& one) const;

  // ---- files.cpp
  void look(bool at_once);
  void take(const trust::OnCallSchedule& one, Source& source, const Result<std::string>& text);
  Task<void> record_files();

  // ---- told.cpp
  Task<Result<Secret>> secret_of(trust::OnCallSchedule one);
  Task<Result<void>> check_secrets();
  Result<std::vector<Shift>> shifts_in(const std::string& body) const;
  Task<Result<State>> told(std::string name, Message message);

  Ports ports;
  std::map<std::string, Source, std::less<>> sources;
  gate::Serial serial;
  struct Key {
    std::string reference;  // as text: another one is fetched anew
    Secret key;
    Time fetched;
  };
  std::map<std::string, Key> keys;
  std::optional<Time> look_at;  // when something is to begin or end
  bool dirty = false;           // people or identity.yaml have changed
  bool under_way = false;
  bool started = false;
  std::vector<EventDraft> about_files;      // to be recorded
  std::map<std::string, std::string> said;  // schedule -> unknown names, as last logged
};

// "oncall:primary"
std::string source_of(std::string_view schedule);

}  // namespace keyturn::oncall
