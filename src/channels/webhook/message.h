// What a standard webhook is sent: docs/formats/channel-webhook.md. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "doc/value.h"
#include "gate/record.h"
#include "people/directory.h"

namespace keyturn::channels::webhook {

// The same version of an action, the same id, however often it is sent by this webhook.
std::string message_id(std::string_view webhook, const gate::ActionRecord& record);

// The action as it is now, public parts of it only. `since`: the first version of its stream that
// nobody was told of; the changes from there on are listed.
doc::Value message_of(const std::string& id, const gate::ActionRecord& record,
                      const people::Directory& directory, std::uint64_t since,
                      const std::string& page);

}  // namespace keyturn::channels::webhook
