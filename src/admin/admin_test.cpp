#include "admin/admin.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "doc/json.h"
#include "gate/testing.h"
#include "identity/identity.h"

using namespace keyturn;
using namespace keyturn::admin;

namespace {

constexpr std::string_view kHead =
    "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: office, revision: 2}\nrules:\n";

// A policy that asks `count` people of `group` for the tool `ask`.
std::string asks(std::string_view group, int count) {
  return std::string(kHead) +
         "- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {" +
         std::string(group) + ": " + std::to_string(count) + "}, expires: 1h}}\n";
}

// The gate's people and three administrators, ada, ben and cleo; the passkeys and tokens are those
// of a real Identity.
struct Office : gate::testing::Bench {
  std::unique_ptr<identity::Identity> people_in;
  std::unique_ptr<Admin> admin;

  Office() {
    serve();
    for (const char* id : {"ben", "cleo"}) add(id);
    record({people::group_changed("administrators", {"ada", "ben", "cleo"}, {})});
  }
  static Task<Result<void>> here(std::function<void()> job) {
    job();
    co_return Result<void>{};
  }
  // What the composition root does.
  void serve() {
    people_in = std::make_unique<identity::Identity>(*gate, identity::IdentityOptions{});
    people_in->load();
    admin = std::make_unique<Admin>(
        *gate,
        Credentials{[this](const std::string& id) { return people_in->has_credential(id); },
                    [this] { return people_in->end_host_tokens(); }},
        [](std::function<void()> job) { return here(std::move(job)); });
  }
  void reopen() {
    admin.reset();
    people_in.reset();
    open();
    serve();
  }
  void add(const std::string& id) {
    people::Person person;
    person.id = person.name = id;
    record({people::person_added(person)});
  }
  void enrol(const std::string& id) {
    record({{"credential/" + to_base64url(id), "identity.credential_added",
             doc::object({{"credential", doc::object({{"id", to_base64url(id)},
                                                      {"person", id},
                                                      {"algorithm", -7},
                                                      {"public_key", ""}})}}),
             std::nullopt}});
  }
  Result<std::string> seal() { return run(admin->seal()); }
  void seal_with_three() {
    for (const char* id : {"ada", "ben", "cleo"}) enrol(id);
    const Result<std::string> sealed = seal();
    REQUIRE_MESSAGE(sealed.has_value(), (sealed ? "" : sealed.error().message));
  }
  std::string token(const Principal& by, std::optional<std::string> agent,
                    std::optional<std::string> person) {
    Result<identity::NewToken> made =
        run(people_in->create_token(by, {std::move(agent), std::move(person), {}, ""}));
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    return std::string(made->secret.reveal());
  }
  std::string says(const std::string& token) {
    const Result<Principal> who = people_in->authenticate_bearer(token);
    return who ? who->id : who.error().code;
  }
  static Principal in_browser(const std::string& id) {
    return {PrincipalKind::kPerson, id, "ses_" + id, Assurance::kSession, "web"};
  }
  static Principal host() { return {PrincipalKind::kHost, "host", "", Assurance::kToken, "host"}; }
  Result<gate::Submitted> propose(ConfigurationChange change) {
    return run(admin->propose(in_browser("ada"), std::move(change), "because"));
  }
  // Both agree, and what they agreed to is done, or is not.
  Outcome agree(const gate::RecordPtr& proposed) {
    for (const char* who : {"ben", "cleo"}) {
      gate::VoteCommand command;
      command.digest = proposed->case_digest;
      command.decision = review::Decision::kApprove;
      const auto voted = run(gate->vote(in_browser(who), proposed->id, std::move(command)));
      REQUIRE_MESSAGE(voted.has_value(), (voted ? "" : voted.error().message));
    }
    REQUIRE(until([&] { return is_final(state(proposed->id)); }));
    const gate::RecordPtr done = run(gate->find(host(), proposed->id));
    REQUIRE(done->outcome.has_value());
    return *done->outcome;
  }
  const people::Directory& directory() const { return gate->world().directory; }
  std::string in_force() const { return std::string(gate->world().configuration->policy->name()); }
};

std::vector<std::string> types_of(const store::AppendRequest& append) {
  std::vector<std::string> out;
  for (const EventDraft& draft : append.events) out.push_back(draft.type);
  return out;
}

}  // namespace

TEST_CASE(
    "the seal wants two unrelated administrators who each have a passkey, and says who lacks one") {
  Office office;
  office.enrol("olga");  // no administrator
  const auto refusal = [&] {
    const Result<std::string> sealed = office.seal();
    REQUIRE_FALSE(sealed.has_value());
    return sealed.error();
  };
  CHECK(refusal().code == "administrators_without_passkey");
  office.enrol("ada");
  CHECK(refusal().code == "administrators_without_passkey");
  CHECK(refusal().message.contains("ben, cleo"));
  CHECK_FALSE(refusal().message.contains("ada"));
  CHECK(refusal().message.contains("keyturn person enrol"));
  SUBCASE("a second account of the same human is the same human") {
    people::Person again;
    again.id = "ada-work";
    again.aliases = {"ada"};
    office.record({people::person_added(again),
                   people::group_changed("administrators", {"ada-work"}, {"ben", "cleo"})});
    office.enrol("ada-work");
    CHECK(refusal().code == "too_few_administrators");
  }
  SUBCASE("nor does one count who is shut out") {
    office.enrol("ben");
    office.record({people::person_deactivated("ben", "left")});
    CHECK(refusal().code == "administrators_without_passkey");
    CHECK_FALSE(refusal().message.contains("ben"));
  }
  SUBCASE("with two it is sealed, across a restart") {
    office.enrol("cleo");
    CHECK(office.seal().has_value());
    office.reopen();
    CHECK(office.gate->world().configuration->sealed);
    CHECK(refusal().code == "sealed");
  }
}

TEST_CASE("the seal ends what the host made for people, in the same commit; the rest goes on") {
  Office office;
  const std::string of_host = office.token(Office::host(), {}, "ada"),
                    of_agent = office.token(Office::host(), "bot", {}),
                    own = office.token(Office::in_browser("ada"), {}, "ada");
  CHECK(office.says(of_host) == "ada");
  office.seal_with_three();
  CHECK(office.says(of_host) == "revoked_token");
  CHECK(office.says(of_agent) == "bot");
  CHECK(office.says(own) == "ada");
  CHECK(types_of(office.journal->appends.back()) ==
        std::vector<std::string>{"identity.token_revoked", "config.sealed"});
  CHECK(office.run(office.people_in->create_token(Office::host(), {{}, "ada", {}, ""}))
            .error()
            .code == "sealed");
  const auto tokens = office.people_in->list_tokens("ada");
  CHECK(tokens.as_array().size() == 1);
  office.reopen();
  CHECK(office.says(of_host) != "ada");
  CHECK(office.says(of_agent) == "bot");
  CHECK(office.says(own) == "ada");
  REQUIRE(office.run(office.admin->break_seal("both left")).has_value());
  CHECK(office.says(of_host) != "ada");
}

TEST_CASE("a token that the host makes while it is being sealed opens nothing") {
  Office office;
  for (const char* id : {"ada", "ben"}) office.enrol(id);
  const auto making = [&] {
    return office.begin(office.people_in->create_token(Office::host(), {{}, "ada", {}, ""}));
  };
  SUBCASE("it is on its way to the disk when the seal comes, which does not know of it") {
    const auto made = making();
    const auto sealed = office.begin(office.admin->seal());
    REQUIRE(office.until([&] { return made->has_value() && sealed->has_value(); }));
    REQUIRE(sealed->value().has_value());
    REQUIRE(made->value().has_value());
    CHECK(office.says(std::string(made->value()->secret.reveal())) == "revoked_token");
    CHECK(office.people_in->list_tokens("ada").as_array().empty());
  }
  SUBCASE("the seal is on its way to the disk") {
    const auto sealed = office.begin(office.admin->seal());
    const auto made = making();
    REQUIRE(office.until([&] { return made->has_value() && sealed->has_value(); }));
    REQUIRE(sealed->value().has_value());
    CHECK(made->value().error().code == "conflict");
  }
}

TEST_CASE("a proposal is one append: people, tools and policy, or nothing of it") {
  Office office;
  office.enrol("eve");
  office.seal_with_three();
  ConfigurationChange change;
  change.people = {{"eve", "Eve", "eve@example.com", {"sec"}, {}, false},
                   {"fay", "Fay", "fay@example.com", {"sec"}, {}, false}};
  change.policy_text = asks("sec", 2);
  SUBCASE("the policy may rest on the people of the same proposal") {
    const auto proposed = office.propose(change);
    REQUIRE_MESSAGE(proposed.has_value(), (proposed ? "" : proposed.error().message));
    const Outcome outcome = office.agree(proposed->record);
    CHECK_MESSAGE(outcome.kind == OutcomeKind::kSucceeded, outcome.reason);
    CHECK(office.directory().in_group("fay", "sec"));
    CHECK(office.in_force() == "office");
    const auto whole = std::ranges::find_if(office.journal->appends, [](const auto& append) {
      return append.events.back().type == "policy.activated" && append.events.size() > 1;
    });
    REQUIRE(whole != office.journal->appends.end());
    CHECK(types_of(*whole) ==
          std::vector<std::string>{"identity.person_added", "identity.group_changed",
                                   "identity.person_added", "identity.group_changed",
                                   "policy.activated"});
  }
  SUBCASE("a policy that does not load any more takes the people with it") {
    change.policy_text = asks("dba", 2);
    const auto proposed = office.propose(change);
    REQUIRE_MESSAGE(proposed.has_value(), (proposed ? "" : proposed.error().message));
    office.record({people::person_deactivated("erin", "left")});
    const Outcome outcome = office.agree(proposed->record);
    CHECK(outcome.kind == OutcomeKind::kFailed);
    CHECK(outcome.reason.contains("nothing was changed"));
    CHECK(office.in_force() == "tests");
    CHECK(office.directory().person("eve") == nullptr);
    CHECK_FALSE(office.directory().has_group("sec"));
  }
  SUBCASE("people who cannot be added take the policy with them") {
    change.policy_text = asks("dba", 1);
    const auto proposed = office.propose(change);
    REQUIRE_MESSAGE(proposed.has_value(), (proposed ? "" : proposed.error().message));
    office.record({people::alias_added("mia", "eve@example.com")});
    CHECK(office.agree(proposed->record).kind == OutcomeKind::kFailed);
    CHECK(office.in_force() == "tests");
    CHECK(office.directory().person("fay") == nullptr);
  }
}

TEST_CASE(
    "no proposal leaves a sealed configuration without its administrators, nor a policy without "
    "its people") {
  Office office;
  office.seal_with_three();
  const auto code = [&](std::vector<NewPerson> people) {
    ConfigurationChange change;
    change.people = std::move(people);
    const auto proposed = office.propose(std::move(change));
    return proposed ? std::string("accepted") : proposed.error().code;
  };
  CHECK(code({{"ben", "", "", {}, {}, false}, {"cleo", "", "", {}, {}, false}}) ==
        "too_few_administrators");
  CHECK(code({{"dora", "", "d@example.com", {}, {}, false},
              {"fritz", "d@example.com", "", {}, {}, false}}) == "confusing_name");
  CHECK(code({{"ben", "", "", {}, {}, false},
              {"cleo", "", "", {}, {}, false},
              {"mia", "", "", {"administrators"}, {}, false}}) == "administrators_without_passkey");
  CHECK(code({{"bob", "", "", {}, {}, false}, {"erin", "", "", {}, {}, false}}) ==
        "invalid_configuration");  // nobody would be left in dba
  CHECK(code({{"cleo", "", "", {}, {}, false}}) == "accepted");
  SUBCASE("a policy that is broken already stands in nobody's way") {
    office.record({people::person_deactivated("bob", ""), people::person_deactivated("erin", "")});
    CHECK(code({{"mia", "", "", {"dba"}, {}, false}}) == "accepted");
    CHECK(code({{"mia", "", "", {"sre"}, {}, false}}) == "accepted");
  }
}

namespace {

// As kPolicy of the gate's tests, but `run` is denied.
std::string without_run() {
  return std::string(kHead) + "- {id: no-run, match: {tool: [run]}, effect: deny}\n";
}

const doc::Value& said_of(const gate::RecordPtr& record, std::string_view key) {
  const doc::Value* found = record->description.find(key);
  REQUIRE_MESSAGE(found != nullptr, doc::write_json(record->description));
  return *found;
}

}  // namespace

TEST_CASE("the case of a proposal has the difference and what recorded decisions would become") {
  Office office;
  for (int i = 0; i < 3; ++i) office.ask("run");
  ConfigurationChange change;
  change.policy_text = without_run();
  const auto proposed = office.propose(change);
  REQUIRE_MESSAGE(proposed.has_value(), (proposed ? "" : proposed.error().message));
  const gate::RecordPtr record = proposed->record;
  const std::string lines(said_of(record, "changes").as_array().at(0).text("lines"));
  CHECK(lines.contains("+ - {id: no-run, match: {tool: [run]}, effect: deny}\n"));
  CHECK(doc::write_json(said_of(record, "rules")).contains("rules no-run"));
  const doc::Value& replay = said_of(record, "replay");
  CHECK(replay.integer("looked_at") == 3);
  CHECK(replay.integer("stricter") == 3);
  CHECK(replay.find("flips")->as_array().at(0).find("examples")->as_array().size() == 3);
  SUBCASE("it is in the ledger's private part, and the case's digest names it") {
    const std::vector<Event> events = office.stream(record->id);
    REQUIRE(events.front().private_part.has_value());
    CHECK(*events.front().private_part->find("description") == record->description);
  }
  SUBCASE("it is made as it was looked at, though decisions went on") {
    office.ask("run");
    CHECK(office.agree(record).kind == OutcomeKind::kSucceeded);
    CHECK(office.in_force() == "office");
  }
  SUBCASE("when something else came into force, people look at it anew") {
    const std::string before = record->case_digest;
    office.activate("policy", asks("dba", 1));
    for (const char* who : {"ben", "cleo"}) {
      gate::VoteCommand command;
      command.digest = record->case_digest;
      command.decision = review::Decision::kApprove;
      REQUIRE(office.run(office.gate->vote(Office::in_browser(who), record->id, command)));
    }
    const gate::RecordPtr again = office.run(office.gate->find(Office::host(), record->id));
    CHECK(again->state == State::kPending);
    CHECK(again->case_digest != before);
    const std::string now(said_of(again, "changes").as_array().at(0).text("lines"));
    CHECK(now.contains("- - {id: asked"));
    CHECK(office.in_force() == "office");
    CHECK(office.gate->world().configuration->policy->rule_ids() ==
          std::vector<std::string>{"asked"});
    CHECK(office.agree(again).kind == OutcomeKind::kSucceeded);
    CHECK(office.gate->world().configuration->policy->rule_ids() ==
          std::vector<std::string>{"no-run"});
  }
}

TEST_CASE("who may not look at all decisions gets no examples of them into a case") {
  Office office;
  office.ask("run");
  ConfigurationChange change;
  change.policy_text = without_run();
  const auto proposed =
      office.run(office.admin->propose(Office::in_browser("mia"), std::move(change), "please"));
  REQUIRE_MESSAGE(proposed.has_value(), (proposed ? "" : proposed.error().message));
  const doc::Value& replay = said_of(proposed->record, "replay");
  CHECK(replay.integer("stricter") == 1);
  CHECK(replay.find("flips")->as_array().at(0).find("examples")->as_array().empty());
  CHECK(replay.flag("without_examples"));
}

TEST_CASE("a change of people alone has no difference and no replay, and tools no replay") {
  Office office;
  ConfigurationChange change;
  change.people = {{"fay", "Fay", "fay@example.com", {}, {}, false}};
  auto proposed = office.propose(change);
  REQUIRE(proposed.has_value());
  CHECK(proposed->record->description == doc::object({{"against", doc::Object{}}}));
  change.people.reset();
  change.tools_text = office.gate->world().configuration->tools_text + "# a comment\n";
  proposed = office.propose(change);
  REQUIRE_MESSAGE(proposed.has_value(), (proposed ? "" : proposed.error().message));
  CHECK(said_of(proposed->record, "changes").as_array().size() == 1);
  CHECK(proposed->record->description.find("replay") == nullptr);
}
