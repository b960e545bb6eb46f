// For the tests of this room, and of those above it.
#pragma once

#include "people/directory.h"

namespace keyturn::people::testing {

inline Time at(int minutes) {
  return Time{} + std::chrono::hours(500'000) + std::chrono::minutes(minutes);
}

// As the journal gives it back.
inline Event event_of(const EventDraft& draft, Time time = at(0)) {
  Event e;
  e.stream = draft.stream;
  e.type = draft.type;
  e.body = draft.body;
  e.private_part = draft.private_part;
  e.time = time;
  return e;
}

inline void apply(Directory& directory, const EventDraft& draft, Time time = at(0)) {
  evolve(directory, event_of(draft, time));
}

}  // namespace keyturn::people::testing
