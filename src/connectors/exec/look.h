// What the `preview` and `state` of an exec tool would run: programs that only look, before anybody
// has agreed to anything.
#pragma once

#include <string>
#include <vector>

#include "connectors/exec/plan.h"
#include "model/action.h"

namespace keyturn::connectors::exec {

inline constexpr Duration kLookTimeout = std::chrono::seconds(10);  // or the tool's, if shorter
inline constexpr std::int64_t kShownBytesMax = 64 << 10;            // of each stream of a preview
inline constexpr std::int64_t kStateBytesMax = 1 << 20;  // beyond, the state cannot be told
inline constexpr std::size_t kStateShownMax = 4 << 10;   // of the state's text

// As the tool itself would run, but: what it may write it can only read, no credential is issued
// for it, and its time and output are bounded by the above. `argv` is one of the tool's templates.
Plan look_plan(const catalog::Tool& tool, std::vector<std::string> argv, const doc::Value& args,
               std::int64_t bytes_max);

// What people are shown of a preview that ran, whatever came of it: {"argv", "stdout", "stderr",
// "exit_code" | "failed", "truncated"}.
doc::Value shown_of(const Plan& plan, const Outcome& outcome);

// "sha256:…" of what a state command said. A command that failed, or said too much, tells no state:
// code state_unavailable.
[[nodiscard]] Result<std::string> state_print(const Plan& plan, const Outcome& outcome);

// {"argv", "sha256", "text", "truncated"} for people.
doc::Value state_shown(const Plan& plan, const Outcome& outcome, const std::string& print);

}  // namespace keyturn::connectors::exec
