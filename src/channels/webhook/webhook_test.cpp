#include "crypto/webhook.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "channels/testing.h"
#include "channels/webhook/check.h"
#include "channels/webhook/incident.h"
#include "channels/webhook/pager.h"
#include "channels/webhook/standard.h"
#include "doc/json.h"

namespace keyturn::channels::webhook {
namespace {

constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kPolicy = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 2}
defaults: {effect: deny, onError: deny}
rules:
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {dba: 2}, assurance: token, expires: 2h, escalate: {after: 30m, to: sre, instead_of: [dba]}}}
- {id: told, match: {tool: [deploy]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h, notify: [pager, webhook]}}
- {id: free, match: {tool: [run]}, effect: allow}
)";

struct Desk : testing::Stand {
  Desk() {
    bench.activate("policy", std::string(kPolicy));
    bench.record({people::group_changed("sre", {"mia"}, {})});
    secrets["/key"] = kSecret;
  }
  Settings settings(Template form, bool always) {
    Settings out;
    out.name = "hook";
    out.form = form;
    out.url = "https://hook.example/in";
    out.secret = {secrets::Source::kFile, "/key", {}};
    out.always = always;
    out.urgency = "critical";
    return out;
  }
  doc::Value body(std::size_t i) { return *doc::parse_json(requests.at(i).body); }
  std::string header(std::size_t i, std::string_view name) {
    return std::string(requests.at(i).headers.find(name).value_or(""));
  }
  void answer_with(int status, net::Headers headers = {}) {
    answer = [=](const net::ClientRequest&) {
      return net::ClientResponse{.status = status, .headers = headers};
    };
  }
};

std::string problems(std::string_view yaml) {
  return testing::problems_of(yaml, [](const doc::Value& tree, doc::Problems& out) {
    read_settings(*tree.find("webhooks"), "/webhooks", out);
  });
}

}  // namespace

TEST_CASE("webhooks are read, and every mistake has its place") {
  CHECK(problems(R"(webhooks:
- {name: ops, url: "https://a.example/x?y=1", secret: {secret: "file:/k"}, always: true}
- {name: page, template: pagerduty, secret: {secret: "env:K"}, severity: warning}
- {name: genie, template: opsgenie, url: "https://api.eu.opsgenie.com", secret: {secret: "env:K"}, priority: P1}
)")
            .empty());
  struct Case {
    std::string yaml, expected;
  };
  const std::vector<Case> cases{
      {"webhooks: {name: x}\n", "keyturn.yaml:1:11: webhooks is a list"},
      {"webhooks:\n- {url: \"https://a.example\", secret: {secret: \"env:K\"}}\n", "name"},
      {"webhooks:\n- {name: A, url: \"https://a.example\", secret: {secret: \"env:K\"}}\n",
       "keyturn.yaml:2:10: a name is of"},
      {"webhooks:\n- {name: a, secret: {secret: \"env:K\"}}\n", "url"},
      {"webhooks:\n- {name: a, url: \"http://a.example\", secret: {secret: \"env:K\"}}\n",
       "needs https"},
      {"webhooks:\n- {name: a, url: \"https://a.example\"}\n", "is needed: what its signatures"},
      {"webhooks:\n- {name: a, url: \"https://a.example\", secret: whsec_AAAA}\n", "invalid"},
      {"webhooks:\n- {name: a, template: slack, url: \"https://a.example\", secret: {secret: "
       "\"env:K\"}}\n",
       "standard, pagerduty or opsgenie"},
      {"webhooks:\n- {name: a, template: opsgenie, secret: {secret: \"env:K\"}, priority: high}\n",
       "priority is one of P1, P2"},
      {"webhooks:\n- {name: a, url: \"https://a.example\", secret: {secret: \"env:K\"}, severity: "
       "info}\n",
       "unknown field \"severity\""},
  };
  for (const Case& one : cases) {
    CAPTURE(one.yaml);
    const std::string said = problems(one.yaml);
    CAPTURE(said);
    if (one.expected == "invalid")
      CHECK((!said.empty() && !said.contains("AAAA")));
    else
      CHECK(said.contains(one.expected));
  }
}

TEST_CASE("what an answer means") {
  struct Case {
    int status;
    net::Headers headers;
    std::optional<Undelivered::Kind> expected;
  };
  using Kind = Undelivered::Kind;
  const net::Headers wait{{"Retry-After", "7"}};
  const std::vector<Case> cases{
      {200, {}, {}},
      {204, {}, {}},
      {302, {}, Kind::kUnreachable},
      {400, {}, Kind::kNever},
      {401, {}, Kind::kNever},
      {404, wait, Kind::kNever},
      {408, {}, Kind::kUnreachable},
      {410, {}, Kind::kNever},
      {425, {}, Kind::kUnreachable},
      {429, {}, Kind::kUnreachable},
      {429, wait, Kind::kBusy},
      {500, wait, Kind::kUnreachable},
      {503, {}, Kind::kUnreachable},
      {503, wait, Kind::kBusy},
  };
  for (const Case& one : cases) {
    CAPTURE(one.status);
    const Taken found = taken({.status = one.status, .headers = one.headers}, Time{});
    CHECK(found.has_value() == !one.expected.has_value());
    if (found || !one.expected) continue;
    CHECK(found.error().kind == *one.expected);
    if (*one.expected == Kind::kBusy) CHECK(found.error().retry_after == std::chrono::seconds(7));
  }
}

TEST_CASE("a standard webhook tells every version once, signed, and only what is public") {
  Desk desk;
  const Ports ports = desk.ports();
  Standard hook(desk.settings(Template::kStandard, true), ports);
  const gate::RecordPtr asked = desk.bench.ask("ask", "quite-private-argument");
  KeptPlaces kept;
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  CHECK(desk.carry_all(hook, asked->id, kept) == 0);
  REQUIRE(desk.requests.size() == 1);
  const net::ClientRequest& sent = desk.requests[0];
  CHECK(sent.method == "POST");
  CHECK(sent.url == "https://hook.example/in");
  const std::string id = desk.header(0, "webhook-id");
  const Secret key = *crypto::webhook_key(Secret(std::string(kSecret)));
  CHECK(desk.header(0, "webhook-signature") ==
        crypto::webhook_signature(key, id, desk.header(0, "webhook-timestamp"), sent.body));
  const doc::Value first = desk.body(0);
  CHECK(first.text("type") == "action.pending");
  CHECK(first.text("id") == id);
  const doc::Value& data = *first.find("data");
  CHECK(data.text("action") == asked->id.str());
  CHECK(data.text("tool") == "ask");
  CHECK(data.text("owner") == "olga");
  CHECK(data.text("url") == "https://keyturn.example/a/" + asked->id.str());
  CHECK(data.find("needed")->as_array().size() == 1);
  CHECK(data.find("needed")->as_array()[0].integer("count") == 2);
  CHECK(data.find("given")->as_array().empty());
  CHECK(data.integer("since") == 1);

  REQUIRE(desk.bench.run(desk.bench.voting("bob", asked)).has_value());
  const Principal bob = gate::testing::Bench::person("bob");
  REQUIRE(desk.bench.run(desk.bench.gate->comment(bob, asked->id, "a-private-comment")));
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  const doc::Value second = desk.body(1);
  CHECK(desk.header(1, "webhook-id") != id);
  const doc::Value& then = *second.find("data");
  CHECK(then.find("given")->as_array().size() == 1);
  CHECK(then.find("given")->as_array()[0].text("by") == "bob");
  CHECK(then.integer("since") == data.integer("version") + 1);
  const doc::Array& changes = then.find("changes")->as_array();
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].text("what") == "review.voted");
  CHECK(changes[0].integer("version") == then.integer("since"));
  CHECK(changes[1].text("what") == "review.commented");
  CHECK(changes[1].integer("version") == then.integer("version"));
  for (const net::ClientRequest& one : desk.requests) CHECK(!one.body.contains("private"));
}

TEST_CASE(
    "a message that failed is the same when it comes again; one that is refused is given up") {
  Desk desk;
  const Ports ports = desk.ports();
  Standard hook(desk.settings(Template::kStandard, true), ports);
  const gate::RecordPtr asked = desk.bench.ask("ask");
  KeptPlaces kept;
  desk.answer_with(500);
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  CHECK(kept.empty());
  desk.answer_with(204);
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  CHECK(desk.header(0, "webhook-id") == desk.header(1, "webhook-id"));
  CHECK(desk.requests[0].body == desk.requests[1].body);

  REQUIRE(desk.bench.run(desk.bench.voting("bob", asked)).has_value());
  desk.answer_with(410);
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  CHECK(kept.at("receiver").why.contains("410"));
  REQUIRE(hook.trouble());
  CHECK(hook.trouble()->code == "gone");
  CHECK(desk.carry_all(hook, asked->id, kept) == 0);
  REQUIRE(desk.bench.run(desk.bench.voting("erin", asked)).has_value());
  desk.bench.settle_down();
  desk.answer_with(204);
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  CHECK(!hook.trouble());
  // What was given up is among what this one stands for.
  const doc::Value last = desk.body(desk.requests.size() - 1);
  CHECK(last.find("data")->find("changes")->as_array()[0].text("by") == "bob");
}

TEST_CASE("what changes while a message is on its way is in the next one") {
  Desk desk;
  const Ports ports = desk.ports();
  Standard hook(desk.settings(Template::kStandard, true), ports);
  const gate::RecordPtr asked = desk.bench.ask("ask");
  KeptPlaces kept;
  desk.answer = [&](const net::ClientRequest&) {
    REQUIRE(desk.bench.run(desk.bench.voting("bob", asked)).has_value());
    return net::ClientResponse{.status = 204};
  };
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  desk.answer_with(204);
  CHECK(desk.carry_all(hook, asked->id, kept) == 1);
  CHECK(desk.carry_all(hook, asked->id, kept) == 0);
  const std::int64_t first = desk.body(0).find("data")->integer("version");
  CHECK(desk.body(1).find("data")->integer("since") == first + 1);
  CHECK(desk.body(1).find("data")->find("changes")->as_array()[0].text("by") == "bob");
}

TEST_CASE("a webhook tells what its configuration or the plan says, and waits for its secret") {
  Desk desk;
  const Ports ports = desk.ports();
  Standard quiet(desk.settings(Template::kStandard, false), ports);
  const gate::RecordPtr asked = desk.bench.ask("ask");
  KeptPlaces kept;
  CHECK(desk.carry_all(quiet, asked->id, kept) == 0);
  ActionRequest deploy;
  deploy.tool = "deploy";
  deploy.args = doc::object({{"ref", "main"}});
  const auto told =
      desk.bench.run(desk.bench.gate->submit(gate::testing::Bench::agent("bot"), deploy));
  REQUIRE(told);
  desk.secrets.clear();
  CHECK(desk.carry_all(quiet, told->record->id, kept) == 1);
  CHECK(desk.last_failure->kind == Undelivered::Kind::kUnreachable);
  CHECK(quiet.trouble()->code == "secret_missing");
  CHECK(desk.requests.empty());
  desk.secrets["/key"] = "no key at all";
  CHECK(desk.carry_all(quiet, told->record->id, kept) == 1);
  CHECK(quiet.trouble()->code == "malformed_key");
  desk.secrets["/key"] = kSecret;
  CHECK(desk.carry_all(quiet, told->record->id, kept) == 1);
  CHECK(!quiet.trouble());
  CHECK(desk.requests.size() == 1);
  const gate::RecordPtr free = desk.bench.ask("run");
  desk.bench.settle_down();
  KeptPlaces other;
  Standard always(desk.settings(Template::kStandard, true), ports);
  CHECK(desk.carry_all(always, free->id, other) == 0);
}

TEST_CASE("a pager is called at the escalation, acknowledged by a vote, and resolved at the end") {
  Desk desk;
  const Ports ports = desk.ports();
  Settings settings = desk.settings(Template::kPagerDuty, false);
  Pager pager(settings, ports);
  const gate::RecordPtr asked = desk.bench.ask("ask", "quite-private-argument");
  KeptPlaces kept;
  CHECK(desk.carry_all(pager, asked->id, kept) == 0);
  REQUIRE(desk.bench.run(desk.bench.voting("bob", asked)).has_value());
  desk.bench.clock.time += std::chrono::minutes(31);
  desk.bench.tick();
  CHECK(desk.carry_all(pager, asked->id, kept) == 1);
  REQUIRE(desk.requests.size() == 1);
  const doc::Value trigger = desk.body(0);
  CHECK(trigger.text("event_action") == "trigger");
  CHECK(trigger.text("dedup_key") == asked->id.str());
  CHECK(trigger.text("routing_key") == kSecret);
  const doc::Value& payload = *trigger.find("payload");
  CHECK(payload.text("severity") == "critical");
  CHECK(payload.text("source") == "keyturn.example");
  CHECK(payload.text("summary") ==
        "Keyturn: ask (execute) waits for people of dba, escalated to sre");
  CHECK(trigger.find("links")->as_array()[0].text("href").ends_with(asked->id.str()));
  CHECK(!desk.requests[0].body.contains("private"));

  REQUIRE(
      desk.bench.run(desk.bench.gate->take_back(gate::testing::Bench::person("bob"), asked->id)));
  CHECK(desk.carry_all(pager, asked->id, kept) == 0);
  REQUIRE(desk.bench.run(desk.bench.voting("mia", asked)).has_value());
  CHECK(desk.carry_all(pager, asked->id, kept) == 1);
  CHECK(desk.body(1).text("event_action") == "acknowledge");
  REQUIRE(desk.bench.run(desk.bench.voting("bob", asked, review::Decision::kDeny)).has_value());
  CHECK(desk.carry_all(pager, asked->id, kept) == 1);
  CHECK(desk.body(2).text("event_action") == "resolve");
  CHECK(desk.carry_all(pager, asked->id, kept) == 0);
  CHECK(desk.requests.size() == 3);
}

TEST_CASE("who was perhaps called is not called for ever, and a vote taken back calls again") {
  Desk desk;
  const Ports ports = desk.ports();
  Settings settings = desk.settings(Template::kOpsgenie, true);
  settings.urgency = "P2";
  Pager pager(settings, ports);
  const gate::RecordPtr asked = desk.bench.ask("ask");
  const std::string alias = asked->id.str();
  KeptPlaces kept;
  REQUIRE(desk.bench.run(desk.bench.voting("bob", asked)).has_value());
  desk.answer_with(202);
  CHECK(desk.carry_all(pager, asked->id, kept) == 1);  // created and acknowledged
  CHECK(desk.header(0, "authorization") == "GenieKey " + std::string(kSecret));
  CHECK(desk.requests[0].url == "https://hook.example/in/v2/alerts");
  CHECK(desk.body(0).text("alias") == alias);
  CHECK(desk.body(0).text("message").size() <= 130);
  CHECK(desk.requests[1].url ==
        "https://hook.example/in/v2/alerts/" + alias + "/acknowledge?identifierType=alias");
  REQUIRE(
      desk.bench.run(desk.bench.gate->take_back(gate::testing::Bench::person("bob"), asked->id)));
  CHECK(desk.carry_all(pager, asked->id, kept) == 1);
  CHECK(desk.requests[2].url.contains("/close?identifierType=alias"));
  CHECK(desk.requests[3].url.ends_with("/v2/alerts"));

  KeptPlaces lost;
  const gate::RecordPtr other = desk.bench.ask("ask", "y");
  desk.answer = [](const net::ClientRequest&) { return refuse("timeout", "no answer"); };
  CHECK(desk.carry_all(pager, other->id, lost) == 1);
  CHECK(lost.empty());
  REQUIRE(desk.bench.run(desk.bench.voting("bob", other, review::Decision::kDeny)).has_value());
  desk.answer_with(202);
  CHECK(desk.carry_all(pager, other->id, lost) == 1);
  CHECK(desk.requests.back().url.contains(other->id.str() + "/close"));
}

TEST_CASE("the longest names fit into an alert") {
  gate::ActionRecord record;
  record.id = ActionId("act_x");
  record.tool = std::string(3000, 'x') + "\xe2\x80\xae";
  record.operation = "écrire\nwith a line";
  const Alert alert = alert_of(record, "https://keyturn.example/a/act_x");
  Settings settings;
  settings.form = Template::kOpsgenie;
  const auto body =
      doc::parse_json(request_for(settings, Secret("k"), Stage::kTriggered, alert).body);
  REQUIRE(body);
  CHECK(body->text("message").size() <= 130);
  CHECK(!body->text("message").contains('\n'));
  for (const auto& [name, text] : alert.details) CHECK(text.size() <= 200);
}

TEST_CASE("the test of a webhook sends a signed message; that of a pager calls nobody") {
  Desk desk;
  const Ports ports = desk.ports();
  const auto checked = [&](Template form) {
    return desk.bench.run(check(desk.settings(form, false), {.clock = desk.bench.clock,
                                                             .fetch = ports.fetch,
                                                             .secret = ports.secret,
                                                             .public_url = ""}));
  };
  for (const Check& one : checked(Template::kStandard)) CHECK_MESSAGE(one.good, one.words);
  CHECK(desk.body(0).text("type") == "keyturn.test");
  for (const Check& one : checked(Template::kPagerDuty)) CHECK(one.good);
  CHECK(desk.requests[1].method == "GET");
  CHECK(desk.requests[1].body.empty());
  desk.answer_with(401);
  CHECK(!checked(Template::kStandard).back().good);
  desk.secrets.clear();
  CHECK(!checked(Template::kStandard).front().good);
}

}  // namespace keyturn::channels::webhook
