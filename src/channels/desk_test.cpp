#include "channels/desk.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "channels/case.h"
#include "channels/testing.h"

namespace keyturn::channels {
namespace {

using render::Card;
using render::CardButton;
using enum review::Decision;

constexpr std::string_view kPlans = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 2}
defaults: {effect: deny, onError: deny}
rules:
- {id: click, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 2}, assurance: chat, expires: 1h}}
- {id: page, match: {tool: [slow-ask]}, effect: require, require: {quorum: {dba: 1}, expires: 1h}}
- {id: look, match: {tool: [run]}, effect: require, require: {quorum: {dba: 1}, assurance: chat, look: 20s, expires: 1h}}
- {id: typed, match: {tool: [swift]}, effect: require, require: {quorum: {dba: 1}, assurance: chat, retype: resource.name, expires: 1h}}
- {id: web, match: {tool: [later]}, effect: require, require: {quorum: {dba: 1}, assurance: chat, channels: [web, teams], expires: 1h}}
- {id: key, match: {tool: [slow-later]}, effect: require, require: {quorum: {dba: 1}, assurance: passkey, expires: 1h}}
)";

struct Stage : testing::Stand {
  Stage() {
    bench.activate("policy", std::string(kPlans));
    for (const char* id : {"bob", "erin", "mia"})
      bench.record({people::account_linked(id, std::string("slack:T0/") + id, id)});
  }
  gate::RecordPtr ask(const std::string& tool, const std::string& text = "hello") {
    ActionRequest request;
    request.tool = tool;
    request.args = doc::object({{"text", text}});
    request.reason = "because";
    auto submitted = bench.run(bench.gate->submit(bench.agent("bot"), std::move(request)));
    REQUIRE(submitted);
    return submitted->record;
  }
  Principal clicker(const std::string& id) {
    const std::string account = "slack:T0/" + id;
    const people::Person* person = desk.person_of(account);
    REQUIRE(person != nullptr);
    return desk.principal_of(*person, "slack", account);
  }
  std::string vote(const std::string& id, const gate::RecordPtr& record,
                   review::Decision decision = kApprove, bool whole = true,
                   std::string digest = "") {
    const auto voted =
        bench.run(desk.vote(clicker(id), record->id, decision,
                            digest.empty() ? record->case_digest : digest, "", whole));
    return voted ? "voted" : voted.error().code;
  }
  bool has(const Card& card, CardButton::Kind kind) {
    return std::ranges::any_of(card.buttons, [&](const auto& one) { return one.kind == kind; });
  }
  Card card(const gate::RecordPtr& record, const char* reader = nullptr) {
    return desk.card_of("slack", *bench.gate->find_open(record->id),
                        reader == nullptr ? nullptr : bench.gate->world().directory.person(reader));
  }
};

}  // namespace

TEST_CASE("a click counts as its person's vote, in the chat, with the assurance of a chat") {
  Stage s;
  const auto record = s.ask("ask");
  CHECK(s.vote("bob", record) == "voted");
  const auto now = s.bench.gate->find_open(record->id);
  REQUIRE(now->review->votes.size() == 1);
  const review::Vote& vote = now->review->votes.front();
  CHECK(vote.reviewer == "bob");
  CHECK(vote.channel == "slack");
  CHECK(vote.assurance == Assurance::kChat);
  CHECK(s.vote("bob", record) == "already_voted");
  CHECK(s.vote("erin", record, kApprove, true, "sha256:other") == "digest_mismatch");
  CHECK(s.vote("erin", record) == "voted");
  CHECK(s.vote("erin", record, kDeny) == "closed");
}

TEST_CASE("what a plan asks for beyond a click is not to be had by a click") {
  Stage s;
  const std::vector<std::pair<std::string, std::string>> cases{{"slow-ask", "assurance_too_low"},
                                                               {"run", "look_too_short"},
                                                               {"swift", "retype_mismatch"},
                                                               {"later", "wrong_channel"},
                                                               {"slow-later", "passkey_required"}};
  for (const auto& [tool, code] : cases) {
    CAPTURE(tool);
    const auto record = s.ask(tool);
    CHECK(s.vote("bob", record) == code);
    const Card card = s.card(record);
    CHECK(!s.has(card, CardButton::Kind::kApprove));
    CHECK(s.has(card, CardButton::Kind::kOpen));
    CHECK(!card.remarks.empty());
    const bool may_deny = tool == "run" || tool == "swift";
    CHECK(s.has(card, CardButton::Kind::kDeny) == may_deny);
    CHECK((s.vote("bob", record, kDeny) == "voted") == may_deny);
  }
}

TEST_CASE("what was not shown whole is not approved, and may be denied") {
  Stage s;
  const auto record = s.ask("ask");
  CHECK(s.vote("bob", record, kApprove, false) == "not_shown");
  CHECK(s.vote("bob", record, kDeny, false) == "voted");
}

TEST_CASE("who may not vote hears why from the gate, and a trace of it stays") {
  Stage s;
  const auto record = s.ask("ask");
  const std::uint64_t before = s.bench.gate->journal().size();
  CHECK(s.vote("mia", record) == "not_found");  // she may not know of it
  s.bench.record({people::account_linked("olga", "slack:T0/olga", "olga")});
  CHECK(s.vote("olga", record) == "related_to_requester");
  CHECK(s.bench.gate->journal().size() > before);
  const auto events = s.bench.run(s.bench.gate->journal().read_stream("refusals/olga", 1, false));
  REQUIRE(events.size() == 1);
  CHECK(events.front().type == "request.refused");
  CHECK(events.front().body.find("refusal")->text("code") == "related_to_requester");
  CHECK(events.front().body.find("refusal")->text("credential") == "slack:T0/olga");
}

TEST_CASE("an account without a link, or of somebody shut out, speaks for nobody") {
  Stage s;
  CHECK(s.desk.person_of("slack:T0/stranger") == nullptr);
  CHECK(s.desk.person_of("slack:T9/bob") == nullptr);
  s.bench.record({people::person_deactivated("bob", "left")});
  CHECK(s.desk.person_of("slack:T0/bob") == nullptr);
}

TEST_CASE("what was asked of a tool that is not configured any more is shown to nobody") {
  Stage s;
  const auto record = s.ask("ask", "perhaps a secret");
  CHECK(render::to_plain_text(s.card(record).shown).contains("perhaps a secret"));
  s.bench.activate("tools", "tools: {}\n");
  const auto& now = *s.bench.gate->find_open(record->id);
  CHECK(hidden_parameters(s.bench.gate->world(), now) == std::set<std::string>{"text"});
  const auto input = case_of(s.bench.gate->world(), now, Secret(std::string(32, 'F')));
  REQUIRE(input.secrets.size() == 1);
  CHECK(input.secrets.front().name == "text");
}

TEST_CASE("a card says what it is about, and what its reader can do now") {
  Stage s;
  const auto record = s.ask("ask", "the words that would run");
  Card card = s.card(record, "bob");
  CHECK(card.heading == "Waits for people");
  CHECK(card.page == "https://keyturn.example/a/" + record->id.str());
  CHECK(card.whole);
  CHECK(s.has(card, CardButton::Kind::kApprove));
  CHECK(!s.has(card, CardButton::Kind::kTakeBack));
  const std::string case_text = render::to_plain_text(card.shown);
  CHECK(case_text.find("the words that would run") != std::string::npos);
  std::string status;
  for (const auto& field : card.status)
    status += render::to_plain_text(field.name) + "=" + render::to_plain_text(field.value) + "\n";
  CHECK(status.find("What=ask: execute on host here (prod)") != std::string::npos);
  CHECK(status.find("Asked by=agent bot, owned by olga") != std::string::npos);
  CHECK(status.find("Why, in its words=because") != std::string::npos);
  CHECK(status.find("Needed=dba 0 of 2") != std::string::npos);
  REQUIRE(s.vote("bob", record) == "voted");
  card = s.card(record, "bob");
  CHECK(!s.has(card, CardButton::Kind::kApprove));
  CHECK(s.has(card, CardButton::Kind::kTakeBack));
  CHECK(s.has(s.card(record, "erin"), CardButton::Kind::kApprove));
  CHECK(s.has(s.card(record), CardButton::Kind::kTakeBack));
}

TEST_CASE("a card of what is over holds nothing to decide, nor what was asked for") {
  Stage s;
  const auto record = s.ask("ask", "the words that would run");
  REQUIRE(s.vote("bob", record, kDeny) == "voted");
  const Card card = s.desk.card_of("slack", *s.matter(record->id).record, nullptr);
  CHECK(card.heading == "Denied by people");
  CHECK(card.shown.empty());
  CHECK(!s.has(card, CardButton::Kind::kApprove));
  CHECK(!s.has(card, CardButton::Kind::kDeny));
}

}  // namespace keyturn::channels
