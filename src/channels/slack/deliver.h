// What Slack is to show of an action, and how it comes there: a card for each person who is asked,
// or in rooms; below it, reminders and what others say of it.
//
// Places: "user:U0123" and "room:C0123" (the card), each with "/calls" and "/thread" behind.
#pragma once

#include "channels/channel.h"
#include "channels/slack/office.h"

namespace keyturn::channels::slack {

// Channel::due() and Channel::carry().
std::vector<Errand> due(Office& office, const Matter& matter, const KeptPlaces& kept);
Task<Carried> carry(OfficePtr office, Matter matter, Errand errand, doc::Value memo);

// Posts a message; in a thread, unless that is "". `channel` may be a user, for their conversation
// with the app.
Task<Answer> post(OfficePtr office, std::string channel, doc::Value message, std::string thread);

// Whether a person's card, or that of a room ("" for a person), offers all that there is: the
// very same that due() makes.
bool shows_all(const Office& office, const gate::ActionRecord& record,
               const people::Person* reader);

}  // namespace keyturn::channels::slack
