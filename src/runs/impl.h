// Internal to runs/.
#pragma once

#include "base/task_impl.h"
#include "catalog/schema.h"
#include "gate/serial.h"
#include "runbook/foreseen.h"
#include "runbook/graph.h"
#include "runbook/turns.h"
#include "runs/runs.h"

namespace keyturn::runs {

inline constexpr const char* kHold = "keyturn.hold";
inline constexpr const char* kPass = "keyturn.pass";
inline constexpr Duration kTryAgain = std::chrono::seconds(1);
inline constexpr int kNestedMax = 8;  // runs that start runs

// An attempt on its way.
struct Runs::Flight {
  int attempt = 1;
  ActionId action;  // empty while it is asked for
  Time began;
  Duration timeout{};
  bool undoes = false;
  bool lands = false;  // its end is being recorded
  bool stops = false;  // nobody wants it any more, and it is to be told so
  bool told = false;   // and has been, or cannot be stopped: it is waited for
};

struct Runs::One {
  std::shared_ptr<const runbook::Document> document;
  runbook::Run run;
  Principal requester;
  std::map<std::string, Flight> flights;  // by path
  std::vector<std::string> asks;
  std::optional<Time> look_again;
  bool walking = false, walk_again = false;
  bool looks_back = false;             // what does not begin any more may have begun before
  bool stopping = false;               // that it is cancelled is being recorded
  bool is_late = false;                // past its timeout, and about to be stopped for it
  std::optional<doc::Value> held_up;   // {step, code, message}: why a step cannot be asked for yet
  std::vector<std::string> ancestors;  // the runs that it is a step of, the nearest first
  bool taking = false;                 // it is its turn, which is being recorded
  std::optional<Time> take_again;      // that could not be recorded: once more

  bool waits_for_turn() const { return document->takes_turns() && !run.holds && !run.end; }
};

struct Runs::Impl {
  explicit Impl(Ports given) : ports(std::move(given)) {}

  // ---- runs.cpp
  Task<Result<void>> begin(gate::RecordPtr record);
  std::shared_ptr<const runbook::Document> document_of(const catalog::Tool& tool,
                                                       doc::Problems& problems);
  void add(std::shared_ptr<One> one);
  void take_flight(const gate::RecordPtr& record);
  static Flight& fly(One& one, const std::string& path, int attempt, const gate::RecordPtr& record);
  Task<void> take_up(gate::RecordPtr record);  // of a run that no open stream tells of
  // Codes: not_found (it has ended), closed (it is cancelled), and those of an append.
  Task<Result<void>> stop(std::shared_ptr<One> one, std::string by, std::string reason);
  bool wants(const RunStep& step) const;  // gate::Gate::Runner::wants
  Task<void> stop_late(std::shared_ptr<One> one);
  Task<Result<void>> append(std::shared_ptr<One> one, std::vector<EventDraft> drafts);
  std::shared_ptr<const runbook::Document> kept_document(const Event& started);

  // ---- carry_on.cpp
  void carry_on(std::shared_ptr<One> one);
  Task<void> walk(std::shared_ptr<One> one);
  Task<bool> walk_once(std::shared_ptr<One> one);  // whether to walk again
  Task<void> ask_for(std::shared_ptr<One> one, runbook::Begin begin);
  void changed(const gate::RecordPtr& record);
  Task<void> land(std::shared_ptr<One> one, std::string path, gate::RecordPtr record);
  Task<void> finish(std::shared_ptr<One> one);
  Task<void> stop_flight(std::shared_ptr<One> one, std::string path);
  // Whether something had begun that the run's stream does not tell of; it is waited for. Nothing:
  // that cannot be recorded yet.
  Task<std::optional<bool>> look_back(std::shared_ptr<One> one,
                                      std::vector<runbook::Next::Unbegun> unbegun);
  ActionRequest request_of(const One& one, const runbook::Begin& begin) const;

  // ---- commands.cpp
  Result<std::shared_ptr<One>> for_person(const Principal& who, const std::string& id) const;
  bool may_resume(const Principal& who, const One& one) const;
  bool may_pause(const Principal& who, const One& one) const;
  // What is paused: it, or a run that it is a step of. Null: nothing.
  const One* pausing(const One& one) const;

  // ---- show.cpp
  doc::Value step_under_way(const One& one, const std::string& path, const Flight& flight) const;
  std::string_view word_for(const One& one, std::vector<std::string>& waits) const;
  void set_open(doc::Value& out, const One& one) const;
  void set_run(doc::Value& out, const One& one) const;
  Task<std::shared_ptr<One>> past(gate::RecordPtr record);
  Task<gate::RecordPtr> run_for(const Principal& who, const std::string& id);
  void tell(const std::string& id);

  // ---- turns.cpp: how many at once, and locks (runbook/turns.h)
  runbook::Claimant claimant_of(const One& one) const;
  std::vector<std::string> ancestors_of(const gate::ActionRecord& record) const;
  // Of a run that is about to begin: whether it has its turn at once. Codes: busy, deadlock, and
  // those of Document::locks_of().
  Result<bool> ask_for_turn(std::shared_ptr<One> one);
  void join_loaded();  // all that are open, as they stood
  void take_turns();   // records what runs have got
  Task<void> take_turn(std::shared_ptr<One> one);
  void stand(const One& one);  // after it was paused, resumed or cancelled, and all within it
  // At most so many holders of each are named.
  doc::Value waits_for(const One& one, std::size_t most) const;

  // ---- plan.cpp
  // `run`: its id, "" of one that nobody asked for.
  Task<Result<doc::Value>> plan(Principal who, const catalog::Tool& tool, doc::Value inputs,
                                doc::Value claims, std::string run);
  Task<doc::Value> plan_step(Principal who, const runbook::Document& document,
                             const runbook::ForeseenStep& step, const doc::Value& claims);

  Time now() const { return ports.gate.clock().now(); }
  Ports ports;
  gate::Serial serial;  // what people do to a run, one after the other; by its id
  gate::Watch watch;
  std::multimap<std::string, std::function<void()>> watchers;  // by run
  std::uint64_t ended_steps = 0;
  std::map<std::string, std::shared_ptr<One>> open;  // by run
  runbook::Turns turns;
  std::map<std::string, std::shared_ptr<const runbook::Document>> documents;  // by digest
};

// Whom the approval of a plan asks; nobody where the steps are approved each by itself.
Result<std::optional<Plan>> asks_of(const doc::Value& description);

}  // namespace keyturn::runs
