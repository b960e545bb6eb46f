// A runbook's steps as a picture has them: which there are and what follows what, not what became
// of them. Pure.
#pragma once

#include <string_view>

#include "doc/value.h"
#include "runbook/document.h"

namespace keyturn::runbook {

std::string_view to_text(StepKind kind);  // "action", "approve", "pass", "group", "branches"

// [{id, name, kind, tool, when, foreach, at_once, tries, timeout, compensate, on_failure: […],
// steps: […] (of a group), branches: [{name, steps}]}]; what does not apply is absent. Durations
// are in words ("5m").
doc::Value graph_of(const Document& document);

// The step that a path of a run belongs to: its id stands last in it. Null: there is none.
const Step* step_at(const Document& document, std::string_view path);

}  // namespace keyturn::runbook
