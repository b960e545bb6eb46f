// A record as the renderer wants it: the same for every channel, the web inbox among them.
#pragma once

#include "base/secret.h"
#include "gate/record.h"
#include "gate/world.h"
#include "render/case_view.h"

namespace keyturn::channels {

// `key`: of the fingerprints of secret parameters.
render::CaseInput case_of(const gate::World& world, const gate::ActionRecord& record,
                          const Secret& key);

}  // namespace keyturn::channels
