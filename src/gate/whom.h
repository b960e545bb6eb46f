// Whom an action waits for, for everything that carries word to people.
#pragma once

#include <string>
#include <vector>

#include "gate/record.h"
#include "gate/world.h"

namespace keyturn::gate {

// Ids of those in whose inbox it stands now: a vote of theirs would count, or it was escalated to
// them. Sorted. Without those who are out of office, unless they are all there are.
std::vector<std::string> asked_people(const World& world, const ActionRecord& record);

}  // namespace keyturn::gate
