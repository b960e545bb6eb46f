// A record as the renderer wants it: the same for every channel, the web inbox among them.
#pragma once

#include <set>
#include <string>

#include "base/secret.h"
#include "gate/record.h"
#include "gate/world.h"
#include "render/case_view.h"

namespace keyturn::channels {

// Names of parameters that are shown to nobody: the secret ones of the tool as it is now; all of
// them where the tool is not configured any more, for nobody knows which were secret.
std::set<std::string> hidden_parameters(const gate::World& world, const gate::ActionRecord& record);

// `key`: of the fingerprints of secret parameters.
render::CaseInput case_of(const gate::World& world, const gate::ActionRecord& record,
                          const Secret& key);

}  // namespace keyturn::channels
