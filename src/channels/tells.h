// Which channels tell of which action: the one answer for all of them.
#pragma once

#include <string_view>

#include "gate/record.h"

namespace keyturn::channels {

// Whether a channel of this kind ("slack", "teams", "email", "webhook", "pager") begins to tell of
// an action. What it has told it keeps true whatever this says later: a plan may change.
//
// Of what never waited for people: no. A plan that says `notify` is told of by what it names. One
// that does not: by chats, and by other channels whose own configuration says so (`always`). Where
// `escalated`, a pager tells of it in any case: that is what it is for.
bool tells(std::string_view kind, const gate::ActionRecord& record, bool escalated,
           bool always = false);

}  // namespace keyturn::channels
