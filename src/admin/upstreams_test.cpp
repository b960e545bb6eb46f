// What an MCP server says of its tools, accepted by its host or by two administrators.
#include <algorithm>

#include "admin/admin.h"
#include "admin/upstream_view.h"
#include "catalog/pins.h"
#include "doc/json.h"
#include "gate/testing.h"

using namespace keyturn;
using namespace keyturn::admin;

namespace {

doc::Value definition(const std::string& name, const std::string& description) {
  return doc::object({{"name", name}, {"description", description}});
}

std::string digest(const doc::Value& value) {
  return catalog::definition_digest(value).value();
}

// A server "files" whose tool write was accepted as "old", and which says "new" of it now, has
// another tool, and has lost a third.
struct Servers : gate::testing::Bench {
  std::unique_ptr<Admin> admin;

  Servers() {
    admin = std::make_unique<Admin>(*gate,
                                    Credentials{[](const std::string&) { return true; },
                                                [] { return std::vector<EventDraft>{}; }},
                                    [](std::function<void()> job) { return here(std::move(job)); });
    for (const char* id : {"ben", "cleo"}) {
      people::Person person;
      person.id = person.name = id;
      record({people::person_added(person)});
    }
    record({people::group_changed("administrators", {"ada", "ben", "cleo"}, {})});
    activate("tools", "upstreams: {files: {url: https://files.example/mcp}}");
    say("upstream.pinned", {definition("write", "old"), definition("lost", "here")});
    say("upstream.offered", {definition("write", "new"), definition("more", "first seen")});
    record({{"upstream/files", "upstream.offered",
             doc::object({{"upstream", "files"}, {"tools", doc::object({{"lost", ""}})}}),
             std::nullopt}});
  }
  static Task<Result<void>> here(std::function<void()> job) {
    job();
    co_return Result<void>{};
  }
  static Principal in_browser(const std::string& id) {
    return {PrincipalKind::kPerson, id, "ses_" + id, Assurance::kSession, "web"};
  }
  Result<gate::RecordPtr> vote(const std::string& who, const gate::RecordPtr& proposed) {
    gate::VoteCommand command;
    command.digest = proposed->case_digest;
    command.decision = review::Decision::kApprove;
    Result<gate::RecordPtr> voted =
        run(gate->vote(in_browser(who), proposed->id, std::move(command)));
    settle_down();
    return voted;
  }
  void say(const std::string& type, const std::vector<doc::Value>& all) {
    doc::Value tools = doc::Object{}, definitions = doc::Object{};
    for (const doc::Value& one : all) {
      const std::string name(one.text("name"));
      tools.set(name, digest(one));
      definitions.set(name, one);
    }
    record({{"upstream/files", type,
             doc::object({{"upstream", "files"}, {"tools", tools}, {"by", "first_use"}}),
             doc::object({{"definitions", definitions}})}});
  }
  std::string pinned(const std::string& tool) const {
    const catalog::Definition* found = gate->world().pins.pinned("files", tool);
    return found == nullptr ? "none" : std::string(found->value.text("description"));
  }
  Result<gate::Submitted> wish(doc::Value tools, const std::string& upstream = "files") {
    return run(admin->propose_upstream(in_browser("ada"), upstream, std::move(tools), "a release"));
  }
  std::string code(doc::Value tools, const std::string& upstream = "files") {
    const auto proposed = wish(std::move(tools), upstream);
    return proposed ? "" : proposed.error().code;
  }
};

}  // namespace

TEST_CASE("the host accepts what a server says, some of it or all, until the seal") {
  Servers s;
  const auto some = s.run(s.admin->accept_upstream("files", {"write"}));
  REQUIRE(some.has_value());
  CHECK(*some == std::vector<std::string>{"write"});
  CHECK(s.pinned("write") == "new");
  CHECK(s.pinned("more") == "none");
  const auto all = s.run(s.admin->accept_upstream("files", {}));
  REQUIRE(all.has_value());
  CHECK(*all == std::vector<std::string>{"lost", "more"});
  CHECK(s.pinned("more") == "first seen");
  CHECK(s.pinned("lost") == "none");
  CHECK(s.gate->world().configuration->tools->find("files.lost") == nullptr);
  const auto refusal = [&](const std::string& name, std::vector<std::string> tools) {
    const auto accepted = s.run(s.admin->accept_upstream(name, std::move(tools)));
    return accepted ? "" : accepted.error().code;
  };
  CHECK(refusal("files", {}) == "nothing_to_accept");
  CHECK(refusal("files", {"write"}) == "nothing_to_accept");
  CHECK(refusal("nobody", {}) == "not_found");
  s.say("upstream.offered", {definition("write", "newer")});
  REQUIRE(s.run(s.admin->seal()).has_value());
  CHECK(refusal("files", {}) == "sealed");
  CHECK(s.pinned("write") == "new");
}

TEST_CASE("two administrators accept exactly the definitions that they were shown") {
  Servers s;
  const auto proposed = s.wish({});
  REQUIRE_MESSAGE(proposed.has_value(), (proposed ? "" : proposed.error().message));
  const gate::RecordPtr record = proposed->record;
  CHECK(record->state == State::kPending);
  CHECK(record->verdict.plan.quorum.at("administrators") == 2);
  const doc::Value* changes = record->description.find("changes");
  REQUIRE(changes != nullptr);
  REQUIRE(changes->as_array().size() == 3);
  CHECK(changes->as_array()[2].text("file") == "the definition of files.write");
  CHECK(changes->as_array()[2].text("lines").find("-   \"description\": \"old\"") !=
        std::string::npos);
  CHECK(changes->as_array()[2].text("lines").find("+   \"description\": \"new\"") !=
        std::string::npos);
  CHECK(record->description.text("accepts") ==
        "2 definitions as the server says it now, and 1 tool gone");
  SUBCASE("they agree") {
    REQUIRE(s.vote("ben", record).has_value());
    CHECK(s.pinned("write") == "old");
    REQUIRE(s.vote("cleo", record).has_value());
    REQUIRE(s.state(record->id) == State::kSucceeded);
    CHECK(s.pinned("write") == "new");
    CHECK(s.pinned("lost") == "none");
    CHECK(s.gate->world().pins.all_offered("files").empty());
    const auto events = s.run(s.real->read_stream("upstream/files", 1, true));
    CHECK(events.back().body.text("by") == record->id.str());
  }
  SUBCASE("the server says something else before they do") {
    s.say("upstream.offered", {definition("write", "newest")});
    REQUIRE(s.vote("ben", record).has_value());
    REQUIRE(s.vote("cleo", record).has_value());
    CHECK(s.state(record->id) == State::kDenied);
    CHECK(s.pinned("write") == "old");
  }
  SUBCASE("what is accepted changes before they do: nothing is") {
    REQUIRE(s.run(s.admin->accept_upstream("files", {"more"})).has_value());
    REQUIRE(s.vote("ben", record).has_value());
    REQUIRE(s.vote("cleo", record).has_value());
    CHECK(s.state(record->id) == State::kDenied);
    CHECK(s.pinned("write") == "old");
  }
}

TEST_CASE("what is proposed names the definitions that were looked at") {
  Servers s;
  CHECK(s.code(doc::object({{"write", digest(definition("write", "new"))}})).empty());
  CHECK(s.code(doc::object({{"lost", ""}})).empty());
  CHECK(s.code(doc::object({{"write", digest(definition("write", "old"))}})) == "conflict");
  CHECK(s.code(doc::object({{"nothing", "sha256:x"}})) == "nothing_to_accept");
  CHECK(s.code(doc::Object{}) == "nothing_to_accept");
  CHECK(s.code({}, "nobody") == "not_found");
  const auto by_agent =
      s.run(s.admin->propose_upstream(Servers::agent("bot"), "files", {}, "mine"));
  REQUIRE_FALSE(by_agent.has_value());
  CHECK(by_agent.error().code == "not_allowed");
  s.say("upstream.offered", {definition("huge", std::string(300'000, 'x'))});
  CHECK(s.code({}) == "too_large");
}

TEST_CASE("people see all that a server says, an agent what it may use of it") {
  Servers s;
  s.activate("tools",
             "upstreams:\n  files: {url: https://files.example/mcp, agents: {bot: [w*]}}\n"
             "  other: {attached: true, agents: {bot2: [\"*\"]}}");
  const auto tools_of = [](const doc::Value& upstream) {
    std::map<std::string, std::string> out;
    for (const doc::Value& tool : upstream.find("tools")->as_array())
      out[std::string(tool.text("name"))] = tool.text("state");
    return out;
  };
  const gate::World& world = s.gate->world();
  const doc::Value all = shown_upstreams(world, Servers::in_browser("ada"));
  REQUIRE(all.as_array().size() == 2);
  const doc::Value& files = all.as_array()[0];
  CHECK(files.text("state") == "changed");
  CHECK(tools_of(files) == std::map<std::string, std::string>{
                               {"write", "changed"}, {"lost", "gone"}, {"more", "new"}});
  CHECK(all.as_array()[1].text("state") == "unseen");
  const doc::Value own = shown_upstreams(world, Servers::agent("bot"));
  REQUIRE(own.as_array().size() == 1);
  CHECK(tools_of(own.as_array()[0]) == std::map<std::string, std::string>{{"write", "changed"}});
  CHECK(doc::write_json(own).find("old") == std::string::npos);
  CHECK(own.as_array()[0].find("url") == nullptr);
  CHECK(shown_upstreams(world, Servers::agent("deployer")).as_array().empty());
}
