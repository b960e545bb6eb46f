// An action: what an agent asks for, what Keyturn found out about it, and where it stands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doc/value.h"
#include "model/principal.h"
#include "model/verdict.h"

namespace keyturn {

// The states of API "An action". deferred, pending and executing are not settled; succeeded …
// cancelled are final.
enum class State {
  kDeferred,
  kPending,
  kApproved,
  kExecuting,
  kSucceeded,
  kFailed,
  kUnknown,
  kDenied,
  kExpired,
  kCancelled
};
std::string_view to_text(State state);
std::optional<State> state_from_text(std::string_view text);
bool is_final(State state);
bool is_settled(State state);

struct Resource {
  std::string kind, name, env;
  std::map<std::string, std::string> labels;
  bool operator==(const Resource&) const = default;
};
doc::Value to_value(const Resource& resource);
Resource resource_from_value(const doc::Value& value);

// Which step of a run an action is. Keyturn's own knowledge: only runs/ says it.
struct RunStep {
  std::string run;      // the action that the run is, act_…
  std::string runbook;  // its name
  std::string step;     // the path of the step: "drain", "patch[2].apply", "apply~compensate"
  int attempt = 1;      // from 1; more for a step that is tried again
  bool operator==(const RunStep&) const = default;
};
doc::Value to_value(const RunStep& step);
RunStep run_step_from_value(const doc::Value& value);

// What the agent sent, after shape checks. `claims` is kept apart and never trusted.
struct ActionRequest {
  std::string tool;
  doc::Value args;  // object
  std::string reason;
  doc::Value claims;                     // object: session, model, on_behalf_of, …
  std::optional<std::string> mode;       // as sent; must agree with the tool's
  std::optional<std::string> operation;  // as sent; must agree with the classifiers
  std::optional<doc::Value> resource;    // as sent; must agree with the tool's
  std::string idempotency_key;
  std::string traceparent;
  // The requester is there to take the result (MCP): what people approve starts when Gate::take_up
  // says that somebody still is. Set by connectors only.
  bool attended = false;
  std::optional<RunStep>
      run;  // one action for each step and attempt, however often it is asked for
};

// What a classifier found out about the bytes of an action. `tree` is what CEL sees as `facts`:
// {"uninspectable": bool, "why": [...], "sql": {...}, "shell": {...}}.
struct Facts {
  doc::Value tree;
  std::string operation;  // read, write, execute, … as classified; "execute" when it cannot be told
  bool uninspectable = false;
};

// The result of an execution. `unknown` means: nobody can say whether it took effect.
enum class OutcomeKind { kSucceeded, kFailed, kUnknown };
std::string_view to_text(OutcomeKind kind);

struct Outcome {
  OutcomeKind kind = OutcomeKind::kUnknown;
  std::string reason;  // for failed and unknown: what happened, for people; redacted
  std::optional<int> exit_code;
  std::string stdout_text, stderr_text;  // redacted; UTF-8 (other bytes are escaped \xNN)
  std::optional<doc::Value> rows;        // array of objects, sql
  std::optional<std::int64_t> row_count;
  bool truncated = false;
  std::int64_t duration_ms = 0;
  std::optional<doc::Value> result;  // grant mode: what the enforcement point reported
  // Failed, because Keyturn stopped before anything took effect: to ask for it anew repeats
  // nothing.
  bool interrupted = false;
};
doc::Value to_value(const Outcome& outcome);  // the wire form of API "Tools"
Outcome outcome_from_value(const doc::Value& value);

}  // namespace keyturn
