#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "people/directory.h"
#include "people/lineage.h"
#include "people/names.h"
#include "people/testing.h"

using namespace keyturn;
using namespace keyturn::people;
using people::testing::apply;
using people::testing::at;

namespace {

Directory office() {
  Directory d;
  apply(d, person_added({.id = "alice",
                         .name = "Alice",
                         .email = "alice@example.com",
                         .groups = {"dba"},
                         .admin = true}));
  apply(d, person_added({.id = "bob", .email = "bob@example.com", .groups = {"dba", "sre"}}));
  apply(d, person_added({.id = "carol", .email = "carol@example.com", .groups = {"sre"}}));
  apply(d, agent_added("ops-bot", "alice"));
  return d;
}

Principal agent(std::string name) {
  return {PrincipalKind::kAgent, std::move(name), {}, {}, "api"};
}
Principal human(std::string id) {
  return {PrincipalKind::kPerson, std::move(id), {}, Assurance::kSession, "web"};
}

TEST_CASE("what is kept of a directory is good until somebody may count otherwise") {
  Directory d;
  apply(d, person_added({.id = "ann"}));
  apply(d, person_added({.id = "ben"}));
  apply(d, agent_added("bot", "ann"));
  std::uint64_t last = d.version();
  const auto moved = [&] { return std::exchange(last, d.version()) != last; };
  // A sign-in, a token, a passkey: nobody counts otherwise for it.
  for (const char* stream : {"session/ses_1", "token/tok_1", "credential/c", "enrolment/e"}) {
    Event event;
    event.stream = stream;
    event.type = "identity.session_opened";
    event.body = doc::object({{"person", "ann"}});
    evolve(d, event);
    CHECK_FALSE(moved());
  }
  apply(d, group_changed("dba", {"ben"}, {}));
  CHECK(moved());
  apply(d, person_deactivated("ben", "left"));
  CHECK(moved());
  apply(d, agent_owner_changed("bot", "ben"));
  CHECK(moved());
  Delegation one;
  one.id = "del_1";
  one.from = "ann";
  one.to = "ben";
  one.start = at(10);
  one.until = at(20);
  apply(d, delegated(one));
  CHECK(moved());
  d.pass_time(at(9));
  CHECK_FALSE(moved());
  d.pass_time(at(10));  // it begins
  CHECK(moved());
  d.pass_time(at(19));
  CHECK_FALSE(moved());
  d.pass_time(at(20));  // it is over
  CHECK(moved());
  // Two that went different ways from one are never taken for one another.
  Directory other = d;
  apply(d, group_changed("sre", {"ann"}, {}));
  apply(other, group_changed("sre", {"ben"}, {}));
  CHECK(d.version() != other.version());
}

}  // namespace

TEST_CASE("identifiers of one human fold to one text") {
  const struct {
    const char* a;
    const char* b;
    bool same;
  } table[] = {
      {"Alice@Example.COM", "alice@example.com", true},
      {" alice@example.com\n", "alice@example.com", true},
      {"Alice A. <alice@example.com>", "alice@example.com", true},
      {"mailto:alice@example.com", "alice@example.com", true},
      {"MAILTO:alice@example.com", "alice@example.com", true},
      {"alice+bot@example.com", "alice@example.com", true},
      {"\xef\xbd\x81lice@example.com", "alice@example.com", true},  // full-width a
      {"ali\xe2\x80\x8b"
       "ce@example.com",
       "alice@example.com", true},  // zero width space
      {"stra\xc3\x9f"
       "e@example.com",
       "STRASSE@example.com", true},
      {"alice@example.com", "alice@example.org", false},
      {"alice", "alice@example.com", false},
      {"+1@example.com", "+2@example.com", false},
      {"alice+1", "alice", false},
  };
  for (const auto& row : table) {
    CAPTURE(row.a);
    CAPTURE(row.b);
    CHECK((fold_identifier(row.a) == fold_identifier(row.b)) == row.same);
  }
  CHECK(skeleton("\xd0\xb0lice") == skeleton("alice"));  // Cyrillic a
  CHECK(skeleton("alicc") != skeleton("alice"));
  CHECK(is_plain_name("Ada Lovelace"));
  CHECK(is_plain_name("J\xc3\xbcrgen"));
  for (const char* name : {"", " a", "a\nb",
                           "a\xe2\x80\xae"
                           "b",
                           "a\xe2\x80\x8b", "\xff", "a\x1b[0m",
                           "a\xc2\xa0"
                           "b",
                           "\xe3\x85\xa4"}) {
    CAPTURE(name);
    CHECK_FALSE(is_plain_name(name));
  }
}

TEST_CASE("the events make the directory") {
  Directory d = office();
  REQUIRE(d.person("alice") != nullptr);
  CHECK(d.person("alice")->admin);
  CHECK(d.resolve("ALICE@example.com") == d.person("alice"));
  CHECK(d.resolve("mallory") == nullptr);
  CHECK(d.in_group("bob", "sre"));
  CHECK(d.members("dba") == std::set<std::string>{"alice", "bob"});
  apply(d, group_changed("sre", {"alice", "nobody"}, {"bob"}));
  CHECK(d.members("sre") == std::set<std::string>{"alice", "carol"});
  CHECK(d.person("bob")->groups == std::set<std::string>{"dba"});
  apply(d, group_changed("empty", {}, {}));
  CHECK(d.has_group("empty"));
  apply(d, person_deactivated("bob", "left"));
  CHECK_FALSE(d.person("bob")->active);
  apply(d, person_activated("bob"));
  CHECK(d.person("bob")->active);
  Person changed = *d.person("bob");
  changed.email = "robert@example.com";
  changed.auditor = true;
  apply(d, person_changed(changed));
  CHECK(d.resolve("bob@example.com") == nullptr);
  CHECK(d.resolve("robert@example.com") == d.person("bob"));
  CHECK(d.person("bob")->auditor);
  apply(d, agent_suspended("ops-bot", "alice", "odd"));
  CHECK(d.agent("ops-bot")->suspended);
  apply(d, agent_resumed("ops-bot", "alice"));
  CHECK_FALSE(d.agent("ops-bot")->suspended);
}

TEST_CASE("simulated persons are active in a demo only, whatever happened in one") {
  Directory d = office();
  apply(d, person_added({.id = "robin", .groups = {"dba"}, .simulated = true}));
  const auto counts = [&d] {
    return d.person("robin")->active && may_review(d, Lineage{}, "robin");
  };
  CHECK_FALSE(counts());
  apply(d, person_activated("robin"));
  CHECK_FALSE(counts());
  d.admit_simulated(true);
  CHECK(counts());
  apply(d, person_deactivated("robin", ""));
  CHECK_FALSE(counts());
  d.admit_simulated(true);
  CHECK_FALSE(counts());
  apply(d, person_activated("robin"));
  CHECK(counts());
  apply(d, person_added({.id = "kim", .admin = true, .simulated = true}));
  CHECK(may_cancel(d, Lineage{}, human("kim")));
  d.admit_simulated(false);
  CHECK_FALSE(counts());
  CHECK_FALSE(may_cancel(d, Lineage{}, human("kim")));
  CHECK(d.person("bob")->active);
  CHECK(can_add_agent(d, "demo-agent", "robin"));  // they may answer for a demo's agent
}

TEST_CASE("history is never refused: events that make no sense change nothing") {
  const Directory before = office();
  Directory d = before;
  for (const char* type :
       {"identity.person_added", "identity.person_changed", "identity.person_deactivated",
        "identity.alias_added", "identity.group_changed", "identity.agent_added",
        "identity.agent_suspended", "identity.unheard_of", "review.opened"}) {
    for (const doc::Value& body :
         {doc::Value(), doc::Value("x"), doc::object({{"person", 1}, {"agent", "x"}, {"group", 2}}),
          doc::object({{"person", doc::object({{"id", "zoe"}})},
                       {"alias", doc::object({{"person", "zoe"}, {"alias", "z"}})}})}) {
      if (std::string_view(type) == "identity.person_added" && body.find("person") != nullptr &&
          body.find("person")->is_object()) {
        continue;
      }
      Event e;
      e.type = type;
      e.body = body;
      evolve(d, e);
    }
  }
  CHECK(d == before);
}

TEST_CASE("accounts that share an address or alias, or serve one another, are one human") {
  Directory d = office();
  CHECK_FALSE(d.same_human("alice", "bob"));
  CHECK_FALSE(d.same_human("nobody", "nobody"));
  apply(d, person_added({.id = "alice2", .email = "ALICE@example.com", .groups = {"sre"}}));
  CHECK(d.same_human("alice", "alice2"));
  apply(d, alias_added("carol", "alice2"));
  CHECK(d.same_human("alice", "carol"));
  CHECK_FALSE(d.same_human("alice", "bob"));
  // The servant may be known before its master.
  Directory e;
  apply(e, person_added({.id = "svc", .service_of = "dan"}));
  CHECK_FALSE(e.same_human("svc", "dan"));
  apply(e, person_added({.id = "dan"}));
  CHECK(e.same_human("svc", "dan"));
}

TEST_CASE("nobody takes somebody else's name, address or looks") {
  Directory d = office();
  const struct {
    const char* what;
    Person person;
    const char* code;  // "" fine
  } table[] = {
      {"new", {.id = "dave", .name = "Dave", .email = "dave@example.com"}, ""},
      {"name is another's id",
       {.id = "alice.b", .name = "Alice", .email = "ab@example.com"},
       "confusing_name"},
      {"exists", {.id = "bob"}, "person_exists"},
      {"another case", {.id = "BOB"}, "identifier_taken"},
      {"bad id", {.id = "a b"}, "invalid_id"},
      {"empty id", {.id = ""}, "invalid_id"},
      {"address taken", {.id = "dave", .email = "Bob+x@Example.com"}, "identifier_taken"},
      {"alias taken", {.id = "dave", .aliases = {"carol"}}, "identifier_taken"},
      {"name is another's address", {.id = "dave", .name = "bob@example.com"}, "confusing_name"},
      {"name looks like another's id", {.id = "dave", .name = "\xd0\xb0lice"}, "confusing_name"},
      {"invisible name", {.id = "dave", .name = "Dave\xe2\x80\xae"}, "invalid_name"},
      {"own service account",
       {.id = "svc", .email = "alice@example.com", .service_of = "alice"},
       ""},
      {"service of nobody", {.id = "svc", .service_of = "zoe"}, "unknown_owner"},
  };
  for (const auto& row : table) {
    CAPTURE(row.what);
    const auto result = can_add_person(d, row.person);
    CHECK((result ? std::string() : result.error().code) == row.code);
  }
  CHECK(can_add_alias(d, "bob", "robert@example.com"));
  CHECK(can_add_alias(d, "bob", "alice").error().code == "identifier_taken");
  CHECK(can_add_alias(d, "zoe", "z").error().code == "unknown_person");
  CHECK(can_add_agent(d, "deployer", "bob"));
  CHECK(can_add_agent(d, "ops-bot", "bob").error().code == "agent_exists");
  CHECK(can_add_agent(d, "0ps-bot", "bob").error().code == "confusing_name");
  CHECK(can_add_agent(d, "deployer", "zoe").error().code == "unknown_owner");
}

TEST_CASE("nobody of the lineage may review") {
  Directory d = office();
  apply(d, person_added({.id = "dave", .email = "dave@example.com"}));
  apply(d, person_added({.id = "erin", .email = "erin@example.com"}));
  const auto code = [&](const Lineage& l, std::string_view person) {
    const auto relation = related(d, l, person);
    return relation ? relation->code : std::string();
  };
  const doc::Value claims = doc::object({{"on_behalf_of", "Carol <CAROL@example.com>"}});
  Lineage l = lineage_of(d, agent("ops-bot"), at(10), claims);
  CHECK(code(l, "alice") == "related_to_requester");  // the owner, an admin too
  CHECK(code(l, "carol") == "related_to_requester");  // claimed
  CHECK(code(l, "bob").empty());
  CHECK(may_review(d, l, "bob"));
  CHECK_FALSE(may_review(d, l, "nobody"));
  CHECK(persons_of(d, l) == std::set<std::string>{"alice", "carol"});

  apply(d, alias_added("dave", "alice@example.com"));  // an alias learnt later
  CHECK(code(l, "dave") == "related_to_requester");
  l.add(Role::kAmender, "bob");
  CHECK(code(l, "bob") == "related_to_requester");
  CHECK(lineage_from_value(to_value(l)) == l);

  Lineage own = lineage_of(d, human("carol"), at(10), {});
  CHECK(code(own, "carol") == "own_request");
  own.add(Role::kOpener, "carol");
  CHECK(code(own, "carol") == "own_request");
  apply(d, person_added({.id = "carol-ci", .service_of = "carol"}));
  CHECK(code(own, "carol-ci") == "own_request");
  CHECK(code(lineage_of(d, human("carol-ci"), at(1), {}), "carol") == "own_request");
  CHECK_FALSE(may_review(d, lineage_of(d, human("bob"), at(1), {}), "carol-ci"));
  apply(d, person_deactivated("erin", ""));
  CHECK_FALSE(may_review(d, l, "erin"));
}

TEST_CASE("every owner from the request to now counts, and none from before it") {
  Directory d = office();
  apply(d, agent_owner_changed("ops-bot", "bob"), at(10));
  apply(d, agent_owner_changed("ops-bot", "carol"), at(20));
  const auto owners = [&](int minute) {
    return persons_of(d, Lineage{PrincipalKind::kAgent, "ops-bot", at(minute), {}});
  };
  using Ids = std::set<std::string>;
  CHECK(owners(5) == Ids{"alice", "bob", "carol"});
  CHECK(owners(10) == Ids{"alice", "bob", "carol"});
  CHECK(owners(11) == Ids{"bob", "carol"});
  CHECK(owners(30) == Ids{"carol"});
}

TEST_CASE("who may cancel") {
  Directory d = office();
  const Lineage l = lineage_of(d, agent("ops-bot"), at(0), {});
  CHECK(may_cancel(d, l, agent("ops-bot")));
  CHECK_FALSE(may_cancel(d, l, agent("other-bot")));
  CHECK(may_cancel(d, l, human("alice")));
  CHECK_FALSE(may_cancel(d, l, human("bob")));
  CHECK_FALSE(may_cancel(d, l, human("ops-bot")));
  apply(d, person_deactivated("alice", ""));
  CHECK_FALSE(may_cancel(d, l, human("alice")));
  CHECK(may_cancel(d, lineage_of(d, human("bob"), at(0), {}), human("bob")));
}

TEST_CASE("the index of humans does not depend on the order in which accounts came") {
  CHECK(rc::check([] {
    const std::vector<std::string> ids = {"a", "b", "c", "d", "e"};
    std::vector<Person> persons;
    for (const std::string& id : ids) {
      Person p{.id = id, .email = id + "@x"};
      if (*rc::gen::inRange(0, 3) == 0) p.aliases.insert(*rc::gen::elementOf(ids));
      if (*rc::gen::inRange(0, 3) == 0) p.email = *rc::gen::elementOf(ids) + "@x";
      if (*rc::gen::inRange(0, 4) == 0) p.service_of = *rc::gen::elementOf(ids);
      persons.push_back(p);
    }
    Directory forward;
    for (const Person& p : persons) apply(forward, person_added(p));
    Directory backward;
    for (auto it = persons.rbegin(); it != persons.rend(); ++it) apply(backward, person_added(*it));
    // And with the aliases learnt one by one at the end.
    Directory late;
    for (Person p : persons) {
      p.aliases.clear();
      apply(late, person_added(p));
    }
    for (const Person& p : persons) {
      for (const std::string& alias : p.aliases) apply(late, alias_added(p.id, alias));
    }
    RC_ASSERT(forward == backward);
    for (const std::string& a : ids) {
      for (const std::string& b : ids) {
        RC_ASSERT(forward.same_human(a, b) == backward.same_human(a, b));
        RC_ASSERT(forward.same_human(a, b) == late.same_human(a, b));
      }
    }
  }));
}

TEST_CASE("who was erased stays one human with their other accounts") {
  Directory d;
  const EventDraft first = person_added({.id = "alice", .email = "alice@example.com"});
  const EventDraft second = person_added({.id = "alice2", .email = "ALICE@example.com"});
  const EventDraft third = person_added({.id = "bob", .email = "bob@example.com"});
  for (const EventDraft& draft : std::vector{first, second, third}) apply(d, draft);
  REQUIRE(d.same_human("alice", "alice2"));
  const EventDraft forgotten = person_forgotten("alice", d.accounts_of("alice"));
  apply(d, forgotten);
  CHECK(d.same_human("alice", "alice2"));
  CHECK_FALSE(d.same_human("alice", "bob"));
  // The same from the record alone, where what showed it is gone.
  Directory again;
  EventDraft erased = first;
  erased.private_part.reset();
  for (const EventDraft& draft : std::vector{erased, second, third, forgotten}) apply(again, draft);
  CHECK(again.same_human("alice", "alice2"));
  CHECK_FALSE(again.same_human("alice", "bob"));
}

TEST_CASE("whom somebody could be taken for is known by what they look like now") {
  Directory d;
  apply(d, person_added({.id = "alice", .name = "Alice Doe", .email = "alice@example.com"}));
  const auto refused = [&](Person person) {
    const auto ok = can_add_person(d, person);
    return ok ? std::string("ok") : ok.error().code;
  };
  CHECK(d.looking_like(skeleton("Alice Doe")) == std::set<std::string>{"alice"});
  CHECK(refused({.id = "a1ice"}) == "confusing_name");
  CHECK(refused({.id = "x", .name = "alice@example.com"}) == "confusing_name");
  CHECK(refused({.id = "x", .name = "A1ice Doe"}) == "confusing_name");
  CHECK(refused({.id = "x", .name = "Alice Doe"}) == "ok");
  apply(d, person_changed({.id = "alice", .name = "Alice Roe", .email = "alice@example.com"}));
  CHECK(refused({.id = "x", .name = "A1ice Doe"}) == "ok");
  CHECK(refused({.id = "x", .name = "A1ice Roe"}) == "confusing_name");
  apply(d, person_forgotten("alice", {}));
  CHECK(refused({.id = "x", .name = "A1ice Roe"}) == "ok");
  CHECK(refused({.id = "a1ice"}) == "confusing_name");
  CHECK(d.looking_like(skeleton("Alice Roe")).empty());
}

TEST_CASE("who is said to have prompted it stays so when the address goes") {
  Directory d;
  apply(d, person_added({.id = "zed", .email = "zed@example.com"}));
  const Lineage lineage =
      lineage_of(d, agent("bot"), at(0), doc::object({{"on_behalf_of", "ZED@example.com"}}));
  apply(d, person_changed({.id = "zed", .email = "other@example.com"}));
  CHECK(related(d, lineage, "zed")->code == "related_to_requester");
}
