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

// A run as it stands: what lasts, and the actions of the steps under way.
struct View {
  std::shared_ptr<const runbook::Document> document;
  runbook::Run run;
  std::map<std::string, std::string> under_way;  // path -> action, "" while it is asked for
  std::vector<std::string> asks;                 // unknown outcomes that people have to settle
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

  // Null: no such run is open.
  std::shared_ptr<const View> find(const std::string& id) const;
  std::vector<std::shared_ptr<const View>> open() const;

  // By people who may: the run's starter, the starting agent's owner, administrators. Codes:
  // not_found, not_allowed, closed, not_unknown, empty_text.
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
