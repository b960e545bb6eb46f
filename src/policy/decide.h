// The decision (POLICY "Meaning"). Pure: no I/O, no clock; the same document and input give the
// same verdict.
#pragma once

#include <string_view>

#include "model/verdict.h"
#include "policy/document.h"
#include "policy/input.h"

namespace keyturn::policy {

// Every rule whose selectors match is evaluated. An error in one is a denial ("error:RULE"). A
// denial that is not waived wins; then `modify` rules are applied and everything is decided again,
// once, on the modified arguments; then `defer`; then requirements, merged to the strictest; then
// `allow`, which needs an allow rule; else the default. Rules in `mode: shadow` are recorded and
// not enforced. In a document with `mode: observe` the effect is allow, `observed` is set, and
// reasons[0] says what would have been.
//
// When `modified_args` is set, the facts in `input` describe the arguments before the change: check
// the new ones with check_args(), describe them again, and call decide_again(), whose verdict
// counts.
Verdict decide(const Document& document, const PolicyInput& input);

// Decides the form that modify rules produced. `input` has the modified arguments and their own
// facts, `first` is the verdict that modified them. A rule that would change the arguments once
// more is a denial. Keeps `first.modified_args` and its modifications among the hits.
Verdict decide_again(const Document& document, const PolicyInput& input, const Verdict& first);

// A tool that nobody configured, whatever the mode (API "An action").
Verdict deny_unknown_tool(const Document& document, std::string_view tool);

// What decide() works out of the document when the input does not say: to be recorded with the
// decision.
Risk assess_risk(const Document& document, const PolicyInput& input);
CalendarState calendar_at(const Document& document, Time time);

// Two plans as one that is at least as strict as both. Refused (code no_common_channel,
// retype_conflict) when no vote could be cast under both.
Result<Plan> merge_plans(const Plan& a, const Plan& b);

// "asks 2 of sre and 1 of dba, by passkey, in slack or web, within 30m"
std::string in_words(const Plan& plan);

}  // namespace keyturn::policy
