// The numbers of some days, from the lists.
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "doc/value.h"
#include "gate/world.h"
#include "store/read_model.h"

namespace keyturn::server {

// Whole days, UTC. Both are borrowed until it is answered. Code: read_model_unavailable.
Task<Result<doc::Value>> insights_of(store::ReadModel& lists, const gate::World& world, Time from,
                                     Time to);

}  // namespace keyturn::server
