// The envelope of everything that happened. Rooms own what is inside `body`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "doc/value.h"

namespace keyturn {

// An event that is about to be appended. `stream` is "action/act_…", "person/alice",
// "agent/ops-bot", "token/…", "group/dba", "policy", "tools", "config", "keys". `body` is public:
// an object whose members become members of the ledger leaf beside the envelope's own (v, type,
// time, node, stream, position, prev, private); it must not use those names and must hold nothing
// secret and nothing low-entropy hashed bare. `private_part` (arguments, output, free text) is
// stored beside the leaf, encrypted under a key of its own, and named in the leaf by a salted
// commitment.
struct EventDraft {
  std::string stream;
  std::string type;
  doc::Value body;
  std::optional<doc::Value> private_part;
};

// An event as it stands in the journal.
struct Event {
  std::uint64_t index = 0;  // ledger index, from 0
  std::string stream;
  std::uint64_t position = 0;  // in its stream, from 1; the stream's version after this event
  std::string type;
  Time time;
  doc::Value body;
  std::optional<doc::Value> private_part;  // only where it was asked for, and not erased
  bool has_private = false;                // as read from the journal: it commits to one
  Digest leaf_hash{};                      // RFC 6962 leaf hash
};

}  // namespace keyturn
