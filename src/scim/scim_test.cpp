#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "doc/json.h"
#include "scim/filter.h"
#include "scim/messages.h"
#include "scim/patch.h"
#include "scim/schema.h"

using namespace keyturn;

namespace {

doc::Value json(std::string_view text) {
  Result<doc::Value> out = doc::parse_json(text);
  REQUIRE_MESSAGE(out, std::string(text));
  return *out;
}

const char* const kBabs = R"({"userName": "babs@example.com", "externalId": "00uA",
  "name": {"givenName": "Babs", "familyName": "Jensen"}, "displayName": "Babs Jensen", "active": true,
  "emails": [{"value": "babs@example.com", "type": "work", "primary": true},
             {"value": "babs@home.example", "type": "home"}],
  "meta": {"lastModified": "2026-05-13T04:42:34Z"}})";

std::string asked(const char* filter, const char* resource = kBabs) {
  const Result<scim::Filter> parsed = scim::parse_filter(filter);
  if (!parsed) return parsed.error().code + ": " + parsed.error().message;
  const Result<bool> yes = scim::matches(*parsed, scim::user_schema(), json(resource));
  if (!yes) return yes.error().code + ": " + yes.error().message;
  return *yes ? "yes" : "no";
}

std::string changed(const scim::Schema& schema, const char* resource,
                    const std::string& operations) {
  const doc::Value message =
      json(R"({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": )" +
           operations + "}");
  const Result<doc::Value> out = scim::patched(schema, json(resource), message);
  return out ? doc::write_json(*out) : out.error().code;
}

std::string user(const std::string& operations,
                 const char* resource = R"({"userName":"babs","active":true})") {
  return changed(scim::user_schema(), resource, operations);
}

std::string group(
    const std::string& operations,
    const char* resource = R"({"displayName":"g","members":[{"value":"a"},{"value":"b"}]})") {
  return changed(scim::group_schema(), resource, operations);
}

}  // namespace

TEST_CASE("a filter finds what RFC 7644 says it finds") {
  const struct {
    const char* filter;
    const char* found;
  } rows[] = {
      {R"(userName eq "babs@example.com")", "yes"},
      {R"(USERNAME Eq "BABS@EXAMPLE.COM")", "yes"},
      {R"(urn:ietf:params:scim:schemas:core:2.0:User:userName sw "babs")", "yes"},
      {R"(externalId eq "00ua")", "no"},
      {R"(externalId eq "00uA")", "yes"},
      {R"(name.familyName co "ens")", "yes"},
      {R"(name.familyName ew "X")", "no"},
      {R"(emails eq "babs@home.example")", "yes"},
      {R"(emails.type eq "home")", "yes"},
      {R"(emails[type eq "work" and value co "@example.com"])", "yes"},
      {R"(emails[type eq "work" and value co "@home"])", "no"},
      {R"(emails[not (type eq "work")])", "yes"},
      {R"(active eq true)", "yes"},
      {R"(active eq "False")", "no"},
      {R"(active ne false)", "yes"},
      {R"(displayName pr)", "yes"},
      {R"(name.formatted pr)", "no"},
      {R"(emails pr and not (externalId pr))", "no"},
      {R"(userName eq "x" or userName eq "babs@example.com" and active eq true)", "yes"},
      {R"((userName eq "x" or userName eq "babs@example.com") and active eq false)", "no"},
      {R"(meta.lastModified gt "2026-05-13T00:00:00+02:00")", "yes"},
      {R"(meta.lastModified lt "2026-05-13T04:42:34Z")", "no"},
      {R"(userName ge "babs")", "yes"},
      {R"(title eq "Tour Guide")", "no"},
      {R"(title ne "Tour Guide")", "yes"},
      {R"(urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "x")", "no"},
      {R"(displayName eq null)", "no"},
      {R"(userName eq "\"\u0062\\")", "no"},
  };
  for (const auto& row : rows) CHECK_MESSAGE(asked(row.filter) == row.found, row.filter);
}

TEST_CASE("a filter that is none is refused, with the place") {
  CHECK(asked("userName") == "invalidFilter: a comparison such as eq was expected at byte 8");
  CHECK(asked(R"(userName is "x")").starts_with("invalidFilter: one of eq ne"));
  CHECK(asked("userName eq babs").starts_with("invalidFilter: a text in quotes"));
  CHECK(asked(R"(userName eq "babs)") == "invalidFilter: the text has no end at byte 17");
  CHECK(asked(R"((userName eq "x")").starts_with("invalidFilter: \")\" was expected"));
  CHECK(asked(R"(userName eq "x" xor active pr)").starts_with("invalidFilter: the end"));
  CHECK(asked(R"(nonsense eq "x")").starts_with("invalidFilter: nonsense eq"));
  CHECK(asked(R"(userName.first eq "x")").starts_with("invalidFilter"));
  CHECK(asked(R"(emails.nope eq "x")").starts_with("invalidFilter"));
  CHECK(asked(R"(userName[value eq "x"])").starts_with("invalidFilter"));
  CHECK(asked("active gt true").starts_with("invalidFilter"));
  CHECK(asked(R"(meta.created gt "yesterday")", R"({"meta":{"created":"2026-05-13T04:42:34Z"}})")
            .starts_with("invalidFilter"));
  CHECK(asked("").starts_with("invalidFilter"));
  CHECK(asked(R"(userName eq {"a":1})").starts_with("invalidFilter"));
}

TEST_CASE("a filter is bounded in length, depth and number") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '(') + "active pr" +
           std::string(static_cast<std::size_t>(depth), ')');
  };
  CHECK(scim::parse_filter(nested(scim::kFilterDepthMax - 1)));
  CHECK(scim::parse_filter(nested(scim::kFilterDepthMax + 1)).error().code == "invalidFilter");
  CHECK_FALSE(scim::parse_filter(std::string(2000, '(')));
  std::string wide = "active pr";
  for (std::size_t i = 1; i < scim::kFilterTermsMax; ++i) wide += " or active pr";
  CHECK(scim::parse_filter(wide));
  CHECK_FALSE(scim::parse_filter(wide + " or active pr"));
  CHECK_FALSE(
      scim::parse_filter("userName eq \"" + std::string(scim::kFilterBytesMax, 'x') + "\""));
}

TEST_CASE("what was parsed and written again is the same, and changed text never breaks it") {
  const std::vector<std::string> seeds{
      R"(userName eq "babs" and (active eq true or not (emails[type eq "work"])))",
      R"(urn:ietf:params:scim:schemas:core:2.0:User:name.givenName co "a\"b" or meta.created gt "2026")",
      R"(members[value eq "x" and type ne "y"] and a pr and b lt -1.5e3)"};
  CHECK(rc::check([&] {
    std::string text = *rc::gen::elementOf(seeds);
    const int changes = *rc::gen::inRange(0, 4);
    for (int i = 0; i < changes; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const char c = *rc::gen::elementOf(std::string("()[]\"\\ .:aeqnortp$1-"));
      if (*rc::gen::arbitrary<bool>())
        text[at] = c;
      else
        text.insert(at, 1, c);
    }
    const Result<scim::Filter> first = scim::parse_filter(text);
    if (!first) {
      RC_ASSERT(first.error().code == "invalidFilter");
      return;
    }
    const std::string written = scim::to_text(*first);
    const Result<scim::Filter> again = scim::parse_filter(written);
    RC_ASSERT(again.has_value());
    RC_ASSERT(scim::to_text(*again) == written);
    const Result<bool> found = scim::matches(*first, scim::user_schema(), json(kBabs));
    const bool is_answered = found || found.error().code == "invalidFilter";
    RC_ASSERT(is_answered);
    const Result<bool> same = scim::matches(*again, scim::user_schema(), json(kBabs));
    RC_ASSERT(same.has_value() == found.has_value());
    if (found) RC_ASSERT(*same == *found);
  }));
}

TEST_CASE("a filter is written with the parentheses that it needs") {
  for (const char* text :
       {R"((userName pr or active pr) and not (title pr and emails[type eq "work"]))",
        R"(userName pr or active eq true and name.givenName co "x\"")"}) {
    const Result<scim::Filter> filter = scim::parse_filter(text);
    REQUIRE(filter);
    const Result<scim::Filter> again = scim::parse_filter(scim::to_text(*filter));
    REQUIRE(again);
    CHECK(again->kind == filter->kind);
    CHECK(again->parts.size() == filter->parts.size());
    CHECK(again->parts[0].kind == filter->parts[0].kind);
  }
}

TEST_CASE("a resource is taken in its own names, and nothing that Keyturn does not keep") {
  const auto taken = scim::accept(
      scim::user_schema(),
      json(
          R"({"schemas": ["x"], "USERNAME": "b", "Active": "True", "password": "1mz050nq", "id": "other",
      "groups": [{"value": "dba"}], "phoneNumbers": [{"value": "1"}], "displayName": null,
      "urn:ietf:params:scim:schemas:core:2.0:User:externalId": "e", "name": {"GIVENNAME": "B", "x": 1},
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "d"}})"));
  REQUIRE(taken);
  CHECK(doc::write_json(*taken) ==
        R"({"userName":"b","active":true,"externalId":"e","name":{"givenName":"B"}})");
  const auto code = [](const char* text) {
    const auto out = scim::accept(scim::user_schema(), json(text));
    return out ? std::string("taken") : out.error().code;
  };
  CHECK(code(R"({"userName": "a", "username": "b"})") == "invalidSyntax");
  CHECK(code(R"({"userName": 7})") == "invalidValue");
  CHECK(code(R"({"active": "maybe"})") == "invalidValue");
  CHECK(code(R"({"emails": "a@b.example"})") == "invalidValue");
  CHECK(code(R"({"emails": ["a@b.example"]})") == "invalidValue");
  CHECK(code("[]") == "invalidSyntax");
  CHECK(code((R"({"userName": ")" + std::string(scim::kTextBytesMax + 1, 'x') + "\"}").c_str()) ==
        "invalidValue");
  CHECK(scim::check_complete(scim::user_schema(), json(R"({"active": true})")).error().code ==
        "invalidValue");
  CHECK(scim::check_complete(scim::group_schema(), json(R"({"displayName": "g"})")));
}

TEST_CASE("a PATCH in the words of the RFC, of Okta and of Entra") {
  // Okta: no path; the id comes along.
  CHECK(user(R"([{"op":"replace","value":{"active":false}}])") ==
        R"({"userName":"babs","active":false})");
  CHECK(group(R"([{"op":"replace","value":{"id":"abf4","displayName":"h"}}])",
              R"({"displayName":"g"})") == R"({"displayName":"h"})");
  CHECK(group(R"([{"op":"remove","path":"members[value eq \"a\"]"},
                  {"op":"add","path":"members","value":[{"value":"c","display":"c@x"}]}])") ==
        R"({"displayName":"g","members":[{"value":"b"},{"value":"c"}]})");
  CHECK(group(R"([{"op":"replace","path":"members","value":[{"value":"c"},{"value":"c"}]}])") ==
        R"({"displayName":"g","members":[{"value":"c"}]})");
  // Entra: capitals, texts for booleans, removal by a list, paths as keys, extensions.
  CHECK(user(R"([{"op":"Replace","path":"active","value":"False"}])") ==
        R"({"userName":"babs","active":false})");
  CHECK(group(R"([{"op":"Remove","path":"members","value":[{"$ref":null,"value":"b"}]}])") ==
        R"({"displayName":"g","members":[{"value":"a"}]})");
  CHECK(
      group(
          R"([{"op":"Add","path":"members","value":[{"$ref":null,"value":"a"},{"value":"c"}]}])") ==
      R"({"displayName":"g","members":[{"value":"a"},{"value":"b"},{"value":"c"}]})");
  CHECK(user(R"([{"op":"replace","value":{"displayName":"B","name.givenName":"Kkom",
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"A"}}])") ==
        R"({"userName":"babs","active":true,"displayName":"B","name":{"givenName":"Kkom"}})");
  CHECK(user(R"([{"op":"Replace","path":"emails[type eq \"work\"].value","value":"a@b"}])") ==
        R"({"userName":"babs","active":true,"emails":[{"type":"work","value":"a@b"}]})");
  CHECK(
      user(
          R"([{"op":"Replace","path":"EMAILS[Type eq \"Work\"].Value","value":"n@b"}])",
          R"({"userName":"b","emails":[{"value":"o@b","type":"work"},{"value":"h@b","type":"home"}]})") ==
      R"({"userName":"b","emails":[{"value":"n@b","type":"work"},{"value":"h@b","type":"home"}]})");
  CHECK(user(R"([{"op":"Add","path":"title","value":"x"},{"op":"add","path":
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":{"value":"1"}}])") ==
        R"({"userName":"babs","active":true})");
  // The RFC's own.
  CHECK(
      user(
          R"([{"op":"add","value":{"emails":[{"value":"a@b","primary":true}],"name":{"familyName":"J"}}}])") ==
      R"({"userName":"babs","active":true,"emails":[{"value":"a@b","primary":true}],"name":{"familyName":"J"}})");
  CHECK(user(R"([{"op":"add","path":"emails","value":[{"value":"n@b","primary":true}]}])",
             R"({"userName":"b","emails":[{"value":"o@b","primary":true}]})") ==
        R"({"userName":"b","emails":[{"value":"o@b"},{"value":"n@b","primary":true}]})");
  CHECK(user(R"([{"op":"remove","path":"name.givenName"}])",
             R"({"userName":"b","name":{"givenName":"x","familyName":"y"}})") ==
        R"({"userName":"b","name":{"familyName":"y"}})");
  CHECK(user(R"([{"op":"remove","path":"emails[type eq \"home\"].type"}])",
             R"({"userName":"b","emails":[{"value":"h@b","type":"home"}]})") ==
        R"({"userName":"b","emails":[{"value":"h@b"}]})");
  CHECK(group(R"([{"op":"remove","path":"members"}])") == R"({"displayName":"g"})");
}

TEST_CASE("a PATCH that cannot be done is refused whole") {
  CHECK(user(R"([{"op":"remove"}])") == "noTarget");
  CHECK(user(R"([{"op":"move","path":"active","value":true}])") == "invalidSyntax");
  CHECK(user(R"([{"op":"add","path":"active"}])") == "invalidValue");
  CHECK(user(R"([{"op":"add","value":"x"}])") == "invalidValue");
  CHECK(user(R"([{"op":"add","path":"userName[","value":"x"}])") == "invalidPath");
  CHECK(user(R"([{"op":"add","path":"actve","value":true}])") == "invalidPath");
  CHECK(user(R"([{"op":"replace","path":"id","value":"x"}])") == "mutability");
  CHECK(user(R"([{"op":"replace","path":"groups","value":[{"value":"administrators"}]}])") ==
        "mutability");
  CHECK(user(R"([{"op":"remove","path":"userName"}])") == "mutability");
  CHECK(user(R"([{"op":"replace","path":"userName","value":""}])") == "invalidValue");
  CHECK(
      user(
          R"([{"op":"replace","path":"active","value":true},{"op":"replace","path":"active","value":"no"}])") ==
      "invalidValue");
  CHECK(user(R"([{"op":"remove","path":"name[givenName eq \"x\"]"}])") == "invalidPath");
  CHECK(user(R"([{"op":"remove","path":"emails[nope eq \"x\"]"}])") == "invalidFilter");
  CHECK(user(R"([{"op":"replace","path":"emails[type ne \"x\"].value","value":"a"}])") ==
        "noTarget");
  CHECK(group(R"([{"op":"replace","path":"members[value eq \"z\"].type","value":"User"}])") ==
        "noTarget");
  CHECK(user("[]") == "invalidSyntax");
  CHECK(user("[7]") == "invalidSyntax");
  std::string many = R"({"op":"replace","path":"active","value":true})";
  for (std::size_t i = 0; i < scim::kOperationsMax; ++i)
    many += R"(,{"op":"replace","path":"active","value":true})";
  CHECK(user("[" + many + "]") == "tooMany");
  CHECK(scim::patched(scim::user_schema(), json("{}"),
                      json(R"({"Operations":[{"op":"remove","path":"name"}]})"))
            .error()
            .code == "invalidSyntax");
}

TEST_CASE("a PATCH of a large group ends soon, or is refused") {
  doc::Value large = json(R"({"displayName":"g"})");
  doc::Array members;
  for (int i = 0; i < 10'000; ++i)
    members.push_back(doc::object({{"value", "user-" + std::to_string(i)}}));
  large.set("members", members);
  const auto with = [&](const std::string& one) {
    std::string all = one;
    for (std::size_t i = 1; i < scim::kOperationsMax; ++i) all += "," + one;
    const Result<doc::Value> out = scim::patched(
        scim::group_schema(), large,
        json(R"({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [)" +
             all + "]}"));
    return out ? std::to_string(out->find("members")->as_array().size()) : out.error().code;
  };
  CHECK(with(R"({"op":"remove","path":"members[value eq \"user-9999\"]"})") == "9999");
  CHECK(with(R"({"op":"remove","path":"members[value co \"user\" and value co \"-9999\"]"})") ==
        "tooMany");
  CHECK(with(R"({"op":"add","path":"members","value":[{"value":"user-7"},{"value":"new"}]})") ==
        "10001");
  large.set("members", doc::Array{});
  doc::Array twenty(members.begin(), members.begin() + 20);
  twenty.push_back(twenty.front());
  const Result<doc::Value> added = scim::patched(
      scim::group_schema(), large,
      doc::object({{"schemas", doc::array_of({std::string(scim::kPatchUrn)})},
                   {"Operations", doc::Array{doc::object(
                                      {{"op", "add"}, {"path", "members"}, {"value", twenty}})}}}));
  REQUIRE(added);
  CHECK(added->find("members")->as_array().size() == 20);
}

TEST_CASE("a PATCH twice is a PATCH once") {
  const std::vector<std::string> operations{
      R"({"op":"Add","path":"members","value":[{"value":"a"},{"value":"c"}]})",
      R"({"op":"remove","path":"members[value eq \"b\"]"})",
      R"({"op":"Remove","path":"members","value":[{"value":"c"}]})",
      R"({"op":"replace","path":"members","value":[{"value":"d"},{"value":"a"}]})",
      R"({"op":"replace","value":{"displayName":"h"}})",
      R"({"op":"remove","path":"members"})",
      R"({"op":"add","value":{"members":[{"value":"e","type":"User"}]}})"};
  const std::vector<std::string> of_users{
      R"({"op":"add","path":"emails","value":[{"value":"n@b","primary":true}]})",
      R"({"op":"replace","path":"emails[type eq \"work\"].value","value":"w@b"})",
      R"({"op":"add","path":"emails[type eq \"home\"]","value":{"value":"h@b","primary":"True"}})",
      R"({"op":"remove","path":"emails[value ew \"@b\"]"})",
      R"({"op":"replace","value":{"name.givenName":"x","active":"False"}})",
      R"({"op":"remove","path":"name.givenName"})",
      R"({"op":"replace","path":"externalId","value":"e"})"};
  CHECK(rc::check([&] {
    const bool is_group = *rc::gen::arbitrary<bool>();
    const std::string one = *rc::gen::elementOf(is_group ? operations : of_users);
    const scim::Schema& schema = is_group ? scim::group_schema() : scim::user_schema();
    const char* start =
        is_group ? R"({"displayName":"g","members":[{"value":"a"},{"value":"b"}]})" : kBabs;
    const std::string before = *rc::gen::elementOf(is_group ? operations : of_users);
    const std::string begun = changed(schema, start, "[" + before + "]");
    RC_ASSERT(begun.starts_with('{'));
    const std::string once = changed(schema, begun.c_str(), "[" + one + "]");
    RC_ASSERT(once.starts_with('{'));
    RC_ASSERT(changed(schema, once.c_str(), "[" + one + "]") == once);
  }));
}

TEST_CASE("a version is of everything that is shown; answers name it") {
  const scim::Shown about{"p1", *from_rfc3339("2026-01-01T00:00:00Z"),
                          *from_rfc3339("2026-01-02T00:00:00Z")};
  const doc::Value a =
      scim::shown(scim::user_schema(), about, json(kBabs), "https://k.example/scim/v2");
  const doc::Value b = scim::shown(scim::user_schema(), about, json(R"({"userName":"x"})"),
                                   "https://k.example/scim/v2");
  CHECK(scim::version_of(a).starts_with("W/\""));
  CHECK(scim::version_of(a) != scim::version_of(b));
  CHECK(scim::names_version("W/\"no\" , " + scim::version_of(a), scim::version_of(a)));
  CHECK(scim::names_version("*", scim::version_of(a)));
  CHECK_FALSE(scim::names_version(scim::version_of(b), scim::version_of(a)));
  CHECK(a.find("meta")->text("location") == "https://k.example/scim/v2/Users/p1");
  const auto shown = [&](const char* only, const char* without) {
    const auto projection = scim::parse_projection(only, without);
    REQUIRE(projection);
    doc::Value out = scim::projected(*projection, scim::user_schema(), b);
    out.set("meta", nullptr);
    return doc::write_json(out);
  };
  const std::string fixed =
      R"({"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"p1")";
  CHECK(shown("displayName", "") == fixed + R"(,"meta":null})");
  CHECK(shown("USERNAME", "") == fixed + R"(,"userName":"x","meta":null})");
  CHECK(shown("", "userName,id") == fixed + R"(,"meta":null})");
  CHECK_FALSE(scim::parse_projection("a", "b"));
  CHECK_FALSE(scim::parse_projection("a[b eq 1]", ""));
  CHECK(
      doc::write_json(scim::error(400, {"noTarget", "why", ""})) ==
      R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"noTarget","detail":"why"})");
  CHECK(scim::status_of("uniqueness") == 409);
  CHECK(scim::status_of("") == 0);
  CHECK(scim::list_response({}, 0, 1).integer("totalResults", -1) == 0);
}
