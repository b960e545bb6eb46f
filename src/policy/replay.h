// What another document would have said of decisions that were recorded. Pure and deterministic:
// the same documents and decisions, in the same order, give the same report.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "model/verdict.h"
#include "policy/document.h"
#include "policy/input.h"

namespace keyturn::policy {

// A decision as it was recorded, whole: enough to take it again.
struct RecordedDecision {
  std::string id;     // "act_…"
  Time time{};        // of the record
  PolicyInput input;  // of what was asked for
  // The arguments that policy made of those, with what the classifiers found in them.
  struct Changed {
    doc::Value args;
    doc::Value facts;
    std::string operation;
  };
  std::optional<Changed> changed;
  Verdict verdict;
};

// Why a decision cannot be taken again. Such ones are counted and nothing is guessed.
enum class Unrepeatable {
  kNoInputs,          // recorded before inputs were
  kErased,            // its private part was erased
  kUnreadable,        // its private part does not open, or is not what it should be
  kUnknownTool,       // no tool of that name was configured: no rule was asked
  kBuiltIn,           // a change of configuration: more than the policy decides about it
  kChangedArguments,  // the document changes arguments in a way whose effect nobody classified
};
using keyturn::to_text;
std::string_view to_text(Unrepeatable why);  // "no_inputs", …

// What the other document's verdict is, seen from the one before it.
enum class Turn {
  kUnchanged,
  kStricter,
  kLooser,
  kOther,  // neither: plans of which none contains the other, other arguments, people or a wait
};
std::string_view to_text(Turn turn);

// allow < defer, require < deny; two plans by at_least_as_strict(); a deferral is the stricter the
// later it ends. What is allowed, asked for or deferred with other arguments is kOther, unless one
// of the two is a denial. Reasons, rules and hits do not count.
Turn turn_between(const Verdict& before, const Verdict& after);

// One side of an example, in words.
struct Side {
  Effect effect = Effect::kDeny;
  std::string decided_by;
  std::vector<std::string> rules;    // that matched, without shadow rules
  std::vector<std::string> reasons;  // "sql-destructive asks 1 of dba"
  std::optional<Plan> plan;
};

struct Flip {
  Turn turn = Turn::kOther;
  Effect from = Effect::kDeny, to = Effect::kDeny;
  std::uint64_t count = 0;
  struct Example {
    std::string id, tool, operation, agent;
    Time time{};
    Side before, after;
  };
  std::vector<Example> examples;  // the first ones that were added
};

struct ReplayReport {
  std::uint64_t looked_at = 0;  // repeated and not repeatable
  std::uint64_t repeated = 0;   // = unchanged + stricter + looser + other
  std::uint64_t unchanged = 0, stricter = 0, looser = 0, other = 0;
  std::uint64_t errors = 0;                            // decided by an error of the new document
  std::map<Unrepeatable, std::uint64_t> unrepeatable;  // reasons that occurred
  std::vector<Flip> flips;                             // looser first, then other, then stricter
  struct RuleCount {
    std::string rule;
    std::uint64_t matched = 0;  // shadow rules and exceptions that applied are not counted
    bool shadow = false;
    std::uint64_t shadowed = 0;  // would have matched, in the shadow
  };
  std::vector<RuleCount> rules;  // of the new document, in its order
};
doc::Value to_value(const ReplayReport& report);

// Takes recorded decisions again, one at a time. Not for several threads at once.
class Replay {
 public:
  // Both borrowed. Without `old` the recorded verdict is what the new one is compared with.
  Replay(const Document& proposed, const Document* old, std::size_t examples_max);

  void add(const RecordedDecision& decision);
  void add(Unrepeatable why);
  std::uint64_t looked_at() const { return report_.looked_at; }
  const ReplayReport& report();  // so far

 private:
  using Key = std::tuple<int, Effect, Effect>;
  void count_rules(const Verdict& verdict);
  void count_flip(const RecordedDecision& decision, Turn turn, const Verdict& before,
                  const Verdict& after);

  const Document& proposed_;
  const Document* old_;
  std::size_t examples_max_;
  ReplayReport report_;
  std::map<Key, Flip> flips_;
  std::map<std::string, std::size_t, std::less<>> places_;  // rule -> its place in report_.rules
};

// One decision by `document`; nothing when it changes arguments into what nobody classified.
std::optional<Verdict> repeat(const Document& document, const RecordedDecision& decision);

}  // namespace keyturn::policy
