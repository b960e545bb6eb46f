// What is said of an action, in the thread below its card: many comments in one message, and none
// that was said in that very thread. What is erased from the record is deleted there.
//
// Memo of a thread: "n", how many comments were told; "posted", our messages ("ts") with the
// comments that stand in each ("of"); "again", comments whose message went with an erased one.
#pragma once

#include "channels/channel.h"
#include "channels/slack/office.h"

namespace keyturn::channels::slack {

// What is next in that place, nothing where all is as it should be. `where`: channel and ts of the
// card. `may_see`: whoever sees that thread may read the action; else only erasures come there.
std::optional<Errand> comments_due(const gate::ActionRecord& record, const std::string& place,
                                   const Kept* kept, doc::Value where, bool may_see);
Task<Carried> carry_comments(OfficePtr office, Matter matter, Errand errand, doc::Value memo);

}  // namespace keyturn::channels::slack
