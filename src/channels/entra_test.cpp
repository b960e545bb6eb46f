#include "channels/entra.h"

#include <doctest/doctest.h>

#include "channels/testing.h"
#include "identity/accounts.h"

namespace keyturn::channels {
namespace {

constexpr const char* kTenant = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* kObject = "bbbbbbbb-0000-4000-8000-00000000000b";

std::string identity_yaml() {
  return "apiVersion: keyturn/v1\nkind: Identity\nproviders:\n  corp:\n    kind: entra\n    "
         "issuer: https://login.microsoftonline.com/" +
         std::string(kTenant) + "/v2.0\n    client_id: keyturn\n";
}

}  // namespace

TEST_CASE("who signed in at Entra is the same person in Teams; nobody else is") {
  testing::Stand stand;
  stand.bench.record({{"config", "config.identity_activated", doc::object({{"by", "host"}}),
                       doc::object({{"text", identity_yaml()}})}});
  const gate::World& world = stand.bench.gate->world();
  REQUIRE(world.configuration->identity->providers.size() == 1);
  const trust::Provider& corp = world.configuration->identity->providers.begin()->second;
  const auto account = identity::account_of(Secret(std::string(32, 'F')), corp, kObject);
  REQUIRE(account);
  stand.bench.record({people::account_linked("bob", *account, "bob")});
  const std::string teams = std::string("teams:") + kTenant + "/";
  REQUIRE(stand.desk.person_of(teams + kObject) != nullptr);
  CHECK(stand.desk.person_of(teams + kObject)->id == "bob");
  CHECK(stand.desk.person_of(teams + kTenant) == nullptr);
  CHECK(stand.desk.person_of("teams:" + std::string(kObject) + "/" + kObject) == nullptr);
  CHECK(stand.desk.person_of("teams:/" + std::string(kObject)) == nullptr);
  CHECK(stand.desk.person_of("slack:" + std::string(kTenant) + "/" + kObject) == nullptr);
  stand.bench.record({people::person_deactivated("bob", "left")});
  CHECK(stand.desk.person_of(teams + kObject) == nullptr);
}

}  // namespace keyturn::channels
