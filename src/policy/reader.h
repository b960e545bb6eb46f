// The parts of a document, read from its tree.
#pragma once

#include <span>
#include <string>

#include "policy/compiler.h"
#include "policy/plan.h"
#include "policy/rep.h"

namespace keyturn::policy {

// "quorum: {dba: 1}"; counts from 1 to 20.
Quorum read_quorum(const doc::Value& value, const std::string& pointer, doc::Problems& problems);
std::optional<Effect> read_effect(doc::ObjectReader& in, std::string_view key, bool modifications);
Match read_match(const doc::Value& value, const std::string& pointer, doc::Problems& problems);
// Nothing when the rule has no usable id; other problems leave a partial rule.
std::optional<Rule> read_rule(const doc::Value& value, const std::string& pointer,
                              Compiler& compiler, const catalog::Catalog* tools,
                              doc::Problems& problems);
std::vector<RiskTerm> read_risk_terms(const doc::Value& value, const std::string& pointer,
                                      Compiler& compiler, doc::Problems& problems);
std::vector<StandingPermission> read_standing(const doc::Value& value, const std::string& pointer,
                                              Compiler& compiler, doc::Problems& problems);
DocumentTest read_test(const doc::Value& value, const std::string& pointer,
                       doc::Problems& problems);

// ` (did you mean "x"?)`, or "".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

// What only shows when all rules are known (POLICY "Load-time checks").
void check_document(const Document::Rep& document, const Compiler& compiler,
                    const LoadOptions& options, doc::Problems& problems);
// Of the section `standing`.
void check_standing(const Document::Rep& document, const Compiler& compiler,
                    const LoadOptions& options, doc::Problems& problems);
// Past costLimit an expression is an error.
void check_cost(const Document::Rep& document, const std::string& what, const Condition& condition,
                doc::Problems& problems);
// What no tool is called is said; of the other selectors, whose words may come from elsewhere, only
// what looks like a slip. `what` begins every message.
void check_known(const Match& match, const std::string& what, doc::Position at,
                 const catalog::Catalog& tools, doc::Problems& problems);
// What only shows where several rules match one action.
void check_overlaps(const Document::Rep& document, doc::Problems& problems);

}  // namespace keyturn::policy
