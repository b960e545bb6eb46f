#include "channels/teams/teams.h"

#include <doctest/doctest.h>

#include "channels/teams/testing.h"

namespace keyturn::channels::teams {
namespace {

using testing::Floor;
using testing::kRoom;

doc::Value data_of(const gate::RecordPtr& record) {
  return doc::object({{"action", record->id.str()}, {"digest", record->case_digest}});
}

std::string said(const net::HttpResponse& response) {
  const auto tree = doc::parse_json(response.body);
  return tree ? std::string(tree->text("value")) : "";
}

}  // namespace

TEST_CASE("whoever is linked gets a card, votes with it, and it is put right in place") {
  Floor floor;
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask", "DROP TABLE orders");
  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);  // erin is not linked
  CHECK(floor.kept.contains("person:bob"));
  CHECK(floor.last("POST").url ==
        "https://smba.trafficmanager.net/teams/v3/conversations/a%3Achat/activities");
  CHECK(floor.last("POST").body.contains("DROP TABLE orders"));
  CHECK(floor.last("POST").body.contains("\"verb\":\"approve\""));
  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 0);

  const net::HttpResponse answer = floor.send(Floor::click("f:1", "approve", data_of(record)));
  CHECK(answer.status == 200);
  CHECK(answer.body.contains("application/vnd.microsoft.card.adaptive"));
  CHECK_FALSE(answer.body.contains("\"verb\":\"approve\""));
  const gate::RecordPtr now = floor.matter(record->id).record;
  REQUIRE(now->review->votes.size() == 1);
  CHECK(now->review->votes[0].reviewer == "bob");
  CHECK(now->review->votes[0].assurance == Assurance::kChat);
  CHECK(now->review->votes[0].channel == "teams");

  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);
  CHECK(floor.last("PUT").url ==
        "https://smba.trafficmanager.net/teams/v3/conversations/a%3Achat/activities/m2");
  CHECK_FALSE(floor.last("PUT").body.contains("\"verb\":\"approve\""));
}

TEST_CASE("the same click sent again is done once, and answered the same") {
  Floor floor;
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask");
  const doc::Value click = Floor::click("f:1", "comment", [&] {
    doc::Value data = data_of(record);
    data.set("text", "why?");
    return data;
  }());
  const net::HttpResponse first = floor.send(click), again = floor.send(click);
  CHECK(first.body == again.body);
  CHECK(floor.matter(record->id).record->comments.size() == 1);
}

TEST_CASE("a click is refused in words, and changes nothing") {
  Floor floor;
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask");
  SUBCASE("a guest") {
    floor.role = "guest";
    CHECK(said(floor.send(Floor::click("f:1", "approve", data_of(record)))).contains("guest"));
  }
  SUBCASE("of another organisation") {
    floor.tenant = "cccccccc-0000-4000-8000-000000000001";
    CHECK(said(floor.send(Floor::click("f:1", "approve", data_of(record))))
              .contains("another organisation"));
  }
  SUBCASE("linked to nobody") {
    floor.bench.record({people::account_unlinked("bob", Floor::account(), "bob")});
    CHECK(said(floor.send(Floor::click("f:1", "approve", data_of(record)))).contains("link CODE"));
  }
  SUBCASE("shut out") {
    floor.bench.record({people::person_deactivated("bob", "left")});
    CHECK(said(floor.send(Floor::click("f:1", "approve", data_of(record)))).contains("link CODE"));
  }
  SUBCASE("another case than was shown") {
    const doc::Value data = doc::object({{"action", record->id.str()}, {"digest", "sha256:00"}});
    CHECK_FALSE(said(floor.send(Floor::click("f:1", "approve", data))).empty());
  }
  SUBCASE("Teams does not say who that is") {
    floor.next["GET /members/"] = {.status = 502};
    CHECK(said(floor.send(Floor::click("f:1", "approve", data_of(record)))).contains("try again"));
  }
  SUBCASE("no such button") {
    CHECK(
        said(floor.send(Floor::click("f:1", "become_admin", data_of(record)))).contains("button"));
  }
  CHECK(floor.matter(record->id).record->review->votes.empty());
}

TEST_CASE("what cannot be approved by a click is not, whatever is sent") {
  Floor floor;
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask", std::string(30'000, 'x'));
  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);
  CHECK_FALSE(floor.last("POST").body.contains("\"verb\":\"approve\""));
  CHECK(said(floor.send(Floor::click("f:1", "approve", data_of(record)))).contains("fits"));
  CHECK(floor.matter(record->id).record->review->votes.empty());
}

TEST_CASE("a token of somebody else is refused") {
  Floor floor;
  floor.open();
  const auto status = [&](const std::string& header, const char* claim, doc::Value value) {
    doc::Value claims = floor.claims();
    if (claim != nullptr) claims.set(claim, std::move(value));
    return floor.send(Floor::activity("message", "1"), Floor::token(header, claims)).status;
  };
  const std::string good = R"({"alg":"RS256","kid":"k1"})";
  CHECK(status(good, nullptr, {}) == 200);
  CHECK(status(good, "aud", "another") == 401);
  CHECK(status(good, "iss", "https://sts.windows.net/other/") == 401);
  CHECK(status(good, "exp", 5) == 401);
  CHECK(status(good, "serviceurl", "https://evil.example/") == 403);
  CHECK(status(good, "serviceurl", "") == 401);
  CHECK(status(R"({"alg":"RS256","kid":"k2"})", nullptr, {}) == 401);  // endorsed for another
  CHECK(status(R"({"alg":"RS256","kid":"k3"})", nullptr, {}) == 401);
  CHECK(status(R"({"alg":"HS256","kid":"k1"})", nullptr, {}) == 401);
  CHECK(status(R"({"alg":"none","kid":"k1"})", nullptr, {}) == 401);
  CHECK(status(R"({"alg":"RS256"})", nullptr, {}) == 401);
  CHECK(floor.send(Floor::activity("message", "1"), "").status == 401);

  const std::string text = to_base64url(R"({"alg":"EdDSA","kid":"ed"})") + "." +
                           to_base64url(doc::write_json(floor.claims()));
  const std::string signed_so = text + "." + to_base64url(Floor::ed25519().sign(text));
  CHECK(floor.send(Floor::activity("message", "1"), signed_so).status == 401);  // RS256 only

  doc::Value other = Floor::activity("message", "1");
  other.set("serviceUrl", "https://evil.example/");
  CHECK(floor.send(other).status == 403);
  other = Floor::activity("message", "1");
  other.set("channelId", "webchat");
  CHECK(floor.send(other).status == 401);
  other = Floor::activity("message", "1");
  other.set("channelData", doc::object({{"tenant", doc::object({{"id", testing::kApp}})}}));
  CHECK(floor.send(other).status == 403);
}

TEST_CASE("a room is told in a thread; what mentions the bot there is a comment") {
  Floor floor;
  floor.config.tell_people = false;
  floor.config.tell_rooms = true;
  floor.config.rooms["*"] = {kRoom, ""};
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask");
  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);
  const Kept& room = floor.kept.at("room:*");
  CHECK(room.memo.text("conversation") == std::string(kRoom) + ";messageid=m1");
  floor.teams->on_kept(record->id.str(), "room:*", &room);

  doc::Value words = Floor::activity("message", "7");
  words.set("conversation", doc::object({{"id", room.memo.text("conversation")},
                                         {"conversationType", "channel"},
                                         {"tenantId", testing::kTenant}}));
  words.set("text", "<at>Keyturn</at> is that safe?");
  words.set("entities",
            doc::Array{doc::object(
                {{"type", "mention"},
                 {"text", "<at>Keyturn</at>"},
                 {"mentioned", doc::object({{"id", std::string("28:") + testing::kApp}})}})});
  CHECK(floor.send(words).status == 200);
  const gate::RecordPtr now = floor.matter(record->id).record;
  REQUIRE(now->comments.size() == 1);
  CHECK(now->comments[0].text == "is that safe?");
  CHECK(now->comments[0].by == "bob");
  // It is there already; another one is told there.
  floor.carry_all(*floor.teams, record->id, floor.kept);
  CHECK_FALSE(floor.kept.contains("said:room:*"));
  REQUIRE(floor.bench.run(
      floor.bench.gate->comment(floor.bench.person("erin"), record->id, "looks fine")));
  floor.carry_all(*floor.teams, record->id, floor.kept);
  CHECK(floor.kept.contains("said:room:*"));
  CHECK(floor.last("POST").body.contains("looks fine"));
  CHECK_FALSE(floor.last("POST").body.contains("is that safe?"));
}

TEST_CASE("a card that is gone is shown again, and nothing else is said again") {
  Floor floor;
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask");
  REQUIRE(
      floor.bench.run(floor.bench.gate->comment(floor.bench.person("erin"), record->id, "before")));
  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);
  REQUIRE(floor.bench.run(floor.bench.voting("erin", record)));
  floor.bench.settle_down();
  floor.next["PUT /activities"] = {.status = 404};
  floor.carry_all(*floor.teams, record->id, floor.kept);
  CHECK(floor.count("POST", "/activities") == 2);
  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 0);
  CHECK_FALSE(floor.kept.contains("said:person:bob"));
}

TEST_CASE("people who have a card are called once for each reminder, until it is over") {
  Floor floor;
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask");
  CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);
  const auto calls = [&](std::uint64_t number) {
    Matter matter = floor.matter(record->id);
    matter.calls = number;
    std::vector<std::string> out;
    for (const Errand& errand : floor.teams->due(matter, floor.kept)) {
      if (errand.place.starts_with("call:")) out.push_back(errand.place + " " + errand.word);
    }
    return out;
  };
  CHECK(calls(0).empty());
  CHECK(calls(1) == std::vector<std::string>{"call:person:bob call:1"});
  CHECK(calls(2) == std::vector<std::string>{"call:person:bob call:2"});
  Matter matter = floor.matter(record->id);
  matter.calls = 1;
  for (const Errand& errand : floor.teams->due(matter, floor.kept)) {
    if (!errand.place.starts_with("call:")) continue;
    REQUIRE(floor.bench.run(floor.teams->carry(matter, errand, {})));
    CHECK(floor.last("POST").body.contains("This still waits"));
    CHECK(floor.last("POST").body.contains(record->id.str()));
  }
  REQUIRE(floor.bench.run(floor.bench.voting("erin", record)));
  CHECK(calls(2).empty());
}

TEST_CASE("Teams' refusals are known apart") {
  Floor floor;
  floor.open();
  const gate::RecordPtr record = floor.bench.ask("ask");
  SUBCASE("not so fast") {
    floor.next["POST /activities"] = {.status = 429, .headers = {{"Retry-After", "7"}}};
    floor.carry_all(*floor.teams, record->id, floor.kept);
    REQUIRE(floor.last_failure);
    CHECK(floor.last_failure->kind == Undelivered::Kind::kPlaceBusy);
    CHECK(floor.last_failure->retry_after == std::chrono::seconds(7));
  }
  SUBCASE("blocked") {
    floor.next["POST /activities"] = {.status = 403};
    floor.carry_all(*floor.teams, record->id, floor.kept);
    CHECK(floor.kept.at("person:bob").why.contains("Install"));
  }
  SUBCASE("too large: again, smaller") {
    floor.next["POST /activities"] = {.status = 413};
    CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);
    CHECK_FALSE(floor.last_failure);
    CHECK(floor.count("POST", "/activities") == 2);
  }
  SUBCASE("the token is taken no more") {
    floor.next["POST /activities"] = {.status = 401};
    CHECK(floor.carry_all(*floor.teams, record->id, floor.kept) == 1);
    CHECK_FALSE(floor.last_failure);
    CHECK(floor.count("POST", "/oauth2/v2.0/token") == 2);
  }
  SUBCASE("down") {
    floor.next["POST /activities"] = {.status = 503};
    floor.carry_all(*floor.teams, record->id, floor.kept);
    REQUIRE(floor.last_failure);
    CHECK(floor.last_failure->kind == Undelivered::Kind::kUnreachable);
  }
}

TEST_CASE("an account is linked when both sides agree") {
  Floor floor;
  floor.bench.record({people::account_unlinked("bob", Floor::account(), "bob")});
  floor.open();
  Principal bob = floor.bench.person("bob");
  bob.assurance = Assurance::kSession;
  const auto attempt = floor.links.begin(bob, "teams");
  REQUIRE(attempt);
  doc::Value words = Floor::activity("message", "1");
  words.set("text", "link " + attempt->code);
  CHECK(floor.send(words).status == 200);
  CHECK(floor.last("POST").body.contains("link_yes"));
  CHECK(floor.last("POST").body.contains("bob"));
  CHECK_FALSE(floor.bench.run(floor.links.confirm(bob, attempt->id)));
  const doc::Value data = doc::object({{"link", attempt->id}});
  CHECK(floor.send(Floor::click("f:1", "link_yes", data)).body.contains("One step is left"));
  CHECK(floor.bench.run(floor.links.confirm(bob, attempt->id)));
  CHECK(floor.desk.person_of(Floor::account()) != nullptr);
}

}  // namespace keyturn::channels::teams
