// Schedules and webhooks on a real gate and journal, with the test's own clock.
#include "triggers/triggers.h"

#include <rapidcheck.h>

#include <algorithm>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "gate/testing.h"

namespace keyturn::triggers {
namespace {

using gate::RecordPtr;
using gate::testing::Bench;

constexpr std::string_view kTools = R"(tools:
  run: {exec: [/bin/echo, "{{text}}"], params: {text: {type: string, default: x}}, sandbox: none}
---
kind: Runbook
metadata: {name: nightly}
inputs: {at: {type: string}}
triggers:
- {schedule: "0 2 * * *", time_zone: Europe/Berlin, as: bot, inputs: {at: "{{ event.time }}"}}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: once}
triggers:
- {schedule: "0 3 * * *", as: bot, missed: once}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: restart}
inputs: {host: {type: string}}
triggers:
- {webhook: alerts, kind: alertmanager, secret: env:ALERTS, as: bot, when: 'event.status == "firing"', inputs: {host: "{{ event.labels.host }}"}}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: other}
triggers:
- {webhook: shared, kind: alertmanager, secret: env:ALERTS, as: bot}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: another}
triggers:
- {webhook: shared, kind: alertmanager, secret: env:ANOTHER, as: bot}
steps:
- {id: one, tool: run}
---
kind: Runbook
metadata: {name: forbidden}
triggers:
- {webhook: any, kind: generic, secret: env:ANY, as: bot}
steps:
- {id: one, tool: run}
)";

constexpr std::string_view kRules = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: free, match: {tool: [run, runbook.nightly, runbook.once, runbook.restart, runbook.other, runbook.another]}, effect: allow}
)";

const Secret kSecret("a secret that is long enough"), kAnother("another that is long enough");

struct Field : Bench {
  std::unique_ptr<Triggers> triggers;
  std::vector<std::string> said;
  std::map<std::string, Secret> secrets{
      {"env:ALERTS", kSecret}, {"env:ANY", kSecret}, {"env:ANOTHER", kAnother}};
  int fetched = 0;

  Field() {
    pass_until("2026-12-01T12:00:00Z");
    activate("tools", std::string(kTools));
    activate("policy", std::string(kRules));
    make();
    turn();
  }
  ~Field() { triggers.reset(); }

  Task<Result<Secret>> fetch(std::string name) {
    ++fetched;
    const auto found = secrets.find(name);
    if (found == secrets.end()) co_return refuse("secret_missing", "there is no " + name);
    co_return found->second;
  }
  void make() {
    gate::Gate::Runner runner;
    runner.begin = [](RecordPtr) -> Task<Result<void>> { co_return Result<void>{}; };
    runner.describe = [](gate::Gate::Asked) -> Task<Result<doc::Value>> {
      co_return doc::Value(doc::Object{});
    };
    gate->set_runner(std::move(runner));
    triggers = std::make_unique<Triggers>(Ports{
        *gate,
        [this](secrets::SecretReference reference) { return fetch(secrets::to_text(reference)); },
        [this](Task<void> task) {
          boost::asio::co_spawn(io, std::move(task), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
          });
        },
        [this](std::string_view line) { said.emplace_back(line); }});
  }
  void crash() {
    triggers.reset();
    open();
    make();
    triggers->load();
    triggers->start();
    settle_down();
    turn();
  }
  void turn() {
    for (int i = 0; i < 3; ++i) {
      triggers->tick();
      settle_down();
    }
  }
  void turn_at(const char* time) {
    pass_until(time);
    turn();
  }
  std::vector<Event> ledger() { return run(real->read_range(0, 10'000, true)); }
  // "TOOL STATE", of what was asked for by triggers.
  std::vector<std::string> asked() {
    std::vector<std::string> out;
    for (const Event& event : ledger()) {
      if (event.type == "action.decided" && event.body.find("trigger") != nullptr)
        out.push_back(std::string(event.body.find("action")->text("tool")) + " " +
                      std::string(event.body.text("state")));
    }
    return out;
  }
  std::vector<std::string> told(const std::string& prefix) {
    std::vector<std::string> out;
    for (const Event& event : ledger()) {
      if (event.stream.starts_with(prefix)) out.push_back(event.type);
    }
    return out;
  }
  std::string missed() {
    std::string out;
    for (const Event& event : ledger()) {
      if (event.type != "schedule.missed") continue;
      const doc::Value& what = *event.body.find("schedule");
      out += std::string(what.text("runbook")) + " " + std::string(what.text("due")) + " " +
             std::string(what.text("why")) + "\n";
    }
    return out;
  }
  static Delivery alert(const std::string& host, const std::string& status = "firing",
                        const std::string& starts = "2026-12-01T11:59:00Z") {
    Delivery out;
    out.hook = "alerts";
    out.authorization = "Bearer " + std::string(kSecret.reveal());
    out.body = R"({"groupKey":"g","alerts":[{"status":")" + status + R"(","fingerprint":"f)" +
               host + R"(","startsAt":")" + starts + R"(","labels":{"host":")" + host + R"("}}]})";
    return out;
  }
  Result<std::size_t> receive(Delivery delivery) {
    Result<std::size_t> out = run(triggers->received(std::move(delivery)));
    settle_down();
    return out;
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a schedule starts its runbook when it is due, in its agent's name, once") {
  Field f;
  CHECK(f.told("schedule/") == Texts{"schedule.began", "schedule.began"});
  f.turn_at("2026-12-02T00:59:59Z");
  CHECK(f.asked().empty());
  f.turn_at("2026-12-02T01:00:00Z");
  f.turn();
  CHECK(f.asked() == Texts{"runbook.nightly executing"});
  for (const Event& event : f.ledger()) {
    if (event.type != "action.decided") continue;
    CHECK(event.body.find("agent")->text("id") == "bot");
    CHECK(event.body.find("agent")->text("channel") == "schedule");
    CHECK(event.private_part->find_path({"args", "at"})->as_string() == "2026-12-02T01:00:00.000Z");
  }
  f.crash();
  f.turn_at("2026-12-02T01:00:01Z");
  CHECK(f.asked().size() == 1);
  CHECK(f.missed().empty());
  CHECK(f.told("schedule/") == Texts{"schedule.began", "schedule.began"});
}

TEST_CASE("what was due while nothing ran is left out, or done once, however often it was due") {
  Field f;
  f.pass_until("2026-12-04T12:00:00Z");
  f.crash();
  CHECK(f.asked() == Texts{"runbook.once executing"});
  CHECK(f.missed() == "nightly 2026-12-04T01:00:00.000Z late\n");
  f.crash();
  f.turn();
  CHECK(f.asked().size() == 1);
  CHECK(f.missed() == "nightly 2026-12-04T01:00:00.000Z late\n");
  f.turn_at("2026-12-05T01:00:00Z");
  CHECK(f.asked().size() == 2);
}

TEST_CASE("what is a little late is on time") {
  Field f;
  f.pass_until("2026-12-02T01:04:00Z");
  f.crash();
  CHECK(f.asked() == Texts{"runbook.nightly executing"});
}

TEST_CASE("a schedule that is new makes nothing up, and one that was taken out is over") {
  Field f;
  f.activate("tools", "tools:\n  run: {exec: [/bin/echo], sandbox: none}\n");
  f.turn();
  CHECK(f.told("schedule/").back() == "schedule.ended");
  f.pass_until("2026-12-04T12:00:00Z");
  f.activate("tools", std::string(kTools));
  f.turn();
  f.crash();
  CHECK(f.asked().empty());
  CHECK(f.missed().empty());
  f.turn_at("2026-12-05T01:00:00Z");
  CHECK(f.asked() == Texts{"runbook.nightly executing"});
}

TEST_CASE("an agent that is suspended starts nothing; the time is told as missed") {
  Field f;
  f.record({people::agent_suspended("bot", "ada", "enough")});
  f.turn_at("2026-12-02T01:00:00Z");
  f.turn();
  CHECK(f.asked().empty());
  CHECK(f.missed() == "nightly 2026-12-02T01:00:00.000Z suspended\n");
  CHECK(f.said.size() == 1);
}

TEST_CASE("an agent cannot take a schedule's time away by a key of its own") {
  Field f;
  std::string claim;
  {
    Field other;
    other.turn_at("2026-12-02T01:00:00Z");
    for (const Event& event : other.ledger()) {
      if (event.type == "action.decided") claim = event.body.text("trigger");
    }
  }
  REQUIRE(!claim.empty());
  ActionRequest request = f.request("run");
  request.idempotency_key = claim;
  REQUIRE(f.run(f.gate->submit(f.agent("bot"), request)).has_value());
  f.turn_at("2026-12-02T01:00:00Z");
  CHECK(f.asked() == Texts{"runbook.nightly executing"});
}

TEST_CASE("each alert starts what wants it, once, however often it is sent") {
  Field f;
  CHECK(f.receive(f.alert("web1")) == std::size_t{1});
  CHECK(f.asked() == Texts{"runbook.restart executing"});
  CHECK(f.told("hook/") == Texts{"hook.received", "hook.settled"});
  CHECK(f.receive(f.alert("web1")) == std::size_t{0});
  CHECK(f.receive(f.alert("web1", "resolved")) == std::size_t{1});
  CHECK(f.told("hook/").back() == "hook.ignored");
  CHECK(f.asked().size() == 1);
  CHECK(f.receive(f.alert("web1", "firing", "2026-12-01T12:30:00Z")) == std::size_t{1});
  CHECK(f.asked().size() == 2);
  f.crash();
  CHECK(f.receive(f.alert("web1")) == std::size_t{0});
  CHECK(f.asked().size() == 2);
}

TEST_CASE("nobody without the secret is taken; there is no telling whether the webhook is there") {
  Field f;
  Delivery wrong = f.alert("web1");
  wrong.authorization += "x";
  const Result<std::size_t> refused = f.receive(wrong);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == "bad_delivery");
  for (const char* name : {"nothing", "", "../x", "0", "a b"}) {
    Delivery other = f.alert("web1");
    other.hook = name;
    const Result<std::size_t> answer = f.receive(other);
    REQUIRE(!answer.has_value());
    CHECK(answer.error().message == refused.error().message);
  }
  f.secrets.erase("env:ALERTS");
  f.pass_until("2026-12-01T12:02:00Z");
  CHECK(!f.receive(f.alert("web1")).has_value());
  f.secrets.insert_or_assign("env:ALERTS", Secret("short"));
  f.pass_until("2026-12-01T12:03:00Z");
  CHECK(!f.receive(f.alert("web1")).has_value());
  CHECK(f.said.size() == 2);
  CHECK(f.told("hook/").empty());
}

TEST_CASE("runbooks with a secret of their own take nothing from each other") {
  Field f;
  Delivery one = f.alert("web1"), another = one;
  one.hook = another.hook = "shared";
  another.authorization = "Bearer " + std::string(kAnother.reveal());
  CHECK(f.receive(one) == std::size_t{1});
  CHECK(f.receive(one) == std::size_t{0});
  CHECK(f.receive(another) == std::size_t{1});
  CHECK(f.receive(another) == std::size_t{0});
  CHECK(f.asked() == Texts{"runbook.other executing", "runbook.another executing"});
  for (int i = 0; f.receive(one).has_value(); ++i) REQUIRE(i < 300);
  CHECK(f.receive(another).has_value());
}

TEST_CASE("a secret that is not there, or too short, is told at once, and not by each delivery") {
  Field f;
  CHECK(f.said.empty());
  f.secrets.erase("env:ALERTS");
  f.secrets.insert_or_assign("env:ANY", Secret("short"));
  f.crash();
  REQUIRE(f.said.size() == 2);
  CHECK(f.said[0].find("there is no env:ALERTS") != std::string::npos);
  CHECK(f.said[1].find("env:ANY is shorter than 16 bytes") != std::string::npos);
  const int before = f.fetched;
  for (int i = 0; i < 50; ++i) CHECK(!f.receive(f.alert("web1")).has_value());
  CHECK(f.said.size() == 2);
  CHECK(f.fetched == before);
  f.pass_until("2026-12-01T12:00:11Z");
  CHECK(!f.receive(f.alert("web1")).has_value());
  REQUIRE(f.said.size() == 3);
  CHECK(f.said[2].find("(50 deliveries since this was said)") != std::string::npos);
  f.secrets.insert_or_assign("env:ALERTS", kSecret);
  f.pass_until("2026-12-01T12:00:22Z");
  CHECK(f.receive(f.alert("web1")) == std::size_t{1});
}

TEST_CASE("what starts a runbook is told with the time that is next") {
  Field f;
  const std::vector<State> nightly = f.triggers->states_of("nightly");
  REQUIRE(nightly.size() == 1);
  CHECK(nightly.front().next == from_rfc3339("2026-12-02T01:00:00Z"));
  f.pass_until("2026-12-02T01:00:00Z");
  CHECK(f.triggers->states_of("nightly").front().next == from_rfc3339("2026-12-03T01:00:00Z"));
  CHECK(f.triggers->states_of("shared").empty());
  const std::vector<State> other = f.triggers->states_of("other");
  REQUIRE(other.size() == 1);
  CHECK(other.front().hook == "shared");
}

TEST_CASE("a webhook starts nothing that its agent may not") {
  Field f;
  Delivery delivery;
  delivery.hook = "any";
  delivery.body = "{}";
  const std::string t = std::to_string(unix_ms(f.clock.now()) / 1000);
  delivery.signature =
      "t=" + t + ",v1=" + to_hex(view(crypto::hmac_sha256(kSecret.reveal(), t + ".{}")));
  CHECK(f.receive(delivery) == std::size_t{1});
  CHECK(f.asked() == Texts{"runbook.forbidden denied"});
  delivery.id = "another";
  CHECK(f.receive(delivery) == std::size_t{0});
}

TEST_CASE("what an event does not have refuses the start, and says so") {
  Field f;
  Delivery delivery = f.alert("web1");
  delivery.body.replace(delivery.body.find("\"host\""), 6, "\"node\"");
  CHECK(f.receive(delivery) == std::size_t{1});
  CHECK(f.asked().empty());
  const Event last = f.ledger().back();
  CHECK(last.type == "hook.settled");
  CHECK(last.body.find("refused")->as_array().front().text("code") == "expression");
}

TEST_CASE("a webhook that is called without end is told to wait") {
  Field f;
  Result<std::size_t> answer = std::size_t{0};
  for (int i = 0; i < 201 && answer; ++i) answer = f.receive(f.alert("web1"));
  REQUIRE(!answer.has_value());
  CHECK(answer.error().code == "rate_limited");
  f.pass_until("2026-12-01T12:00:01Z");
  CHECK(f.receive(f.alert("web1")).has_value());
}

TEST_CASE("property: whenever it crashes, each alert and each time starts one run, and not two") {
  CHECK(rc::check([] {
    Field f;
    std::set<std::string> accepted;
    for (int left = *rc::gen::inRange(1, 5); left > 0; --left) {
      const auto cut = std::make_shared<gate::testing::Latch>(f.io);
      f.journal->hold_append = [cut, count = *rc::gen::inRange(0, 5)](const auto&) mutable {
        return count-- == 0 ? cut : nullptr;
      };
      const std::string host = "web" + std::to_string(*rc::gen::inRange(0, 3));
      const auto answer = f.begin(f.triggers->received(f.alert(host)));
      if (left == 2) f.pass_until("2026-12-02T01:00:00Z");
      f.triggers->tick();
      f.settle_down();
      if (answer->has_value() && (*answer)->has_value()) accepted.insert(host);
      f.crash();
    }
    f.turn();
    std::map<std::string, int> started;
    for (const Event& event : f.ledger()) {
      if (event.type == "action.decided" && event.body.find("trigger") != nullptr)
        ++started[std::string(event.body.text("trigger"))];
    }
    for (const auto& [trigger, times] : started) RC_ASSERT(times == 1);
    std::set<std::string> hosts;
    for (const Event& event : f.ledger()) {
      if (event.type != "action.decided" || event.body.find("trigger") == nullptr) continue;
      const doc::Value* host = event.private_part->find_path({"args", "host"});
      if (host != nullptr) RC_ASSERT(hosts.insert(host->as_string()).second);
    }
    for (const std::string& host : accepted) RC_ASSERT(hosts.contains(host));
  }));
}

}  // namespace keyturn::triggers
