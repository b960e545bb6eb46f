#include "connectors/http/kubernetes.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::connectors::http {
namespace {

using Message = catalog::HttpMessage;

doc::Value json(std::string_view text) {
  auto tree = doc::parse_json(text);
  REQUIRE(tree);
  return *tree;
}

Message message(std::string method, std::string target, std::string body = "",
                std::string type = "application/json") {
  Message out{.method = std::move(method), .server = "https://k", .target = std::move(target)};
  if (!body.empty()) out.headers.emplace_back("Content-Type", std::move(type));
  out.body = std::move(body);
  return out;
}

constexpr const char* kWeb = "/apis/apps/v1/namespaces/a/deployments/web";
const ObjectState kState{"u-1", "41"};

std::string bound(const Message& of) {
  return with_precondition(of, kState).body;
}

}  // namespace

TEST_CASE("a dry run is the same request, of which the server keeps nothing") {
  const Message patch = message("PATCH", std::string(kWeb) + "?fieldManager=k", "{}");
  CHECK(dry_run_of(patch).target == std::string(kWeb) + "?fieldManager=k&dryRun=All");
  CHECK(dry_run_of(patch).body == "{}");
  CHECK(dry_run_of(message("POST", "/api/v1/pods", "{}")).target == "/api/v1/pods?dryRun=All");
  // A server that finds options in the body of a DELETE looks at no query.
  const Message gone =
      message("DELETE", kWeb, R"({"kind":"DeleteOptions","gracePeriodSeconds":0})");
  CHECK(
      json(dry_run_of(gone).body) ==
      json(
          R"({"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"dryRun":["All"]})"));
  CHECK(json(dry_run_of(message("DELETE", kWeb)).body).find("dryRun") != nullptr);
}

TEST_CASE("only what is known to have a dry run is asked for one") {
  const auto why = [](std::string method, std::string target) {
    return without_dry_run(message(std::move(method), std::move(target), "{}"));
  };
  const std::string pod = "/api/v1/namespaces/a/pods/p";
  for (const char* sub : {"", "/status", "/eviction", "/binding", "/ephemeralcontainers"})
    CHECK(why("POST", pod + sub).empty());
  CHECK(why("PATCH", std::string(kWeb) + "/scale").empty());
  CHECK(why("DELETE", "/api/v1/namespaces/a/pods").empty());
  CHECK(why("POST", "/api/v1/namespaces/a/serviceaccounts/s/token")
            .contains("serviceaccounts/token"));
  for (const char* sub : {"/exec", "/proxy/run", "/attach", "/portforward", "/other"})
    CHECK_FALSE(why("POST", pod + sub).empty());
  CHECK_FALSE(why("POST", "/healthz").empty());
}

TEST_CASE("what a request would touch is found by its path") {
  const auto targets = [](const Message& of) {
    std::vector<std::string> out;
    for (const Message& get : live_of(of)) {
      CHECK(get.method == "GET");
      CHECK(get.body.empty());
      out.push_back(get.target);
    }
    return out;
  };
  using Targets = std::vector<std::string>;
  const std::string web = kWeb;
  CHECK(targets(message("PATCH", web + "?fieldManager=k", "{}")) == Targets{web});
  CHECK(targets(message("PATCH", web + "/scale", "{}")) == Targets{web + "/scale", web});
  CHECK(targets(message("POST", "/api/v1/namespaces/a/pods/p/eviction", "{}")) ==
        Targets{"/api/v1/namespaces/a/pods/p"});
  CHECK(targets(message("POST", "/api/v1/pods?x=1", R"({"metadata":{"name":"a/b"}})")) ==
        Targets{"/api/v1/pods/a%2Fb"});
  CHECK(targets(message("POST", "/api/v1/pods", R"({"metadata":{"generateName":"a-"}})")).empty());
  CHECK(targets(message("DELETE", "/api/v1/namespaces/a/pods?labelSelector=b")) ==
        Targets{"/api/v1/namespaces/a/pods?labelSelector=b"});
}

TEST_CASE("a write is bound to the object as it was shown, in each way that the API has") {
  CHECK(json(bound(message("PUT", kWeb, R"({"metadata":{"name":"web"},"spec":{}})"))) ==
        json(R"({"metadata":{"name":"web","uid":"u-1","resourceVersion":"41"},"spec":{}})"));
  CHECK(json(bound(message("PATCH", kWeb, R"({"spec":{"replicas":3}})",
                           "application/merge-patch+json"))) ==
        json(R"({"spec":{"replicas":3},"metadata":{"uid":"u-1","resourceVersion":"41"}})"));
  CHECK(json(bound(message("PATCH", kWeb, R"({"spec":{}})", "application/apply-patch+yaml"))) ==
        json(R"({"spec":{},"metadata":{"resourceVersion":"41"}})"));
  CHECK(json(bound(message("PATCH", kWeb, R"([{"op":"remove","path":"/a"}])",
                           "application/json-patch+json"))) ==
        json(R"([{"op":"test","path":"/metadata/uid","value":"u-1"},
                 {"op":"test","path":"/metadata/resourceVersion","value":"41"},
                 {"op":"remove","path":"/a"}])"));
  CHECK(json(bound(message("DELETE", kWeb, R"({"gracePeriodSeconds":0})"))) ==
        json(R"({"gracePeriodSeconds":0,"apiVersion":"v1","kind":"DeleteOptions",
                 "preconditions":{"uid":"u-1","resourceVersion":"41"}})"));
  CHECK(
      json(bound(message("POST", "/api/v1/namespaces/a/pods/p/eviction", R"({"kind":"Eviction"})")))
          .find_path({"deleteOptions", "preconditions", "uid"}) != nullptr);
  CHECK(bound(message("POST", "/api/v1/pods", R"({"kind":"Pod"})")) == R"({"kind":"Pod"})");
  // One that the tool wrote itself is overruled: people were shown this one.
  CHECK(json(bound(message("PUT", kWeb, R"({"metadata":{"resourceVersion":"1"}})")))
            .find("metadata")
            ->text("resourceVersion") == "41");
}

TEST_CASE("who reads of a precondition knows that it is sent") {
  CHECK(takes_precondition(message("PUT", kWeb, "{}")));
  CHECK(takes_precondition(message("DELETE", kWeb)));
  CHECK(takes_precondition(
      message("POST", "/api/v1/namespaces/a/pods/p/eviction", R"({"kind":"Eviction"})")));
  CHECK_FALSE(
      takes_precondition(message("POST", "/api/v1/namespaces/a/pods", R"({"kind":"Pod"})")));
  CHECK_FALSE(takes_precondition(message("DELETE", "/api/v1/namespaces/a/pods")));
}

TEST_CASE("an object with items is an object, whatever they are") {
  const auto object = json(
      R"({"kind":"Basket","apiVersion":"a/v1","metadata":{"uid":"u-1","resourceVersion":"41","name":"b"},
          "items":[{"metadata":{"uid":"x","resourceVersion":"1"}}]})");
  CHECK(*states_of(object) == std::vector{kState});
  CHECK(named(object).text("name") == "b");
}

TEST_CASE("states are told of objects and lists, and of nothing else") {
  const auto object = json(
      R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"uid":"u-1","resourceVersion":"41"}})");
  CHECK(*states_of(object) == std::vector{kState});
  const auto list = json(
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[
          {"metadata":{"uid":"b","resourceVersion":"2"}},{"metadata":{"uid":"a","resourceVersion":"1"}}]})");
  const auto states = *states_of(list);
  CHECK(states.size() == 2);
  CHECK(fingerprint_of(states) == fingerprint_of({states[1], states[0]}));
  CHECK(fingerprint_of(states) != fingerprint_of({states[0]}));
  CHECK(fingerprint_of({}) != fingerprint_of({kState}));
  for (const std::string_view other :
       {R"({"ok":true})", R"({"kind":"Deployment","apiVersion":"v1","metadata":{"uid":"u"}})",
        R"({"kind":"L","apiVersion":"v1","items":[{}]})"}) {
    CAPTURE(other);
    CHECK(states_of(json(other)).error().code == "not_kubernetes");
  }
}

TEST_CASE("what would change is listed leaf by leaf, without what the server counts") {
  const auto before = json(
      R"({"metadata":{"resourceVersion":"1","generation":1,"labels":{"a/b":"x"}},"spec":{"replicas":3,"l":[1,2]},"gone":{"x":1}})");
  const auto after = json(
      R"({"metadata":{"resourceVersion":"1","generation":2,"labels":{"a/b":"x"}},"spec":{"replicas":5,"l":[1,2,7]}})");
  std::size_t left_out = 9;
  CHECK(changes(before, after, 10, left_out) ==
        json(R"([{"path":"/gone/x","before":1},{"path":"/spec/l/2","after":7},
                 {"path":"/spec/replicas","before":3,"after":5}])"));
  CHECK(left_out == 0);
  CHECK(changes(before, after, 1, left_out).as_array().size() == 1);
  CHECK(left_out == 2);
  CHECK(changes(before, before, 10, left_out).as_array().empty());
  CHECK(changes(doc::Value(), json(R"({"a":{}})"), 10, left_out) ==
        json(R"([{"path":"/a","after":{}}])"));
}

TEST_CASE("changes are text that nobody takes for another") {
  const auto object = json(R"({"kind":"Deployment","metadata":{"namespace":"a","name":"web"}})");
  CHECK(diff_of(object, json(R"([{"path":"/spec/replicas","before":3,"after":5},
                                 {"path":"/x","after":"a\n- /y: 1"}])")) ==
        "@@ Deployment a/web @@\n- /spec/replicas: 3\n+ /spec/replicas: 5\n+ /x: \"a\\n- /y: "
        "1\"\n");
  CHECK(diff_of(object, json("[]")).empty());
  const auto liar = json(R"({"kind":"D\n- /a: 1","metadata":{"namespace":"n\n","name":"w\r"}})");
  CHECK(diff_of(liar,
                json(R"([{"path":"/k\n- /spec/replicas: 3\n+ /spec/replicas: 4","after":1}])")) ==
        "@@ D\\n- /a: 1 n\\n/w\\r @@\n+ /k\\n- /spec/replicas: 3\\n+ /spec/replicas: 4: 1\n");
}

TEST_CASE("of a Secret people see that it changes, never what it holds") {
  std::size_t left_out = 0;
  const auto shown =
      changes(json(R"({"kind":"Secret","type":"t","data":{"k":"b2xk"}})"),
              json(R"({"kind":"Secret","type":"u","data":{"k":"bmV3","m":"bQ=="}})"), 10, left_out);
  CHECK(shown == json(R"([{"path":"/data/k","before":"<secret>","after":"<secret>"},
                          {"path":"/data/m","after":"<secret>"},
                          {"path":"/type","before":"t","after":"u"}])"));
}

}  // namespace keyturn::connectors::http
