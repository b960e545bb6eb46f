#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "base/ascii.h"
#include "catalog/credentials.h"
#include "catalog/http_call.h"
#include "doc/json.h"
#include "doc/yaml.h"

using namespace keyturn;
using namespace keyturn::catalog;

namespace {

std::optional<Catalog> load(const std::string& text, std::string* said = nullptr) {
  doc::Problems problems;
  auto loaded = Catalog::load_text(text, problems);
  for (const auto& problem : problems) {
    if (said != nullptr) *said += doc::to_text(problem, "tools.yaml") + "\n";
  }
  return loaded;
}

Catalog good(const std::string& text) {
  std::string said;
  auto loaded = load(text, &said);
  REQUIRE_MESSAGE(loaded, said);
  return std::move(*loaded);
}

doc::Value json(std::string_view text) {
  auto tree = doc::parse_json(text);
  REQUIRE(tree);
  return *tree;
}

constexpr const char* kRestart = R"yaml(
tools:
  restart:
    http:
      server: https://api.example.com:8443
      method: POST
      path: /v1/services/{{name}}/restart
      query: {force: "{{force}}", tag: "{{tags}}", why: "because {{why}}"}
      headers: {X-Why: "{{why}}", Accept: application/json}
      body:
        json: {count: "{{count}}", note: "for {{name}}: {{why}}", more: "{{more}}", gone: "{{gone}}", list: ["{{name}}", 1, true, null, "{{gone}}"]}
    params:
      name: {type: string}
      force: {type: boolean, required: false}
      tags: {type: array, items: {type: string}, required: false}
      why: {type: string, default: none}
      count: {type: integer, default: 1}
      more: {type: object, properties: {a: {type: string}}, default: {}}
      gone: {type: string, required: false}
)yaml";

HttpMessage message(const Catalog& catalog, const doc::Value& args) {
  const Tool& tool = catalog.tools().front();
  const auto checked = check_args(tool, args);
  REQUIRE_MESSAGE(checked, checked.error().message);
  auto out = render_http(tool, *checked);
  REQUIRE(out);
  return std::move(*out);
}

std::string wrong(const Catalog& catalog, const doc::Value& args) {
  const auto checked = check_args(catalog.tools().front(), args);
  return checked ? "" : checked.error().code + " " + checked.error().where;
}

// One tool with these lines below `http:`.
std::string problem(const std::string& lines, const std::string& params = "{}",
                    const std::string& more = "") {
  std::string said;
  load("tools:\n  t:\n    http:\n" + lines + "    params: " + params + "\n" + more, &said);
  return said;
}

constexpr const char* kHead =
    "      server: https://api.example.com\n      method: POST\n      path: /a\n";

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    REQUIRE(i + 2 < text.size());
    out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == by)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

}  // namespace

TEST_CASE("an http tool becomes one request, each value in its place") {
  const Catalog catalog = good(kRestart);
  const Tool& tool = catalog.tools().front();
  CHECK(tool.kind == ToolKind::kHttp);
  CHECK(tool.operation == "write");
  const HttpMessage out = message(
      catalog,
      json(
          R"({"name":"a b&c","force":true,"tags":["x","y=z"],"why":"it's 5","more":{"a":"\"}"}})"));
  CHECK(out.method == "POST");
  CHECK(out.url() ==
        "https://api.example.com:8443/v1/services/a%20b%26c/restart?force=true&tag=x&tag=y%3Dz&why="
        "because%20it%27s%205");
  using Fields = std::vector<std::pair<std::string, std::string>>;
  CHECK(out.headers == Fields{{"X-Why", "it's 5"},
                              {"Accept", "application/json"},
                              {"Content-Type", "application/json"}});
  CHECK(
      out.body ==
      R"({"count":1,"note":"for a b&c: it's 5","more":{"a":"\"}"},"list":["a b&c",1,true,null]})");
}

TEST_CASE("what is left out leaves no trace in query and body") {
  const HttpMessage out = message(good(kRestart), json(R"({"name":"a"})"));
  CHECK(out.target == "/v1/services/a/restart?why=because%20none");
  CHECK(out.body == R"({"count":1,"note":"for a: none","more":{},"list":["a",1,true,null]})");
}

TEST_CASE("a value that could leave its piece of the path, or its header, is refused") {
  const Catalog catalog = good(kRestart);
  for (const std::string_view name :
       {"", ".", "..", "a/b", "a\\b", "%2e%2e", "a%2Fb", "../x", "a\nb", "a\rb", "\t"}) {
    CAPTURE(name);
    CHECK(wrong(catalog, doc::object({{"name", name}})) == "invalid_args /args/name");
  }
  for (const std::string_view why : {"a\r\nX-Evil: 1", "a\n", "\x7f", "caf\xc3\xa9"}) {
    CAPTURE(why);
    CHECK(wrong(catalog, doc::object({{"name", "a"}, {"why", why}})) == "invalid_args /args/why");
  }
  CHECK(wrong(catalog, doc::object({{"name", "..."}})).empty());
  CHECK(wrong(catalog, doc::object({{"name", "-a;b=c@d:e"}})).empty());
  CHECK(wrong(catalog, doc::object({{"name", std::string(9000, 'a')}})) == "invalid_args /args");
}

TEST_CASE("no value changes server, shape of the path, query names, headers or body") {
  const Catalog catalog = good(kRestart);
  const Tool& tool = catalog.tools().front();
  const std::vector<std::string> bits = {"a",        "/",
                                         "\\",       "..",
                                         ".",        "%",
                                         "%2f",      "?",
                                         "#",        "&",
                                         "=",        ";",
                                         ":",        "@",
                                         "//",       "\r\n",
                                         "\n",       " ",
                                         "\"",       "'",
                                         "{{name}}", "{",
                                         "}",        ",",
                                         "\xc3\xa9", "\xe2\x80\xae",
                                         "\t",       "+",
                                         "http://x", "\x7f",
                                         "[",        "]",
                                         "|",        "^",
                                         "~",        "-",
                                         "_",        "*",
                                         "$",        "!",
                                         "("};
  std::mt19937 random(20);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same every time
  const auto text = [&] {
    std::string out;
    for (std::size_t n = random() % 5; n > 0; --n) out += bits[random() % bits.size()];
    return out;
  };
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string name = text(), why = text(), tag = text();
    const doc::Value args = doc::object({{"name", name},
                                         {"why", why},
                                         {"tags", doc::array_of({tag})},
                                         {"more", doc::object({{"a", why}})}});
    const auto checked = check_args(tool, args);
    if (!checked) continue;
    ++accepted;
    const auto out = render_http(tool, *checked);
    REQUIRE(out);
    CAPTURE(out->target);
    CHECK(out->server == "https://api.example.com:8443");
    REQUIRE(std::ranges::all_of(out->target, [](char c) {
      return is_alphanumeric(c) || std::string_view("/-._~%?&=").contains(c);
    }));
    const auto halves = split(out->target, '?');
    REQUIRE(halves.size() == 2);
    const auto path = split(halves[0], '/');
    REQUIRE(path.size() == 5);
    CHECK(path[0].empty());
    CHECK(path[1] == "v1");
    CHECK(path[2] == "services");
    CHECK(decoded(path[3]) == name);
    CHECK(path[4] == "restart");
    const auto pairs = split(halves[1], '&');
    REQUIRE(pairs.size() == 2);
    CHECK(decoded(pairs[0]) == "tag=" + tag);
    CHECK(decoded(pairs[1]) == "why=because " + why);
    REQUIRE(out->headers.size() == 3);
    CHECK(out->headers[0].second == why);
    CHECK(std::ranges::none_of(out->headers[0].second,
                               [](unsigned char c) { return c < 0x20 || c >= 0x7f; }));
    const auto body = doc::parse_json(out->body);
    REQUIRE(body);
    CHECK(body->as_object().size() == 4);
    CHECK(body->text("note") == "for " + name + ": " + why);
    CHECK(body->find("more")->text("a") == why);
  }
  CHECK(accepted > 500);
}

TEST_CASE("forms and texts are bodies, too") {
  const Catalog form = good(std::string("tools:\n  t:\n    http:\n") + kHead +
                            "      body: {form: {a: \"{{x}}\", b: \"{{l}}\"}}\n"
                            "    params: {x: {type: string}, l: {type: array}}\n");
  // A list has no one form in a form's value, and becomes several.
  const HttpMessage sent = message(form, json(R"({"x":"1&b=2","l":["p","q"]})"));
  CHECK(sent.body == "a=1%26b%3D2&b=p&b=q");
  CHECK(sent.headers.back().second == "application/x-www-form-urlencoded");
  const Catalog text = good(std::string("tools:\n  t:\n    http:\n") + kHead +
                            "      body: {text: \"x={{x}}\", type: text/x-own}\n"
                            "    params: {x: {type: string}}\n");
  const HttpMessage plain = message(text, json(R"({"x":"1\n2"})"));
  CHECK(plain.body == "x=1\n2");
  CHECK(plain.headers.back().second == "text/x-own");
}

TEST_CASE("what is wrong with an http tool is said with its place and what to do") {
  const std::string params = "{x: {type: string}}";
  struct Row {
    std::string lines;
    std::string said;
  };
  const std::string rest = "      method: POST\n      path: /a\n";
  const std::vector<Row> rows = {
      {"      server: http://api.example.com\n" + rest, "needs https://"},
      {"      server: api.example.com\n" + rest, "server begins with https://"},
      {"      server: https://api.example.com/v1\n" + rest, "what follows belongs to path"},
      {"      server: https://me:pw@api.example.com\n" + rest, "and no user"},
      {"      server: \"https://{{x}}\"\n" + rest, "server has a host"},
      {"      server: https://a.example\n      method: TRACE\n      path: /a\n", "method is GET"},
      {"      server: https://a.example\n      method: POST\n      path: a\n", "begins with \"/\""},
      {"      server: https://a.example\n      method: POST\n      path: /a?b=1\n", "write query:"},
      {"      server: https://a.example\n      method: POST\n      path: /a/../b\n", "\"..\""},
      {"      server: https://a.example\n      method: POST\n      path: /a//b\n", "empty piece"},
      {"      server: https://a.example\n      method: POST\n      path: /a%2Fb\n",
       "encoded \"/\""},
      {"      server: https://a.example\n      method: POST\n      path: \"/%20{{x}}\"\n",
       "has no \"%\""},
      {std::string(kHead) + "      headers: {Host: b}\n", "Host is said by Keyturn itself"},
      {std::string(kHead) + "      headers: {Content-Length: 5}\n", "remove it"},
      {std::string(kHead) + "      headers: {\"a b\": c}\n", "no name of a header"},
      {std::string(kHead) + "      headers: {Authorization: Bearer abc}\n", "must be a reference"},
      {std::string(kHead) + "      headers: {A: b, a: c}\n", "said twice"},
      {std::string(kHead) + "      headers: {A: \"b\\r\\nc: d\"}\n", "visible ASCII on one line"},
      {std::string(kHead) + "      query: {a: \"{{y}}\"}\n", "{{y}} is no parameter"},
      {std::string(kHead) + "      body: {}\n", "a body is one of"},
      {std::string(kHead) + "      body: {json: {\"{{x}}\": 1}}\n", "cannot be the name"},
      {std::string(kHead) + "      success: [99]\n", "200 to 499"},
      {std::string(kHead) + "      failed_on: [404]\n", "500 to 599"},
      {std::string(kHead) + "      addresses: [10.0.0.0/99]\n", "addresses: public"},
      {std::string(kHead) + "      response_headers: [Set-Cookie]\n", "may be shown"},
      {std::string(kHead) + "      ca: relative.pem\n", "absolute path"},
      {std::string(kHead) + "      idempotency_key: Host\n", "idempotency_key: true"},
      {std::string(kHead) + "      credentail: c\n", "did you mean \"credential\""},
      {"      server: https://a.example\n      method: GET\n      path: /a\n      body: {text: "
       "a}\n",
       "a GET has no body"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.lines);
    const std::string said = problem(row.lines, params);
    CHECK_MESSAGE(said.contains(row.said), said);
    CHECK(said.starts_with("tools.yaml:"));
  }
}

TEST_CASE("secrets stand in headers and bodies, never in a URL") {
  const std::string secret = "{x: {type: string, secret: true}}";
  CHECK(problem(std::string(kHead) + "      query: {a: \"{{x}}\"}\n", secret)
            .contains("URLs stand in the logs"));
  CHECK(problem("      server: https://a.example\n      method: POST\n      path: \"/{{x}}\"\n",
                secret)
            .contains("URLs stand in the logs"));
  CHECK(problem(std::string(kHead) + "      headers: {X-Key: \"{{x}}\"}\n", secret).empty());
  CHECK(problem(std::string(kHead) + "      body: {json: {k: \"{{x}}\"}}\n", secret).empty());
}

TEST_CASE("parts of a path cannot be left out, and lists and objects have no form there") {
  const std::string path =
      "      server: https://a.example\n      method: GET\n      path: \"/{{x}}\"\n";
  CHECK(problem(path, "{x: {type: string, required: false}}").contains("cannot be left out"));
  CHECK(problem(path, "{x: {type: array}}").contains("no form here"));
  CHECK(problem(path, "{x: {type: object}}").contains("no form here"));
  CHECK(problem(path, "{x: {type: string}}").empty());
}

TEST_CASE("what does not go with a request is refused") {
  const auto said = [](const std::string& more) { return problem(kHead, "{}", more); };
  CHECK(said("    sandbox: none\n").contains("has no effect for an http tool"));
  CHECK(said("    rows_max: 5\n").contains("has no effect for an http tool"));
  CHECK(said("    exec: [/bin/true]\n").contains("one of exec, sql, http and kubernetes"));
  CHECK(said("    timeout: 5s\n    output_bytes_max: 2048\n    operation: rollback\n").empty());
  CHECK(said("    mode: grant\n    enforcement_point: e\n").contains("remove exec, sql, http"));
}

TEST_CASE("a look at what would change is a GET to the same server") {
  const Catalog catalog =
      good(std::string("tools:\n  t:\n    http:\n") + kHead +
           "      query: {q: \"{{x}}\"}\n"
           "    preview: {path: \"/v1/{{x}}\", query: {v: full}, if_match: true}\n"
           "    params: {x: {type: string}}\n");
  const Tool& tool = catalog.tools().front();
  REQUIRE(tool.preview);
  CHECK(tool.http->look->if_match);
  const auto out = render_look(tool, json(R"({"x":"a b"})"));
  REQUIRE(out);
  CHECK(out->method == "GET");
  CHECK(out->url() == "https://api.example.com/v1/a%20b?v=full");
  CHECK(out->body.empty());
  CHECK(wrong(catalog, json(R"({"x":".."})")) == "invalid_args /args/x");
  CHECK(problem(kHead, "{x: {type: string}}", "    preview: {path: \"/{{x}}\"}\n")
            .contains("is used nowhere"));
  CHECK(problem("      server: https://a.example\n      method: GET\n      path: /a\n", "{}",
                "    preview: {path: /b}\n")
            .contains("nothing that a preview could show"));
}

TEST_CASE("credentials of an http tool are known with where they are sent") {
  const Catalog catalog = good(
      "tools:\n  t:\n    http:\n      server: https://api.example.com\n      method: POST\n"
      "      path: \"/v1/{{x}}/b\"\n      credential: main\n"
      "      headers: {X-Own: {credential: other, field: token}, X-Key: {secret: env:KEY, "
      "prefix: \"k=\"}}\n    params: {x: {type: string}}\n");
  const Tool& tool = catalog.tools().front();
  const auto uses = credential_uses(tool);
  REQUIRE(uses.size() == 2);
  CHECK(uses[0].name == "main");
  CHECK(uses[0].pointer == "/http/credential");
  CHECK(uses[0].sent_to == "https://api.example.com/v1/");
  CHECK(uses[1].name == "other");
  CHECK(uses[1].field == "token");
  CHECK(uses[1].pointer == "/http/headers/X-Own");
  CHECK(credentials_of(tool) ==
        std::vector<std::string>{"credential:main", "credential:other", "env:KEY"});
  CHECK(problem(std::string(kHead) + "      credential: c\n      headers: {authorization: {secret: "
                                     "env:K}}\n")
            .contains("brings its own Authorization"));
}

TEST_CASE("a kubernetes tool is a request to its API") {
  const auto tool = [](const std::string& lines, const std::string& more = "") {
    return good(
        "tools:\n  t:\n    kubernetes:\n      server: https://k.example:6443\n      version: "
        "v1\n" +
        lines + "    params: {n: {type: integer}, name: {type: string}, ns: {type: string}}\n" +
        more);
  };
  const doc::Value args = json(R"({"n":3,"name":"web","ns":"shop"})");
  const std::string deployment =
      "      group: apps\n      resource: deployments\n      namespace: \"{{ns}}\"\n      name: "
      "\"{{name}}\"\n";
  const Catalog scale =
      tool("      verb: patch\n" + deployment +
           "      subresource: scale\n      patch: {spec: {replicas: \"{{n}}\"}}\n");
  HttpMessage out = message(scale, args);
  CHECK(out.method == "PATCH");
  CHECK(out.url() ==
        "https://k.example:6443/apis/apps/v1/namespaces/shop/deployments/web/scale?fieldManager="
        "keyturn");
  CHECK(out.body == R"({"spec":{"replicas":3}})");
  CHECK(out.headers.back().second == "application/merge-patch+json");
  CHECK(scale.tools().front().http->previews);
  CHECK(scale.tools().front().preview);

  const Catalog gone = tool("      verb: delete\n" + deployment +
                            "      options: {propagationPolicy: Foreground, gracePeriodSeconds: "
                            "\"{{n}}\"}\n");
  out = message(gone, args);
  CHECK(out.method == "DELETE");
  CHECK(out.target == "/apis/apps/v1/namespaces/shop/deployments/web");
  CHECK(
      out.body ==
      R"({"propagationPolicy":"Foreground","gracePeriodSeconds":3,"apiVersion":"v1","kind":"DeleteOptions"})");

  const Catalog list = good(
      "tools:\n  t:\n    kubernetes: {server: https://k.example, verb: list, version: v1, "
      "resource: "
      "pods, namespace: shop, query: {labelSelector: \"app={{a}}\"}}\n    params: {a: {type: "
      "string}}\n");
  out = message(list, json(R"({"a":"x,y"})"));
  CHECK(out.target == "/api/v1/namespaces/shop/pods?labelSelector=app%3Dx%2Cy");
  CHECK(list.tools().front().operation == "read");
  CHECK_FALSE(list.tools().front().preview);
}

TEST_CASE("what is wrong with a kubernetes tool is said") {
  const auto said = [](const std::string& lines, const std::string& more = "") {
    std::string out;
    load("tools:\n  t:\n    kubernetes:\n      server: https://k.example\n      version: v1\n" +
             lines + "    params: {}\n" + more,
         &out);
    return out;
  };
  CHECK(said("      verb: scale\n      resource: pods\n").contains("verb is get, list"));
  CHECK(said("      verb: get\n      resource: pods\n").contains("needs the name of the object"));
  CHECK(said("      verb: create\n      resource: pods\n").contains("needs object: {…}"));
  CHECK(said("      verb: patch\n      resource: pods\n      name: a\n").contains("needs patch"));
  CHECK(said("      verb: list\n      resource: Pods\n").contains("a word of the API"));
  CHECK(said("      verb: list\n      resource: pods/x\n").contains("a word of the API"));
  CHECK(said("      verb: get\n      resource: pods\n      name: a/b\n").contains("is one name"));
  CHECK(said("      verb: get\n      resource: pods\n      name: a\n      object: {}\n")
            .contains("object has no effect for the verb get"));
  CHECK(said("      verb: patch\n      resource: pods\n      name: a\n      patch: {}\n      "
             "patch_type: own\n")
            .contains("patch_type is merge"));
  CHECK(said("      verb: list\n      resource: pods\n", "    preview: true\n")
            .contains("nothing that a preview could show"));
  CHECK(said("      verb: list\n      resource: pods\n", "    operation: read\n")
            .contains("operation has no effect"));
}

TEST_CASE("a plain http tool can say that it speaks to Kubernetes") {
  const Catalog catalog = good(
      "tools:\n  t:\n    http: {server: https://k.example, method: PATCH, kubernetes: true, path: "
      "/apis/apps/v1/namespaces/a/deployments/b, body: {json: {}, type: "
      "application/merge-patch+json}}\n");
  CHECK(catalog.tools().front().http->previews);
  CHECK(problem("      server: https://k.example\n      method: POST\n      path: /v1/a\n      "
                "kubernetes: true\n")
            .contains("begins with /api/ or /apis/"));
  const Catalog exec = good(
      "tools:\n  t:\n    http: {server: https://k.example, method: POST, kubernetes: true, path: "
      "/api/v1/namespaces/a/pods/b/exec}\n");
  CHECK_FALSE(exec.tools().front().preview);
}
