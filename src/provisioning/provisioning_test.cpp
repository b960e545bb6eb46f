#include "provisioning/provisioning.h"

#include <doctest/doctest.h>

#include "doc/json.h"
#include "gate/testing.h"
#include "people/directory.h"

using namespace keyturn;
using namespace keyturn::provisioning;

namespace {

constexpr std::string_view kIdentity = R"(apiVersion: keyturn/v1
kind: Identity
providers:
  okta: {kind: okta, issuer: "https://a.example", client_id: k}
  entra: {kind: entra, issuer: "https://login.microsoftonline.com/0f0f0f0f-0000-4000-8000-000000000001/v2.0", client_id: k}
scim:
  okta: {token: {secret: "env:OKTA"}, provider: okta, groups: {map: {"Keyturn DBA": dba, "Keyturn SRE": sre}}}
  twin: {token: {secret: "env:TWIN"}, provider: okta}
  entra: {token: {secret: "env:ENTRA"}, provider: entra, groups: {map: {Admins: administrators}}}
)";

struct Desk : gate::testing::Bench {
  std::map<std::string, std::string> secrets{{"OKTA", "okta-token-of-32-bytes-at-least."},
                                             {"TWIN", "twin-token-of-32-bytes-at-least."},
                                             {"ENTRA", "entra-token-of-32-bytes-at-least"}};
  int fetched = 0;
  std::unique_ptr<Provisioning> scim;

  Desk() {
    begin_provisioning();
    configure(std::string(kIdentity));
  }

  static Task<Result<Secret>> secret_of(Desk& desk, std::string name) {
    ++desk.fetched;
    if (desk.secrets[name].empty()) co_return refuse("secret_missing", name + " is not set");
    co_return Secret(desk.secrets[name]);
  }

  void begin_provisioning() {
    scim = std::make_unique<Provisioning>(provisioning::Ports{
        .gate = *gate,
        .account = [](const trust::Provider& provider,
                      std::string_view subject) -> Result<std::string> {
          if (subject.size() > 255) return refuse("invalid_subject", "too long");
          return provider.name + ":" + std::string(subject);
        },
        .fetch =
            [this](secrets::SecretReference reference) { return secret_of(*this, reference.name); },
        .spawn =
            [this](Task<void> task) {
              boost::asio::co_spawn(io, std::move(task), [](std::exception_ptr thrown) {
                if (thrown) std::rethrow_exception(thrown);
              });
            },
        .log = {},
        .base_url = "https://k.example/scim/v2"});
  }

  void configure(const std::string& text) {
    std::vector<EventDraft> events;
    events.push_back({"config", "config.identity_activated", doc::object({{"by", "host"}}),
                      doc::object({{"text", text}})});
    record(std::move(events));
    settle_down();
  }

  // As after a restart.
  void reopen() {
    before_load = [this] { begin_provisioning(); };
    open();
    scim->load();
    run(reconciled());
  }
  Task<bool> reconciled() {
    co_await scim->reconcile();
    co_return true;
  }

  static doc::Value json(const std::string& text) {
    Result<doc::Value> out = doc::parse_json(text);
    REQUIRE_MESSAGE(out, text);
    return *out;
  }
  static std::string code(const Result<doc::Value>& answer) {
    return answer ? std::string(answer->text("id")) : answer.error().code;
  }
  std::string add(const std::string& section, const std::string& user) {
    return code(run(scim->create(section, Kind::kUser, json(user))));
  }
  std::string add_user(const std::string& section, const std::string& name,
                       const std::string& external) {
    return add(section, R"({"userName":")" + name + R"(","externalId":")" + external + R"("})");
  }
  std::string add_group(const std::string& section, const std::string& name,
                        const std::vector<std::string>& members = {}) {
    std::string list;
    for (const std::string& one : members)
      list += (list.empty() ? "" : ",") + (R"({"value":")" + one + R"("})");
    return code(
        run(scim->create(section, Kind::kGroup,
                         json(R"({"displayName":")" + name + R"(","members":[)" + list + "]}"))));
  }
  std::string patch(const std::string& section, Kind kind, const std::string& id,
                    const std::string& operation, const std::string& if_match = "") {
    return code(run(scim->patch(
        section, kind, id,
        json(R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[)" +
             operation + "]}"),
        if_match)));
  }
  std::string set_active(const std::string& section, const std::string& id, bool active) {
    return patch(
        section, Kind::kUser, id,
        std::string(R"({"op":"replace","value":{"active":)") + (active ? "true" : "false") + "}}");
  }
  std::string remove(const std::string& section, Kind kind, const std::string& id) {
    const Result<void> done = run(scim->remove(section, kind, id, ""));
    return done ? "removed" : done.error().code;
  }
  const people::Person* person(const std::string& id) const {
    return gate->world().directory.person(id);
  }
  bool in(const std::string& id, const std::string& group) const {
    return gate->world().directory.in_group(id, group);
  }
  std::string found(const std::string& section, Kind kind, const std::string& filter) {
    Query query;
    if (!filter.empty()) {
      Result<scim::Filter> parsed = scim::parse_filter(filter);
      REQUIRE(parsed);
      query.filter = std::move(*parsed);
    }
    const Result<doc::Value> list = scim->list(section, kind, query);
    if (!list) return list.error().code;
    std::string out;
    for (const doc::Value& one : list->find("Resources")->as_array())
      out += std::string(one.text("id")) + " ";
    CHECK(list->integer("totalResults") ==
          static_cast<std::int64_t>(list->find("Resources")->as_array().size()));
    return out;
  }
};

}  // namespace

TEST_CASE("a User is a new person with an account, and never one who is here already") {
  Desk desk;
  CHECK(
      desk.add("okta",
               R"({"userName":"Zoe.Park@corp.example","externalId":"00u1","displayName":"Zoe Park",
      "emails":[{"value":"zp@corp.example","primary":true},{"value":"zoe@home.example"}]})") ==
      "zoe.park");
  const people::Person& zoe = *desk.person("zoe.park");
  CHECK(zoe.name == "Zoe Park");
  CHECK(zoe.email == "zp@corp.example");
  CHECK(zoe.accounts == std::set<std::string>{"okta:00u1"});
  CHECK_FALSE(zoe.admin);
  CHECK(desk.gate->world().directory.resolve("ZOE@home.example")->id == "zoe.park");
  CHECK(desk.gate->world().directory.resolve("zoe.park@CORP.example")->id == "zoe.park");

  CHECK(desk.add_user("okta", "ZOE.PARK@corp.example", "00u2") == "uniqueness");
  CHECK(desk.add_user("okta", "other@corp.example", "00u1") == "uniqueness");
  CHECK(desk.add_user("twin", "other@corp.example", "00u1") == "uniqueness");
  CHECK(desk.add(
            "okta",
            R"({"userName":"thief","externalId":"00u3","emails":[{"value":"zp@corp.example"}]})") ==
        "uniqueness");
  CHECK(desk.add_user("okta", "bob", "00u4") == "uniqueness");
  CHECK(desk.add_user("okta", "bob@corp.example", "00u4") == "uniqueness");
  CHECK(desk.add_user("okta", "b0b@corp.example", "00u4") == "b0b-2");
  CHECK(desk.add_user("okta", "zoe.park@other.example", "00u5") == "zoe.park-2");
  CHECK(desk.add("okta", R"({"userName":"nobody@corp.example"})") == "invalidValue");
  CHECK(desk.add("okta", R"({"externalId":"00u6"})") == "invalidValue");
  CHECK(desk.add_user("entra", "ann@corp.example", "ann") == "invalidValue");
  CHECK(desk.add_user("entra", "ann@corp.example", "0A21F0F2-8d2a-4f8e-bf98-7363c4aed4eg") ==
        "invalidValue");
  CHECK(desk.add_user("entra", "ann@corp.example", "0A21F0F2-8d2a-4f8e-bf98-7363c4aed4ef") ==
        "ann");
  CHECK(desk.person("ann")->accounts.contains("entra:0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"));
  CHECK(desk.add_user("okta", "long@corp.example", std::string(300, 'x')) == "invalidValue");
  CHECK(desk.add_user("nowhere", "ann@corp.example", "1") == "not_configured");
  CHECK(desk.found("okta", Kind::kUser, "").starts_with("b0b-2 zoe.park "));
  CHECK(desk.found("twin", Kind::kUser, "").empty());
  CHECK(desk.found("okta", Kind::kUser, R"(userName eq "zoe.PARK@corp.example")") == "zoe.park ");
  CHECK(desk.found("okta", Kind::kUser, R"(emails[value ew "home.example"])") == "zoe.park ");
}

TEST_CASE("an account that is linked already says who the User is") {
  Desk desk;
  desk.record({people::account_linked("bob", "okta:00u9", "bob")});
  CHECK(desk.add("okta",
                 R"({"userName":"bob@corp.example","externalId":"00u9","displayName":"Bob B"})") ==
        "bob");
  CHECK(desk.person("bob")->name == "Bob B");
  CHECK(desk.person("bob")->own_groups.contains("dba"));
  CHECK(desk.add_user("okta", "bob@other.example", "00u8") == "bob-2");
}

TEST_CASE("who is deactivated is so at once, and only who did that ends it") {
  Desk desk;
  REQUIRE(desk.add_user("okta", "zoe@corp.example", "00u1") == "zoe");
  CHECK(desk.set_active("okta", "zoe", false) == "zoe");
  CHECK_FALSE(desk.person("zoe")->active);
  CHECK(desk.set_active("twin", "zoe", true) == "not_found");
  CHECK(desk.set_active("okta", "zoe", true) == "zoe");
  CHECK(desk.person("zoe")->active);
  desk.record({people::person_deactivated("zoe", "by the host", true)});
  CHECK(desk.set_active("okta", "zoe", true) == "not_allowed");
  CHECK_FALSE(desk.person("zoe")->active);
  CHECK(desk.add_user("okta", "zoe@elsewhere.example", "00u1") == "uniqueness");
  desk.record({people::person_activated("zoe", true)});
  CHECK(desk.set_active("okta", "zoe", true) == "zoe");

  CHECK(desk.remove("okta", Kind::kUser, "zoe") == "removed");
  CHECK_FALSE(desk.person("zoe")->active);
  CHECK(desk.remove("okta", Kind::kUser, "zoe") == "not_found");
  CHECK(desk.add_user("okta", "zoe.new@corp.example", "00u2") == "zoe.new");
  CHECK(desk.add_user("okta", "zoe@corp.example", "00u1") == "zoe");
  CHECK(desk.person("zoe")->active);
}

TEST_CASE("groups count where the section maps them, and follow their members") {
  Desk desk;
  REQUIRE(desk.add_user("okta", "zoe@corp.example", "00u1") == "zoe");
  REQUIRE(desk.add_user("okta", "max@corp.example", "00u2") == "max");
  const std::string dba = desk.add_group("okta", "Keyturn DBA", {"zoe"});
  REQUIRE(dba.starts_with("grp_"));
  CHECK(desk.in("zoe", "dba"));
  CHECK_FALSE(desk.in("max", "dba"));
  const std::string lunch = desk.add_group("okta", "Lunch", {"zoe", "max"});
  CHECK(desk.person("max")->groups.empty());
  CHECK(desk.found("okta", Kind::kGroup, R"(members eq "max")") == lunch + " ");
  CHECK(desk.found("okta", Kind::kUser,
                   R"(groups[display eq "Lunch"] and groups eq ")" + dba + "\"") == "zoe ");

  CHECK(desk.patch("okta", Kind::kGroup, dba,
                   R"({"op":"Add","path":"members","value":[{"value":"max"}]})") == dba);
  CHECK(desk.in("max", "dba"));
  CHECK(desk.patch("okta", Kind::kGroup, dba,
                   R"({"op":"add","path":"members","value":[{"value":"bob"}]})") == "invalidValue");
  CHECK(
      desk.patch("okta", Kind::kGroup, dba,
                 R"({"op":"replace","path":"members","value":[{"value":"zoe","type":"Group"}]})") ==
      "invalidValue");
  CHECK(desk.patch("twin", Kind::kGroup, dba, R"({"op":"remove","path":"members"})") ==
        "not_found");
  CHECK(desk.patch("okta", Kind::kGroup, dba,
                   R"({"op":"replace","path":"displayName","value":"lunch"})") == "uniqueness");
  CHECK(desk.patch("okta", Kind::kGroup, dba,
                   R"({"op":"replace","path":"displayName","value":"Keyturn SRE"})") == dba);
  CHECK(desk.in("max", "sre"));
  CHECK_FALSE(desk.in("max", "dba"));
  CHECK(desk.patch("okta", Kind::kGroup, dba,
                   R"({"op":"remove","path":"members[value eq \"max\"]"})") == dba);
  CHECK_FALSE(desk.in("max", "sre"));

  SUBCASE("after a restart it is all there") {
    desk.reopen();
    CHECK(desk.in("zoe", "sre"));
    CHECK(desk.found("okta", Kind::kGroup, R"(members eq "zoe")").find(dba) != std::string::npos);
    CHECK(desk.found("okta", Kind::kUser, R"(userName eq "max@corp.example")") == "max ");
    CHECK(desk.add_user("okta", "max@corp.example", "00u3") == "uniqueness");
  }
  SUBCASE("the mapping of identity.yaml is applied to everybody when it changes") {
    std::string text(kIdentity);
    text.replace(text.find("\"Keyturn SRE\": sre"), 18, "Lunch: web");
    desk.configure(text);
    CHECK_FALSE(desk.in("zoe", "sre"));
    CHECK(desk.in("zoe", "web"));
    CHECK(desk.in("max", "web"));
    desk.configure("apiVersion: keyturn/v1\nkind: Identity\n");
    CHECK(desk.person("zoe")->groups.empty());
    CHECK(desk.set_active("okta", "zoe", false) == "not_configured");
  }
  SUBCASE("who is removed leaves them, and a group that is removed has none") {
    CHECK(desk.remove("okta", Kind::kUser, "zoe") == "removed");
    CHECK(desk.person("zoe")->groups.empty());
    CHECK(desk.found("okta", Kind::kGroup, R"(members eq "zoe")").empty());
    CHECK(desk.remove("okta", Kind::kGroup, lunch) == "removed");
    CHECK(desk.found("okta", Kind::kGroup, "").find(lunch) == std::string::npos);
    CHECK(desk.add_group("okta", "Lunch", {"max"}).starts_with("grp_"));
  }
}

TEST_CASE("administrators come by SCIM only where identity.yaml says so") {
  Desk desk;
  const std::string object = "00000000-0000-4000-8000-00000000000a";
  REQUIRE(desk.add_user("okta", "zoe@corp.example", "00u1") == "zoe");
  REQUIRE(desk.add_user("entra", "ann@corp.example", object) == "ann");
  desk.add_group("okta", "administrators", {"zoe"});
  desk.add_group("okta", "Admins", {"zoe"});
  CHECK(desk.person("zoe")->groups.empty());
  CHECK_FALSE(desk.person("zoe")->admin);
  const std::string group = desk.add_group("entra", "Admins", {"ann"});
  CHECK(desk.in("ann", "administrators"));
  CHECK(desk.person("ann")->admin);
  CHECK(desk.remove("entra", Kind::kGroup, group) == "removed");
  CHECK_FALSE(desk.person("ann")->admin);
}

TEST_CASE("a version that has moved is not written over") {
  Desk desk;
  REQUIRE(desk.add_user("okta", "zoe@corp.example", "00u1") == "zoe");
  const std::string before = scim::version_of(*desk.scim->find("okta", Kind::kUser, "zoe"));
  const std::string change = R"({"op":"replace","path":"displayName","value":"Zoe"})";
  CHECK(desk.patch("okta", Kind::kUser, "zoe", change, before) == "zoe");
  CHECK(desk.patch("okta", Kind::kUser, "zoe", change, before) == "precondition_failed");
  CHECK(desk.patch("okta", Kind::kUser, "zoe", change, "*") == "zoe");
}

TEST_CASE("what a PUT leaves out of externalId and active stays") {
  Desk desk;
  REQUIRE(desk.add_user("okta", "zoe@corp.example", "00u1") == "zoe");
  REQUIRE(desk.set_active("okta", "zoe", false) == "zoe");
  const auto put = [&](const char* body) {
    return Desk::code(
        desk.run(desk.scim->replace("okta", Kind::kUser, "zoe", Desk::json(body), "")));
  };
  CHECK(put(R"({"userName":"zoe.park@corp.example"})") == "zoe");
  CHECK_FALSE(desk.person("zoe")->active);
  CHECK(desk.person("zoe")->accounts.contains("okta:00u1"));
  CHECK(desk.person("zoe")->email == "zoe.park@corp.example");
  CHECK(put(R"({"userName":"zoe@corp.example","externalId":"00u7","active":"True"})") == "zoe");
  CHECK(desk.person("zoe")->accounts == std::set<std::string>{"okta:00u7"});
  CHECK(desk.person("zoe")->active);
  CHECK(put(R"({"displayName":"x"})") == "invalidValue");
}

TEST_CASE("a token is of one section; a changed one is seen") {
  Desk desk;
  const auto section = [&](const std::string& token) {
    const Result<std::string> out = desk.run(desk.scim->section_of(token));
    return out ? *out : out.error().code;
  };
  CHECK(section("okta-token-of-32-bytes-at-least.") == "okta");
  CHECK(section("twin-token-of-32-bytes-at-least.") == "twin");
  CHECK(section("") == "unauthenticated");
  CHECK(section("okta-token-of-32-bytes-at-least") == "unauthenticated");
  const int before = desk.fetched;
  CHECK(section("twin-token-of-32-bytes-at-least.") == "twin");
  CHECK(desk.fetched == before);
  desk.secrets["OKTA"] = desk.secrets["TWIN"];
  desk.secrets["ENTRA"] = "short";
  desk.clock.time += std::chrono::minutes(2);
  CHECK(section("okta-token-of-32-bytes-at-least.") == "unauthenticated");
  CHECK(section("twin-token-of-32-bytes-at-least.") == "unauthenticated");
  CHECK(section("short") == "unauthenticated");
  desk.secrets = {};
  desk.clock.time += std::chrono::minutes(2);
  CHECK(section("x") == "not_configured");
}
