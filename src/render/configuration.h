// A change of Keyturn's own configuration, as those who decide about it are shown it: what differs,
// and what the proposed policy would have said of recorded decisions.
#pragma once

#include <vector>

#include "doc/value.h"
#include "render/case_view.h"
#include "render/fields.h"

namespace keyturn::render {

// `description` as admin/ makes it: {"against", "becomes", "changes": [{"file", "lines" |
// "too_long"}], "rules": [{"of", "is"}], "replay": {…}, "problems": ["…"]}. What is missing has no
// section.
std::vector<Section> configuration_sections(const doc::Value& description, Budget& budget);

// Whether configuration_sections() shows this member of a description, or leaves it out knowingly.
bool is_configuration_member(const doc::Member& member);

}  // namespace keyturn::render
