// What a run would do, as far as it can be told before it begins. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runbook/document.h"
#include "runbook/run.h"

namespace keyturn::runbook {

struct ForeseenStep {
  std::string path;
  const Step* step = nullptr;  // of the document
  StepKind kind = StepKind::kAction;
  std::string tool;  // kAction
  // Of kAction and kApprove, as Begin::args; absent: they rest on what other steps give, and so do
  // the items of a foreach that could not be listed (then `path` has no index).
  std::optional<doc::Value> args;
  std::string waits_for;  // the expression that rests on it; "" where args is there
  std::string when;       // it may be skipped: its condition cannot be told yet
  bool skipped = false;   // its condition is false already
  bool undoes = false;    // a compensation: only when the run fails or is cancelled
};

// In the order of the document. A run without an id: what reads `run.id` rests on it, as well. Code
// `expression`, `too_many`: what keeps it from running at all.
[[nodiscard]] Result<std::vector<ForeseenStep>> foresee(const Document& document, const Run& run);

}  // namespace keyturn::runbook
