// Who is on call: a schedule only ever narrows.
#include <doctest/doctest.h>

#include "people/directory.h"
#include "people/testing.h"

using namespace keyturn;
using namespace keyturn::people;
using people::testing::apply;
using people::testing::at;

namespace {

const OnCall kPrimary{"sre-oncall", "sre"};

Directory office() {
  Directory d;
  d.admit_schedules({{"oncall:primary", kPrimary}});
  d.pass_time(at(0));
  apply(d, person_added({.id = "alice", .groups = {"sre"}}));
  apply(d, person_added({.id = "bob"}));
  return d;
}

bool on_duty(const Directory& d, const char* id) {
  const bool by_person = d.person(id)->groups.contains("sre-oncall");
  CHECK(d.in_group(id, "sre-oncall") == by_person);
  CHECK(d.members("sre-oncall").contains(id) == by_person);
  return by_person;
}

}  // namespace

TEST_CASE("whoever is on call is a member until the shift ends") {
  Directory d = office();
  apply(d, on_call("alice", "oncall:primary", kPrimary, at(60)));
  CHECK(on_duty(d, "alice"));
  d.pass_time(at(59));
  CHECK(on_duty(d, "alice"));
  d.pass_time(at(60));
  CHECK_FALSE(on_duty(d, "alice"));
  apply(d, on_call("alice", "oncall:primary", kPrimary, at(90)));
  CHECK(on_duty(d, "alice"));
  apply(d, off_call("alice", "oncall:primary"));
  CHECK_FALSE(on_duty(d, "alice"));
}

TEST_CASE("nobody outside the pool is on call, whatever a schedule says") {
  Directory d = office();
  apply(d, on_call("bob", "oncall:primary", kPrimary, at(60)));
  CHECK_FALSE(on_duty(d, "bob"));
  apply(d, group_changed("sre", {"bob"}, {}));
  CHECK(on_duty(d, "bob"));  // a newcomer's shift runs already
  apply(d, group_changed("sre", {}, {"bob"}));
  CHECK_FALSE(on_duty(d, "bob"));
}

TEST_CASE("who leaves the pool or is shut out leaves in the same event") {
  Directory d = office();
  apply(d, on_call("alice", "oncall:primary", kPrimary, at(60)));
  apply(d, person_deactivated("alice", "left"));
  CHECK_FALSE(on_duty(d, "alice"));
  apply(d, person_activated("alice"));
  CHECK(on_duty(d, "alice"));
  // In the pool by a provider's word, which ends before the shift does.
  apply(d, group_changed("sre", {}, {"alice"}));
  CHECK_FALSE(on_duty(d, "alice"));
  apply(d, groups_vouched("alice", "oidc:okta", {"sre"}, at(30)));
  CHECK(on_duty(d, "alice"));
  d.pass_time(at(30));
  CHECK_FALSE(on_duty(d, "alice"));
  apply(d, person_added({.id = "cron", .groups = {"sre"}, .service_of = "alice"}));
  apply(d, on_call("cron", "oncall:primary", kPrimary, at(60)));
  CHECK_FALSE(on_duty(d, "cron"));
}

TEST_CASE("nobody is in a schedule's group by any other way") {
  Directory d = office();
  apply(d, group_changed("sre-oncall", {"bob"}, {}));
  CHECK_FALSE(on_duty(d, "bob"));
  apply(d, groups_vouched("bob", "oidc:okta", {"sre-oncall"}, at(60)));
  CHECK_FALSE(on_duty(d, "bob"));
  apply(d, person_added({.id = "carl", .groups = {"sre-oncall"}}));
  CHECK_FALSE(on_duty(d, "carl"));
  d.admit_schedules({});  // then it is a group like any other
  CHECK(on_duty(d, "bob"));
  CHECK(on_duty(d, "carl"));
}

TEST_CASE("only the schedules of the configuration in force count, with their groups") {
  Directory d = office();
  apply(d, on_call("alice", "oncall:primary", kPrimary, at(60)));
  d.admit_schedules({{"oncall:primary", {"sre-oncall", "dba"}}});
  CHECK_FALSE(on_duty(d, "alice"));
  d.admit_schedules({{"oncall:other", kPrimary}});
  CHECK_FALSE(on_duty(d, "alice"));
  d.admit_schedules({{"oncall:primary", kPrimary}});
  CHECK(on_duty(d, "alice"));
  d.admit_schedules({});
  CHECK_FALSE(on_duty(d, "alice"));
  // A word that names no pool, or another group, is none.
  d.admit_schedules({{"oncall:primary", kPrimary}});
  apply(d, groups_vouched("alice", "oncall:primary", {"sre-oncall"}, at(60)));
  CHECK_FALSE(on_duty(d, "alice"));
  apply(d, on_call("alice", "oncall:primary", {"dba", "sre"}, at(60)));
  CHECK_FALSE(on_duty(d, "alice"));
  CHECK_FALSE(d.in_group("alice", "dba"));
}

TEST_CASE("simulated people are on call in a demo only") {
  Directory d = office();
  apply(d, person_added({.id = "robin", .groups = {"sre"}, .simulated = true}));
  apply(d, on_call("robin", "oncall:primary", kPrimary, at(60)));
  CHECK_FALSE(on_duty(d, "robin"));
  d.admit_simulated(true);
  CHECK(on_duty(d, "robin"));
  d.admit_simulated(false);
  CHECK_FALSE(on_duty(d, "robin"));
}
