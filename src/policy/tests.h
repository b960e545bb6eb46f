// The tests inside a document, and whether a plan can be met at all.
#pragma once

#include <string>
#include <vector>

#include "doc/value.h"
#include "model/verdict.h"
#include "policy/document.h"
#include "policy/input.h"

namespace keyturn::policy {

struct TestResult {
  std::string name;
  bool passed = false;
  std::string message;  // of a failure: what was expected, what came, which rules
  doc::Position position;
};

// Runs every test, until `go_on` (if any) says no. With a roster a `require` that nobody could
// satisfy fails.
std::vector<TestResult> run_tests(const Document& document, const Roster* roster = nullptr,
                                  const std::function<bool()>& go_on = nullptr);

// [{"name", "passed", "message", "line"}]
doc::Value to_value(const std::vector<TestResult>& results);

// What tests start from, before `set` and `unset`: an agent "test-agent" of "test-owner" without
// groups asks for operation "execute" of tool "test-tool" on service "test" in env "prod", at 03:00
// UTC of a Monday, by api, with no arguments, no taint, no history, nothing uninspectable.
PolicyInput test_base();

// Could distinct people fill all places of the plan, `without` left out? `why_not` says which
// groups are short.
bool satisfiable(const Plan& plan, const Roster& roster, const std::set<std::string>& without,
                 std::string* why_not = nullptr);

}  // namespace keyturn::policy
