// What providers vouch for: accounts, and groups for a time.
#include <doctest/doctest.h>

#include "doc/json.h"
#include "people/directory.h"
#include "people/testing.h"

using namespace keyturn;
using namespace keyturn::people;
using people::testing::apply;
using people::testing::at;

namespace {

Directory office() {
  Directory d;
  apply(d, person_added({.id = "alice", .groups = {"dba"}}));
  apply(d, person_added({.id = "bob"}));
  return d;
}

}  // namespace

TEST_CASE("groups that a provider vouches for count until they are too old") {
  Directory d = office();
  apply(d, groups_vouched("bob", "oidc:okta", {"sre", "dba"}, at(60)));
  apply(d, groups_vouched("bob", "scim:okta", {"web"}, std::nullopt));
  CHECK(d.in_group("bob", "sre"));
  CHECK(d.person("bob")->groups == std::set<std::string>{"dba", "sre", "web"});
  d.pass_time(at(59));
  CHECK(d.in_group("bob", "sre"));
  d.pass_time(at(60));
  CHECK_FALSE(d.in_group("bob", "sre"));
  CHECK_FALSE(d.members("dba").contains("bob"));
  CHECK(d.in_group("bob", "web"));
  d.pass_time(at(10));  // never back
  CHECK_FALSE(d.in_group("bob", "sre"));
  apply(d, groups_vouched("bob", "oidc:okta", {"sre"}, at(120)));
  CHECK(d.in_group("bob", "sre"));
  CHECK_FALSE(d.in_group("bob", "dba"));
}

TEST_CASE("a newer word replaces the older one of the same source, and unknown is none") {
  Directory d = office();
  apply(d, groups_vouched("bob", "oidc:okta", {"sre"}, at(60)));
  apply(d, groups_vouched("bob", "oidc:okta", {"web"}, at(90)));
  CHECK(d.person("bob")->groups == std::set<std::string>{"web"});
  d.pass_time(at(60));  // the end of the first says nothing of the second
  CHECK(d.in_group("bob", "web"));
  apply(d, groups_unknown("bob", "oidc:okta", "the list was cut at 100"));
  CHECK(d.person("bob")->groups.empty());
  CHECK_FALSE(d.person("bob")->vouched.at("oidc:okta").known);
}

TEST_CASE("what people keep here and what a provider says are apart") {
  Directory d = office();
  apply(d, groups_vouched("alice", "oidc:okta", {"dba"}, at(60)));
  apply(d, group_changed("dba", {}, {"alice"}));
  CHECK(d.in_group("alice", "dba"));  // the provider says so
  d.pass_time(at(60));
  CHECK_FALSE(d.in_group("alice", "dba"));
  apply(d, group_changed("dba", {"alice"}, {}));
  apply(d, groups_vouched("alice", "oidc:okta", {}, at(90)));
  CHECK(d.in_group("alice", "dba"));
}

TEST_CASE("an account belongs to one person") {
  Directory d = office();
  apply(d, account_linked("alice", "okta:abc", "alice"));
  REQUIRE(d.by_account("okta:abc") != nullptr);
  CHECK(d.by_account("okta:abc")->id == "alice");
  CHECK(can_link_account(d, "bob", "okta:abc").error().code == "account_taken");
  CHECK(can_link_account(d, "nobody", "okta:x").error().code == "unknown_person");
  apply(d, account_linked("bob", "okta:abc", "bob"));  // two at once: the first holds
  CHECK(d.by_account("okta:abc")->id == "alice");
  CHECK(d.person("bob")->accounts.empty());
  apply(d, account_unlinked("bob", "okta:abc", "bob"));
  CHECK(d.by_account("okta:abc")->id == "alice");
  apply(d, account_unlinked("alice", "okta:abc", "alice"));
  CHECK(d.by_account("okta:abc") == nullptr);
  // It was hers: it never makes somebody else of the same human.
  CHECK(d.first_of("okta:abc")->id == "alice");
  CHECK(can_link_account(d, "bob", "okta:abc").error().code == "account_taken");
  apply(d, account_linked("bob", "okta:abc", "bob"));
  CHECK(d.by_account("okta:abc") == nullptr);
  apply(d, account_linked("alice", "okta:abc", "alice"));
  CHECK(d.by_account("okta:abc")->id == "alice");
}

TEST_CASE("a delegation that makes no sense is refused with its place") {
  Directory d = office();
  apply(d, person_added({.id = "alice.home", .aliases = {"alice"}}));
  apply(d, person_added({.id = "cron", .service_of = "bob"}));
  d.pass_time(at(0));
  const auto refused = [&](Delegation x) {
    const auto ok = can_delegate(d, x);
    return ok ? std::string("ok") : ok.error().where;
  };
  Delegation good{"del_1", "alice", "bob", {"dba"}, at(0), at(60)};
  CHECK(refused(good) == "ok");
  const auto with = [&](auto change) {
    Delegation x = good;
    change(x);
    return refused(x);
  };
  CHECK(with([](Delegation& x) { x.to = "zoe"; }) == "/to");
  CHECK(with([](Delegation& x) { x.to = "alice"; }) == "/to");
  CHECK(with([](Delegation& x) { x.to = "alice.home"; }) == "/to");
  CHECK(with([](Delegation& x) { x.to = "cron"; }) == "/to");
  CHECK(with([](Delegation& x) { x.from = "cron"; }) == "/from");
  CHECK(with([](Delegation& x) { x.groups = {"sre"}; }) == "/groups");
  CHECK(with([](Delegation& x) { x.until = x.start; }) == "/until");
  CHECK(with([](Delegation& x) { x.until = x.start + kDelegationMax * 2; }) == "/until");
  apply(d, person_deactivated("bob", "left"));
  CHECK(refused(good) == "/to");
  apply(d, person_activated("bob"));
  for (int i = 0; i < kDelegationsMax; ++i) {
    CHECK(refused(good) == "ok");
    good.id = "del_" + std::to_string(i);
    apply(d, delegated(good));
  }
  CHECK(refused(good) == "/to");
  apply(d, delegation_ended(good, "alice"), at(0));
  CHECK(refused(good) == "ok");
}

TEST_CASE("what a provider calls somebody is theirs alone, and goes with the mail address") {
  Directory d = office();
  Person alice = *d.person("alice");
  alice.addresses = {"alice@corp.example", "A.Smith@corp.example"};
  CHECK(can_change_person(d, alice));
  const EventDraft draft = person_changed(alice);
  CHECK(doc::write_json(draft.body).find("corp.example") == std::string::npos);
  apply(d, draft);
  CHECK(d.resolve("a.smith@CORP.example")->id == "alice");
  CHECK(can_add_person(d, {.id = "zoe", .addresses = {"alice+x@corp.example"}}).error().code ==
        "identifier_taken");
  Person bob = *d.person("bob");
  bob.email = "alice@corp.example";
  CHECK(can_change_person(d, bob).error().code == "identifier_taken");
  bob.email = "bob@corp.example";
  bob.name = "a1ice";
  CHECK(can_change_person(d, bob).error().code == "confusing_name");
  bob.name = "B\u200bob";
  CHECK(can_change_person(d, bob).error().code == "invalid_name");
  apply(d, person_deactivated("alice", "left"));
  apply(d, person_forgotten("alice", {}));
  CHECK(d.resolve("alice@corp.example") == nullptr);
  CHECK(d.person("alice")->addresses.empty());
}
