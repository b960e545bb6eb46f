// Recorded decisions, made ready to be taken again.
#pragma once

#include <expected>

#include "model/event.h"
#include "policy/replay.h"

namespace keyturn::gate {

// The decision that `event` (an action.decided, with its private part) recorded, or why it cannot
// be taken again. Total: any event is one or the other.
std::expected<policy::RecordedDecision, policy::Unrepeatable> recorded_decision(const Event& event);

}  // namespace keyturn::gate
