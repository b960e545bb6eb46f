// Runs of runbooks, carried on. A run is the execution of an action whose tool is a runbook; each
// of its steps is an action of its own, in the name of whoever started the run, decided and
// recorded like any other. What lasts is the stream "run/act_…" (runbook/run.h) and the steps'
// actions: a step is one action for its path and attempt, however often it is begun, so that a run
// goes on after a crash by beginning again whatever had not ended.
//
// Threads: the I/O thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "gate/gate.h"
#include "runbook/document.h"
#include "runbook/run.h"
#include "runbook/walk.h"

namespace keyturn::runs {

struct Ports {
  gate::Gate& gate;
  std::function<void(Task<void>)> spawn;
  std::function<void(std::string_view line)> log;  // may be empty
};

class Runs {
 public:
  // Adds its tools to the gate (keyturn.hold, keyturn.pass) and becomes its runner.
  explicit Runs(Ports ports);
  ~Runs();

  // Loads what is open. After Gate::load(), before serving.
  void load();
  // Carries everything on that a crash or a stop interrupted. After Gate::recover().
  void start();
  // Tries that are due, and steps and runs past their time. Call at least every 250 ms.
  void tick();

  // ---- as they are shown (docs/openapi.json: Run, Runbook)
  // Open or over, with every step. Code not_found: there is none, or `who` may not know of it.
  Task<Result<doc::Value>> show(Principal who, std::string id);
  // A line of a list. Of an action whose tool is a runbook.
  doc::Value summary(const gate::ActionRecord& record) const;
  // Of a tool that is a runbook. Code invalid_runbook.
  Result<doc::Value> describe(const catalog::Tool& tool, bool with_graph);
  std::map<std::string, std::size_t> count_open() const;  // by the runbook's name
  // Those that wait until somebody says how a step ended: ids, the newest first.
  std::vector<std::string> stopped() const;
  struct Numbers {
    std::size_t open = 0, under_way = 0,
                stopped = 0;        // runs; steps that are actions; runs that ask
    std::uint64_t ended_steps = 0;  // since the start
  };
  Numbers numbers() const;
  // Called when what show() says of an open run has changed, until the Watch is gone.
  gate::Watch watch(const std::string& id, std::function<void()> changed);

  // By whoever may: the run's starter, the starting agent's owner, administrators. What people
  // paused, an agent does not resume. Codes: not_found, not_allowed, closed, not_unknown,
  // empty_text, overloaded.
  Task<Result<void>> pause(Principal who, std::string id);
  Task<Result<void>> resume(Principal who, std::string id);
  Task<Result<void>> cancel(Principal who, std::string id, std::string reason);
  // How a step ended of which nobody knew. kUnknown: it is to be done again, as a new attempt.
  Task<Result<void>> resolve(Principal who, std::string id, std::string path,
                             runbook::StepState state, std::string note);

  // What it would do for this principal, with each step's verdict as policy would give it now:
  // {runbook, digest, review, steps: [{path, name, kind, tool, args, verdict, covered, …}]}.
  Task<Result<doc::Value>> plan(Principal who, catalog::Tool tool, doc::Value inputs);

 private:
  struct Flight;
  struct One;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::runs
