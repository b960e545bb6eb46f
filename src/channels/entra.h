// Somebody in Teams whom Entra has vouched for here already.
#pragma once

#include <string_view>

#include "base/secret.h"
#include "gate/world.h"

namespace keyturn::channels {

// Whose account at an Entra provider of identity.yaml this account of Teams
// ("teams:TENANT/OBJECTID") is: bound by signing in there or by SCIM. Null: nobody's. Both sides
// are proven by the tenant then, which vouches for the same object id. `key`: that of
// identity::account_of().
const people::Person* person_at_entra(const gate::World& world, const Secret& key,
                                      std::string_view account);

}  // namespace keyturn::channels
