// What a mail says: that an action waits for this person, in our words, with names of the
// configuration; nothing of what was asked for. Mail is not confidential, and clients make links of
// what looks like one. Pure.
#pragma once

#include <string>

#include "channels/channel.h"
#include "channels/email/message.h"

namespace keyturn::channels::email {

// Names a message for good: of the same action, person, round and calls the same one. `host`: of
// the public URL.
std::string id_of(const Matter& matter, const std::string& person, const std::string& host);

// The letter without addresses, date and ids. `again`: they have heard of it before.
Letter letter_about(const Matter& matter, const std::string& page, bool again);

}  // namespace keyturn::channels::email
