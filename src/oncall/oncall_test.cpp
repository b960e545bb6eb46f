#include "oncall/oncall.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "gate/testing.h"

using namespace keyturn;
using namespace keyturn::oncall;

namespace {

constexpr std::string_view kIdentity = R"(apiVersion: keyturn/v1
kind: Identity
oncall:
  primary: {group: sre-oncall, of: dba, file: primary.yaml}
  hook: {group: dba-oncall, of: dba, webhook: {secret: "env:HOOK"}, stale_after: 2h}
)";
constexpr std::string_view kKey = "a key of thirty-two bytes here..";
// The bench begins at 2026-11-21T05:00Z; bob and erin are dba, mia is not.
constexpr std::string_view kShifts = R"(shifts:
- {person: bob, from: "2026-11-21T04:00", until: "2026-11-21T06:00"}
- {person: mia, from: "2026-11-21T04:00", until: "2026-11-21T06:00"}
- {person: erin, from: "2026-11-21T06:00", until: "2026-11-21T08:00"}
)";

struct Desk : gate::testing::Bench {
  std::map<std::string, Result<std::string>> files{{"primary.yaml", std::string(kShifts)}};
  std::string secret = "whsec_" + to_base64(kKey);
  std::vector<std::string> said;
  std::unique_ptr<OnCall> on_call;
  int sent = 0;

  Desk() {
    pass_until("2026-11-21T05:00:00Z");
    make();
    configure(std::string(kIdentity));
    REQUIRE(run(on_call->start()).has_value());
  }

  static Task<Result<Secret>> secret_of(Desk& desk) {
    if (desk.secret.empty()) co_return refuse("secret_missing", "env:HOOK is empty");
    co_return Secret(desk.secret);
  }

  void make() {
    on_call = std::make_unique<OnCall>(oncall::Ports{
        .gate = *gate,
        .fetch = [this](secrets::SecretReference) { return secret_of(*this); },
        .read = [this](const std::string& path) { return files.at(path); },
        .spawn =
            [this](Task<void> task) {
              boost::asio::co_spawn(io, std::move(task), [](std::exception_ptr thrown) {
                if (thrown) std::rethrow_exception(thrown);
              });
            },
        .log = [this](std::string_view line) { said.emplace_back(line); }});
  }

  void configure(const std::string& text) {
    std::vector<EventDraft> events;
    events.push_back({"config", "config.identity_activated", doc::object({{"by", "host"}}),
                      doc::object({{"text", text}})});
    record(std::move(events));
    settle_down();
  }

  // As after a restart: nobody is told anything before start() is done.
  void reopen() {
    before_load = [this] { make(); };
    open();
    on_call->load();
    REQUIRE(run(on_call->start()).has_value());
  }

  void pass(const char* time) {
    pass_until(time);
    tick();
  }
  void tick() {
    gate->tick();
    on_call->tick();
    settle_down();
  }
  void look() {
    on_call->look(false);
    on_call->look(false);
    tick();
  }

  std::string members(const char* group) {
    return people::in_words(gate->world().directory.members(group));
  }
  std::vector<Event> stream(const char* name) { return run(real->read_stream(name, 1, true)); }

  Message message(const std::string& body, const char* id = nullptr) {
    Message out;
    out.id = id != nullptr ? id : "msg_" + std::to_string(++sent);
    out.timestamp = std::to_string(unix_ms(clock.time) / 1000);
    out.body = body;
    out.signatures = signature_of(out, kKey);
    return out;
  }
  static std::string signature_of(const Message& m, std::string_view key) {
    return "v1," +
           to_base64(view(crypto::hmac_sha256(key, m.id + "." + m.timestamp + "." + m.body)));
  }
  std::string tell(Message message, const std::string& name = "hook") {
    Result<oncall::State> state = run(on_call->told(name, std::move(message)));
    return state ? "ok"
                 : state.error().code + (state.error().where.empty() ? "" : " ") +
                       state.error().where;
  }
  oncall::State state(const char* name) {
    for (oncall::State& one : on_call->states()) {
      if (one.name == name) return one;
    }
    FAIL("no such schedule");
    return {};
  }
};

const std::string kBob =
    R"({"shifts": [{"person": "bob", "from": "2026-11-21T04:00:00Z", "until": "2026-11-21T09:00:00Z"}]})";

}  // namespace

TEST_CASE("a shift begins and ends by the clock, and is recorded then, once") {
  Desk desk;
  CHECK(desk.members("sre-oncall") == "bob");
  const std::size_t before = desk.stream("person/bob").size();
  CHECK(desk.stream("person/bob").back().type == "identity.groups_vouched");
  for (int i = 0; i < 5; ++i) desk.tick();
  desk.on_call->look(true);
  desk.pass("2026-11-21T05:59:59Z");
  CHECK(desk.members("sre-oncall") == "bob");
  CHECK(desk.stream("person/bob").size() == before);
  CHECK(desk.stream("oncall/primary").size() == 1);
  desk.pass("2026-11-21T06:00:00Z");
  CHECK(desk.members("sre-oncall") == "erin");
  CHECK(desk.stream("person/bob").size() == before + 1);
  desk.pass("2026-11-21T08:00:00Z");
  CHECK(desk.members("sre-oncall") == "none");
  CHECK(desk.stream("person/bob").size() == before + 1);
}

TEST_CASE("a schedule that names an outsider puts nobody in, and says so") {
  Desk desk;
  CHECK_FALSE(desk.gate->world().directory.in_group("mia", "sre-oncall"));
  const oncall::State state = desk.state("primary");
  REQUIRE(state.on_call.size() == 2);
  CHECK(state.on_call[0].counts);
  CHECK_FALSE(state.on_call[1].counts);
  std::vector<EventDraft> events;
  events.push_back(people::group_changed("dba", {"mia"}, {"bob"}));
  desk.record(std::move(events));
  CHECK(desk.members("sre-oncall") == "mia");
}

TEST_CASE("after a restart the right people are on call before anybody is told anything") {
  Desk desk;
  CHECK(desk.tell(desk.message(kBob)) == "ok");
  CHECK(desk.members("dba-oncall") == "bob");
  const std::uint64_t size = desk.real->size();
  desk.reopen();
  CHECK(desk.real->size() == size);  // nothing has changed
  CHECK(desk.members("sre-oncall") == "bob");
  CHECK(desk.members("dba-oncall") == "bob");
  desk.pass_until("2026-11-21T06:30:00Z");
  desk.reopen();
  CHECK(desk.members("sre-oncall") == "erin");
  CHECK(desk.members("dba-oncall") == "bob");
}

TEST_CASE("a broken file leaves whoever is on call there until the shift ends") {
  Desk desk;
  desk.files.at("primary.yaml") = std::string("shifts: nobody knows");
  desk.on_call->look(false);
  desk.tick();
  CHECK(desk.on_call->troubled() == std::vector<std::string>{"oncall.hook"});  // half a checkout?
  desk.on_call->look(false);
  desk.tick();
  CHECK(desk.on_call->troubled() == std::vector<std::string>{"oncall.hook", "oncall.primary"});
  CHECK(desk.state("primary").problems.front().starts_with("primary.yaml:1:9: "));
  CHECK(desk.members("sre-oncall") == "bob");
  const std::vector<Event> events = desk.stream("oncall/primary");
  REQUIRE(events.size() == 2);
  CHECK(events.back().type == "oncall.file_refused");
  for (int i = 0; i < 3; ++i) desk.look();
  desk.reopen();
  CHECK(desk.stream("oncall/primary").size() == 2);
  CHECK(desk.members("sre-oncall") == "bob");
  desk.pass("2026-11-21T06:00:00Z");
  CHECK(desk.members("sre-oncall") == "none");
  desk.files.at("primary.yaml") = std::string(kShifts);
  desk.look();
  CHECK(desk.members("sre-oncall") == "erin");
  desk.files.at("primary.yaml") = refuse("unreadable", "primary.yaml: cannot be read");
  desk.look();
  CHECK(desk.members("sre-oncall") == "erin");
  CHECK(desk.stream("oncall/primary").back().type == "oncall.file_refused");
}

TEST_CASE("a schedule that is not configured any more ends, and so does one that changes") {
  Desk desk;
  desk.configure("apiVersion: keyturn/v1\nkind: Identity\n");
  CHECK(desk.members("sre-oncall") == "none");  // with the event itself
  desk.tick();
  CHECK(desk.gate->world().directory.person("bob")->vouched.at("oncall:primary").groups.empty());
  desk.configure(std::string(kIdentity));
  desk.look();
  CHECK(desk.members("sre-oncall") == "bob");
  std::string other(kIdentity);
  other.replace(other.find("of: dba, file"), 7, "of: web");
  desk.configure(other);
  CHECK(desk.members("sre-oncall") == "none");
  desk.tick();
  CHECK(desk.members("sre-oncall") == "none");
}

TEST_CASE("who is not known yet is on call as soon as they are") {
  Desk desk;
  desk.files.at("primary.yaml") = std::string(
      "shifts:\n- {person: zoe, from: \"2026-11-21T04:00\", until: \"2026-11-21T06:00\"}");
  desk.look();
  CHECK(desk.members("sre-oncall") == "none");
  CHECK(desk.state("primary").problems.front().contains("zoe"));
  std::vector<EventDraft> events;
  events.push_back(people::person_added({.id = "zoe", .groups = {"dba"}}));
  desk.record(std::move(events));
  desk.tick();
  CHECK(desk.members("sre-oncall") == "zoe");
}

TEST_CASE("a message that is not signed, late, early, sent again or overtaken changes nothing") {
  Desk desk;
  CHECK(desk.state("hook").stale);
  const Message good = desk.message(kBob, "msg_a");
  Message bad = good;
  bad.body += " ";
  CHECK(desk.tell(bad) == "bad_signature");
  bad = good;
  bad.id = "msg_b";
  CHECK(desk.tell(bad) == "bad_signature");
  bad = good;
  bad.signatures = Desk::signature_of(good, "another key of thirty-two bytes.");
  CHECK(desk.tell(bad) == "bad_signature");
  bad.signatures = "v1,";
  CHECK(desk.tell(bad) == "bad_signature");
  bad.signatures.clear();
  CHECK(desk.tell(bad) == "bad_signature");
  bad.signatures = "v2" + good.signatures.substr(2);
  CHECK(desk.tell(bad) == "bad_signature");
  bad = good;
  bad.timestamp = " " + bad.timestamp;
  bad.signatures = Desk::signature_of(bad, kKey);
  CHECK(desk.tell(bad) == "bad_signature");
  CHECK(desk.tell(good, "primary") == "not_found");
  CHECK(desk.tell(good, "nothing") == "not_found");
  desk.pass_until("2026-11-21T05:05:01Z");
  CHECK(desk.tell(good) == "stale_message");
  desk.pass_until("2026-11-21T04:54:59Z");
  CHECK(desk.tell(good) == "stale_message");
  CHECK(desk.members("dba-oncall") == "none");

  desk.pass_until("2026-11-21T05:02:00Z");
  Message rotated = good;  // several signatures, while a secret is changed
  rotated.signatures =
      Desk::signature_of(good, "another key of thirty-two bytes.") + " " + good.signatures;
  CHECK(desk.tell(rotated) == "ok");
  CHECK(desk.members("dba-oncall") == "bob");
  CHECK(desk.tell(good) == "already_used");
  desk.reopen();
  CHECK(desk.tell(good) == "already_used");
  const Message held_back = desk.message(kBob);
  desk.pass_until("2026-11-21T05:03:00Z");
  CHECK(desk.tell(desk.message(R"({"shifts": []})")) == "ok");
  CHECK(desk.members("dba-oncall") == "none");
  CHECK(desk.tell(held_back) == "stale_message");
  desk.reopen();
  CHECK(desk.tell(held_back) == "stale_message");
  CHECK(desk.members("dba-oncall") == "none");
}

TEST_CASE("a message says exactly when who is on call") {
  Desk desk;
  const auto said = [&](const std::string& body) { return desk.tell(desk.message(body)); };
  const auto shift = [](const std::string& fields) { return R"({"shifts": [{)" + fields + "}]}"; };
  const std::string times = R"("from": "2026-11-21T04:00:00Z", "until": "2026-11-21T09:00:00Z")";
  CHECK(said("").starts_with("invalid_json"));
  CHECK(said("[]").starts_with("wrong_type"));
  CHECK(said("{}").starts_with("missing_field"));
  CHECK(said(R"({"shifts": [], "more": 1})").starts_with("unknown_field"));
  CHECK(said(shift(times)) == "missing_field /shifts/0");
  CHECK(said(shift(R"("person": "zoe", )" + times)) == "unknown_person /shifts/0/person");
  CHECK(said(shift(R"("person": "bob", "from": "2026-11-21T04:00", "until": "x")")) ==
        "wrong_type /shifts/0/from");
  CHECK(
      said(shift(
          R"("person": "bob", "until": "2026-11-21T04:00:00Z", "from": "2026-11-21T04:00:00Z")")) ==
      "out_of_range /shifts/0/until");
  CHECK(said(shift(R"("person": "bob", "role": "x", )" + times)).starts_with("unknown_field"));
  CHECK(desk.members("dba-oncall") == "none");
  CHECK(said(shift(R"("person": "Bob", )" + times)) == "ok");
  CHECK(desk.members("dba-oncall") == "bob");
}

TEST_CASE("when nothing was told for too long nobody is on call") {
  Desk desk;
  desk.pass("2026-11-21T05:30:00Z");
  CHECK(desk.tell(desk.message(kBob)) == "ok");
  CHECK_FALSE(desk.state("hook").stale);
  desk.pass("2026-11-21T07:29:59Z");
  CHECK(desk.members("dba-oncall") == "bob");
  desk.pass_until("2026-11-21T07:30:00Z");
  desk.gate->tick();  // the directory itself: no tick of ours is needed for it
  CHECK(desk.members("dba-oncall") == "none");
  desk.tick();
  CHECK(desk.state("hook").stale);
  CHECK(desk.on_call->troubled() == std::vector<std::string>{"oncall.hook"});
  CHECK(desk.tell(desk.message(kBob)) == "ok");
  CHECK(desk.members("dba-oncall") == "bob");
}

TEST_CASE("without a secret that is one it does not start, and takes no message") {
  Desk desk;
  for (const char* secret :
       {"", "whsec_", "hunter2", "whsec_c2hvcnQ=", "not base64 at all ......"}) {
    desk.secret = secret;
    desk.before_load = [&] { desk.make(); };
    desk.open();
    desk.on_call->load();
    const Result<void> started = desk.run(desk.on_call->start());
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().message.contains("oncall.hook"));
    if (std::string_view(secret).size() > 6) CHECK_FALSE(started.error().message.contains(secret));
    CHECK(desk.tell(desk.message(kBob)) == "not_configured");
  }
}

TEST_CASE("who comes on call is told, who waits for whom is looked at again") {
  Desk desk;
  desk.activate("policy", R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 2}
rules:
- {id: asked, match: {tool: [ask]}, effect: require, require: {quorum: {sre-oncall: 1}, assurance: token, expires: 9h}}
)");
  const gate::RecordPtr asked = desk.ask("ask");
  CHECK(desk.gate->may_vote("bob", *asked));
  CHECK_FALSE(desk.gate->may_vote("erin", *asked));
  CHECK_FALSE(desk.gate->may_vote("mia", *asked));
  int woken = 0;
  const gate::Watch watch = desk.gate->watch_all([&](const gate::RecordPtr&) { ++woken; });
  desk.pass("2026-11-21T06:00:00Z");
  CHECK(woken > 0);
  CHECK_FALSE(desk.gate->may_vote("bob", *asked));
  CHECK(desk.gate->may_vote("erin", *asked));
}
