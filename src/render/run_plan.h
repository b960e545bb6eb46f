// The plan of a run as people are shown it: a section for each step, in the order of the runbook.
// Pure.
#pragma once

#include <vector>

#include "doc/value.h"
#include "render/case_view.h"
#include "render/fields.h"

namespace keyturn::render {

// A description that is the plan of a run: {plan: {runbook, digest, review, steps: [...]}}.
bool is_run_plan(const doc::Value& description);

// Every member of the plan and of each step is in them: those that are known in words, any other
// leaf by leaf, so that nothing that is agreed to stays unseen. What runs is told once: where a
// later step has the very same program, limits and so on, it says of which step. Where only the
// start is agreed to, the texts of programs are left out: each step shows its own when it asks.
std::vector<Section> run_plan_sections(const doc::Value& plan, Budget& budget);

}  // namespace keyturn::render
