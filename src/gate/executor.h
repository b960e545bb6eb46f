// Ports through which the gate lets things happen. connectors/ implements them.
#pragma once

#include <array>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "catalog/tool.h"
#include "model/action.h"

namespace keyturn::gate {

// What exactly would run, found out without running it. `description` is shown to reviewers whole
// and is covered by the case digest: argv, binary path and SHA-256, scripts named by argv with
// their SHA-256, cwd, variable names, sandbox; for SQL the statements and the server addressed. No
// secret values. Two calls of describe() on an unchanged world give equal descriptions (promise
// same-bytes): a different one at release is drift and returns to review.
struct Described {
  Facts facts;
  doc::Value description;
};

// Members of a description that say the arguments again, and nothing besides.
inline constexpr std::array<std::string_view, 5> kSayArguments{"argv", "env", "parameters",
                                                               "request", "statements"};

// What it would touch, and the state of that: for people to look at before they agree, so it is
// asked for when people are, and again at release. Another `fingerprint` then is drift, and returns
// to review; `shown` (rows, a diff, files, objects) may differ. Empty: the tool has none.
struct Previewed {
  doc::Value shown;         // covered by the case digest
  std::string fingerprint;  // "sha256:…" of the state that it was worked out on; "" none
};

struct Order {
  ActionId action;
  const catalog::Tool* tool;  // valid until the task ends
  doc::Value args;
  doc::Value description;  // as reviewed; execution refuses ("drift") if what it copied differs
  bool attended = false;   // ActionRequest::attended: somebody waits to take the result
  std::string requester;   // the principal's id: what credentials are bound to
  // Appends to the action's stream, before whatever rests on it happens: a credential that was
  // issued, or revoked. Public bodies only. Codes: those of an append. May be empty.
  std::function<Task<Result<void>>(std::string type, doc::Value body)> note;
  // Previewed::fingerprint that people agreed to; "" none. Release has compared it: what can bind
  // its effect to it (a precondition) does.
  std::string state;
};

class Executor {
 public:
  virtual ~Executor() = default;
  virtual Task<Result<Described>> describe(const catalog::Tool& tool, doc::Value args) = 0;
  // Reads only, bounded in time. Refused: the state cannot be told; people see why, nothing starts.
  virtual Task<Result<Previewed>> preview(const catalog::Tool& tool, doc::Value args);
  // Runs it once. Called only after execution.intended is durable. A Refusal means: nothing was
  // started (code "drift", "no_secret", "no_sandbox", …), and the action fails with that reason. An
  // Outcome may be unknown.
  virtual Task<Result<Outcome>> execute(Order order) = 0;
  // After a crash: what became of an execution that was intended. Outcome, or unknown.
  virtual Task<Outcome> recover(ActionId action) = 0;
  // What it keeps of these actions' output, so that a crash does not lose it, is destroyed. Their
  // outcomes are recorded. A refusal: some may still be there.
  virtual Task<Result<void>> forget_output(std::set<ActionId> actions) = 0;
};

}  // namespace keyturn::gate
