// What a server's tools/list says, as Keyturn reads it in the client's own session; and the pins.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "catalog/pins.h"
#include "connectors/mcp/backend.h"
#include "connectors/mcp/change_pace.h"
#include "gate/gate.h"

namespace keyturn::connectors::mcp {

struct Listing {
  catalog::Pins::Tools tools;  // by name
  Time at{};
};

// All pages. `like` is a request of the client whose session and era it takes. Codes: those of
// Backend::send, bad_listing (no such list, too many pages).
Task<Result<Listing>> read_listing(Backend& backend, Forward like, rpc::Era era,
                                   const doc::Value& client_meta, Time now);

// Pins what was never seen, where the upstream says so, and records what differs from its pin or is
// gone; not more often than `pace` allows. (What may be called does not depend on that: a call goes
// by the definition that is pinned, or not at all.) `pace` lives as long as the task.
Task<Result<void>> note_listing(gate::Gate& gate, ChangePace& pace,
                                std::shared_ptr<const catalog::Upstream> upstream,
                                const Listing& listing);

}  // namespace keyturn::connectors::mcp
