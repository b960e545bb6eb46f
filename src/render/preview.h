// What an action would touch (gate::Previewed::shown), as people are shown it.
#pragma once

#include <vector>

#include "doc/value.h"
#include "render/case_view.h"
#include "render/fields.h"

namespace keyturn::render {

// None where there is no preview. Kinds: exec, sql, plan (of its steps); of any other every leaf, a
// text `diff` line by line.
std::vector<Section> preview_sections(const doc::Value& preview, Budget& budget);

}  // namespace keyturn::render
