// What a run does next. A pure function of the document and of what has ended, so that a run goes
// on after a crash exactly where it was: whatever has not ended is begun again under the same path
// and attempt, and that is the same action.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runbook/document.h"
#include "runbook/run.h"

namespace keyturn::runbook {

// An attempt that is to be on its way now. Begun before or not: one action for each path and
// attempt.
struct Begin {
  std::string path;
  int attempt = 1;
  const Step* step = nullptr;  // of the document; a compensation has the step that it undoes
  StepKind kind = StepKind::kAction;
  std::string tool;  // kAction
  doc::Value args;   // kAction; of kApprove {message, show}
};

// Steps that ended without an action: skipped, or their expressions failed.
struct Settled {
  std::string path;
  StepRecord record;
};

struct Next {
  std::vector<Begin> begins;
  std::vector<Settled> settled;    // append these, fold them, and ask again
  std::vector<std::string> asks;   // unknown outcomes that people have to settle
  std::optional<Time> look_again;  // the next try is due then
  // Attempts that do not begin any more, as far as is known: of a crash they may have begun before.
  struct Unbegun {
    std::string path;
    int attempt = 1;
  };
  std::vector<Unbegun> unbegun;
  struct End {
    RunEnd end = RunEnd::kSucceeded;
    std::string reason;
    doc::Value outputs = doc::Object{};
  };
  std::optional<End> end;
};

// Of a run that has not ended. Paused, or waiting for its turn (Run::holds), it begins nothing.
// Cancelled, paused or not, it begins only what undoes; what is under way (Run::under_way) is
// waited for first.
Next next(const Document& document, const Run& run, Time now);

// Of one run, those of on_failure and what undoes not counted: behind them the next one fails.
inline constexpr std::size_t kRunStepsMax = 2000;
inline constexpr std::size_t kOutputsBytesMax = std::size_t{1} << 20;  // as JSON, all together

// The record of an attempt whose action ended: with the step's outputs made from `result` (the
// outcome's wire form). Where they cannot be made, or are more than kOutputsBytesMax, the step has
// failed with its effect done, and says why.
StepRecord ended(const Document& document, const Run& run, const std::string& path, int attempt,
                 StepState state, std::string action, std::string reason, const doc::Value& result);

}  // namespace keyturn::runbook
