#include <doctest/doctest.h>

#include "facts/classify.h"

using namespace keyturn;
using namespace keyturn::facts;

namespace {

// "verb group/version resource/subresource namespace/name operation", "-" for what there is none
// of.
std::string api(const std::string& method, const std::string& target) {
  const Facts facts =
      classify_kubernetes({.method = method, .url = "https://k.example:6443" + target});
  const doc::Value& api = *facts.tree.find("kubernetes");
  const auto word = [&](std::string_view key) {
    return api.text(key).empty() ? "-" : std::string(api.text(key));
  };
  return word("verb") + " " + word("group") + "/" + word("version") + " " + word("resource") + "/" +
         word("subresource") + " " + word("namespace") + "/" + word("name") + " " +
         facts.operation + (facts.uninspectable ? " uninspectable" : "") +
         (api.flag("dry_run") ? " dry" : "");
}

}  // namespace

TEST_CASE("a request to Kubernetes is what its API server takes it for") {
  const std::string apps = "/apis/apps/v1/namespaces/shop/deployments";
  CHECK(api("GET", apps) == "list apps/v1 deployments/- shop/- read");
  CHECK(api("GET", apps + "?watch=true") == "watch apps/v1 deployments/- shop/- read");
  CHECK(api("GET", apps + "/web") == "get apps/v1 deployments/- shop/web read");
  CHECK(api("HEAD", apps + "/web") == "get apps/v1 deployments/- shop/web read");
  CHECK(api("POST", apps) == "create apps/v1 deployments/- shop/- write");
  CHECK(api("PUT", apps + "/web") == "update apps/v1 deployments/- shop/web write");
  CHECK(api("PATCH", apps + "/web/scale") == "patch apps/v1 deployments/scale shop/web write");
  CHECK(api("PATCH", apps + "/web?dryRun=All") == "patch apps/v1 deployments/- shop/web write dry");
  CHECK(api("DELETE", apps + "/web") == "delete apps/v1 deployments/- shop/web write");
  CHECK(api("DELETE", apps) == "deletecollection apps/v1 deployments/- shop/- write");
  CHECK(api("GET", "/api/v1/nodes/a%20b") == "get -/v1 nodes/- -/a b read");
  CHECK(api("GET", "/api/v1/namespaces") == "list -/v1 namespaces/- -/- read");
  CHECK(api("GET", "/api/v1/namespaces/shop") == "get -/v1 namespaces/- shop/shop read");
  CHECK(api("PUT", "/api/v1/namespaces/shop/finalize") ==
        "update -/v1 namespaces/finalize shop/shop write");
  CHECK(api("GET", "/api/v1/namespaces/shop/pods/p/log") == "get -/v1 pods/log shop/p read");
  CHECK(api("GET", "/api/v1/watch/namespaces/shop/pods") == "watch -/v1 pods/- shop/- read");
  CHECK(api("POST", "/api/v1/namespaces/shop/pods/p/eviction") ==
        "create -/v1 pods/eviction shop/p write");
}

TEST_CASE("what opens a connection into the cluster, and what is no object, cannot be told") {
  for (const std::string sub : {"exec", "attach", "portforward", "proxy"}) {
    for (const std::string method : {"GET", "POST"}) {
      CAPTURE(sub);
      CHECK(
          api(method, "/api/v1/namespaces/shop/pods/p/" + sub).ends_with(" execute uninspectable"));
    }
  }
  CHECK(api("GET", "/api/v1/namespaces/shop/services/s/proxy/admin") ==
        "get -/v1 services/proxy shop/s execute uninspectable");
  CHECK(api("GET", "/healthz") == "- -/- -/- -/- execute uninspectable");
  CHECK(api("GET", "/apis/apps/v1") == "- -/- -/- -/- execute uninspectable");
}

TEST_CASE("the name of what is created stands in its body") {
  const Facts facts = classify_kubernetes(
      {.method = "POST", .url = "https://k/api/v1/namespaces/shop/pods", .object_name = "web"});
  CHECK(facts.tree.find("kubernetes")->text("name") == "web");
}

TEST_CASE("a request says where it goes, decoded, and how much it brings") {
  const Facts facts = classify_http({.method = "POST",
                                     .url = "https://API.example.com:8443/v1/a%20b?x=1&y%20z=2",
                                     .content_type = "application/json",
                                     .body_bytes = 12});
  const doc::Value& http = *facts.tree.find("http");
  CHECK(http.text("method") == "POST");
  CHECK(http.text("scheme") == "https");
  CHECK(http.text("host") == "api.example.com");
  CHECK(http.integer("port") == 8443);
  CHECK(http.text("path") == "/v1/a b");
  CHECK(*http.find("query") == doc::array_of({"x", "y z"}));
  CHECK(http.integer("body_bytes") == 12);
  CHECK(facts.operation == "write");
  // Facts are text: bytes that are none stay encoded.
  CHECK(classify_http({.method = "GET", .url = "https://a/%ff"}).tree.find("http")->text("path") ==
        "/%ff");
  CHECK(classify_http({.method = "GET", .url = "http://[::1]/"}).operation == "read");
  CHECK(classify_http({.method = "GET", .url = "http://[::1]/"}).tree.find("http")->text("host") ==
        "[::1]");
}
