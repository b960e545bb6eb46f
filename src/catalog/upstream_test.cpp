#include "catalog/upstream.h"

#include <doctest/doctest.h>

#include "catalog/credentials.h"
#include "catalog/pins.h"
#include "catalog/tool.h"
#include "doc/json.h"
#include "doc/yaml.h"

using namespace keyturn;
using catalog::Catalog;
using catalog::Upstream;

namespace {

Catalog good(std::string_view text) {
  auto tree = doc::parse_yaml(text, "tools.yaml");
  REQUIRE(tree.has_value());
  doc::Problems problems;
  auto loaded = Catalog::load(*tree, problems);
  for (const auto& p : problems) MESSAGE(doc::to_text(p, "tools.yaml"));
  REQUIRE(loaded.has_value());
  return std::move(*loaded);
}

doc::Value json(std::string_view text) {
  auto tree = doc::parse_json(text);
  REQUIRE(tree.has_value());
  return *tree;
}

constexpr std::string_view kServers = R"yaml(
upstreams:
  files:
    command: [/usr/bin/node, /srv/mcp/files.js, /data]
    env: {TOKEN: {secret: "env:TOKEN"}, PLAIN: x}
    cwd: /srv
    sandbox: {network: true, read_write: [/data]}
    limits: {memory: 512MiB}
    resource: {kind: files, name: data, env: prod, labels: {sensitivity: pii}}
    agents: {ops-bot: ["read_*", "list_*"], "*": ["list_*"]}
    operations: {"read_*": read, "list_?": read, "write_*": write}
    gates: [resources/read]
    pins: review
    timeout: 5m
    hold: 30m
    leg: 20s
    result_bytes_max: 65536
  forge:
    url: https://mcp.example/mcp
    headers: {Authorization: {secret: "env:FORGE", prefix: "Bearer "}, X-Plain: text}
    ca: /etc/ssl/own.pem
    trust_annotations: true
  local: {attached: true}
)yaml";

Event event(std::string type, std::string_view upstream, doc::Value tools, doc::Value definitions) {
  Event out;
  out.stream = "upstream/" + std::string(upstream);
  out.type = std::move(type);
  out.body = doc::object({{"upstream", upstream}, {"tools", std::move(tools)}});
  out.private_part = doc::object({{"definitions", std::move(definitions)}});
  return out;
}

// One tool as a server's tools/list says it, as an event.
Event said(std::string type, std::string_view upstream, const doc::Value& definition) {
  const std::string name(definition.text("name"));
  const auto digest = catalog::definition_digest(definition);
  REQUIRE(digest.has_value());
  doc::Value tools = doc::Object{}, definitions = doc::Object{};
  tools.set(name, *digest);
  definitions.set(name, definition);
  return event(std::move(type), upstream, std::move(tools), std::move(definitions));
}

}  // namespace

TEST_CASE("MCP servers load, each with what its kind takes") {
  const Catalog tools = good(kServers);
  REQUIRE(tools.upstreams().size() == 3);
  CHECK(tools.tools().empty());
  const auto files = tools.upstream("files");
  REQUIRE(files != nullptr);
  CHECK(files->kind == Upstream::Kind::kCommand);
  CHECK(files->command.size() == 3);
  CHECK(files->env.at("PLAIN") == "x");
  CHECK(secrets::to_text(files->secret_env.at("TOKEN").reference) == "env:TOKEN");
  CHECK(files->cwd == "/srv");
  CHECK(files->sandbox.network);
  CHECK(files->sandbox.read_write == std::vector<std::string>{"/data"});
  CHECK(files->limits.memory_bytes == 512 << 20);
  CHECK(files->resource.labels.at("sensitivity") == "pii");
  CHECK(files->operations.at(2) == std::pair<std::string, std::string>{"write_*", "write"});
  CHECK(files->gates == std::vector<std::string>{"resources/read"});
  CHECK(files->pinning == Upstream::Pinning::kReview);
  CHECK(files->timeout == std::chrono::minutes(5));
  CHECK(files->hold == std::chrono::minutes(30));
  CHECK(files->leg == std::chrono::seconds(20));
  CHECK(files->result_bytes_max == 65536);
  const auto forge = tools.upstream("forge");
  REQUIRE(forge != nullptr);
  CHECK(forge->kind == Upstream::Kind::kHttp);
  CHECK(forge->resource == Resource{.kind = "mcp", .name = "forge"});
  CHECK(forge->ca_file == "/etc/ssl/own.pem");
  REQUIRE(forge->headers.size() == 2);
  CHECK(forge->headers[0].text == "Bearer ");
  CHECK(secrets::to_text(forge->headers[0].secret->reference) == "env:FORGE");
  CHECK(forge->headers[1].text == "text");
  CHECK_FALSE(forge->headers[1].secret);
  CHECK(forge->pinning == Upstream::Pinning::kFirstUse);
  CHECK(forge->trust_annotations);
  CHECK(tools.upstream("local")->kind == Upstream::Kind::kAttached);
  CHECK(tools.upstream("nothing") == nullptr);
}

TEST_CASE("a server's definition is in the catalog's digest; without servers nothing changes") {
  const auto digest = [](std::string_view text) { return good(text).digest(); };
  const auto a = digest("upstreams: {f: {url: https://a.example, timeout: 5s}}");
  CHECK(a == digest("upstreams: {f: {timeout: 5s, url: https://a.example}}"));
  CHECK(a != digest("upstreams: {f: {url: https://b.example, timeout: 5s}}"));
  CHECK(a != digest("upstreams: {g: {url: https://a.example, timeout: 5s}}"));
  CHECK(digest("tools: {t: {exec: [/bin/echo]}}") ==
        digest("tools: {t: {exec: [/bin/echo]}}\nupstreams: {}"));
}

TEST_CASE("every mistake in a server's definition is refused in its place") {
  struct Row {
    std::string_view text, code, says;
    int line;
  };
  const Row rows[] = {
      {"url: https://a.example\n    tiemout: 3s", "unknown_field", "timeout", 4},
      {"timeout: 3s", "missing_field", "attached: true", 3},
      {"url: https://a.example\n    command: [/bin/a]", "conflict", "one of", 3},
      {"attached: false", "unknown_choice", "leave it out", 3},
      {"url: https://a.example\n    cwd: /tmp", "without_effect", "command", 4},
      {"url: https://a.example\n    sandbox: none", "without_effect", "command", 4},
      {"command: [/bin/a]\n    headers: {A: b}", "without_effect", "url", 4},
      {"attached: true\n    env: {A: b}", "without_effect", "command", 4},
      {"url: http://a.example", "bad_url", "http:// is for this one", 3},
      {"url: https://u:p@a.example", "bad_url", "no user", 3},
      {"url: ftp://a.example", "bad_url", "https://", 3},
      {"url: \"https://a.example/#x\"", "bad_url", "fragment", 3},
      {"url: http://localhost.evil.example", "bad_url", "for this one", 3},
      {"url: https://a.example\n    ca: own.pem", "not_absolute", "ca", 4},
      {"url: https://a.example\n    headers: {Authorization: Bearer x}", "literal_secret",
       "reference", 4},
      {"url: https://a.example\n    headers: {Mcp-Session-Id: x}", "reserved_header", "itself", 4},
      {"url: https://a.example\n    headers: {\"A B\": x}", "invalid_name", "header", 4},
      {"url: https://a.example\n    headers: {A: \"x\\ny\"}", "invalid_text", "one line", 4},
      {"url: https://a.example\n    headers: {A: {secret: \"env:X\", as: file}}", "without_effect",
       "as: file", 4},
      {"url: https://a.example\n    headers: {A: {secret: hunter2}}", "invalid_reference", "", 4},
      {"command: [a]", "not_absolute", "/usr/bin/node", 3},
      {"command: []", "missing_field", "program", 3},
      {"command: [/bin/a]\n    env: {A: {param: x}}", "wrong_type", "no request", 4},
      {"command: [/bin/a]\n    cwd: tmp", "not_absolute", "cwd", 4},
      {"command: [/bin/a]\n    limits: {memory: 1B}", "out_of_range", "memory", 4},
      {"attached: true\n    agents: {}", "missing_field", "everybody", 4},
      {"attached: true\n    agents: {\"a b\": [x]}", "invalid_name", "agent", 4},
      {"attached: true\n    operations: {x: \"two words\"}", "invalid_name", "one word", 4},
      {"attached: true\n    gates: [tools/call]", "unknown_choice", "always", 4},
      {"attached: true\n    pins: never", "unknown_choice", "review", 4},
      {"attached: true\n    hold: 2h", "out_of_range", "1h", 4},
      {"attached: true\n    result_bytes_max: 1", "out_of_range", "", 4},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto tree = doc::parse_yaml("upstreams:\n  f:\n    " + std::string(row.text), "t");
    REQUIRE(tree.has_value());
    doc::Problems problems;
    CHECK_FALSE(Catalog::load(*tree, problems).has_value());
    bool found = false;
    std::string all;
    for (const auto& p : problems) {
      all += doc::to_text(p, "t") + " " + p.pointer + " [" + p.code + "]\n";
      found |= p.code == row.code && p.message.find(row.says) != std::string::npos &&
               p.pointer.starts_with("/upstreams/f") &&
               static_cast<int>(p.position.line) == row.line;
    }
    CAPTURE(all);
    CHECK(found);
    CHECK(problems.size() == 1);
  }
  for (const std::string_view name : {"keyturn", "Files", "a.b", "-a", "a_b"}) {
    CAPTURE(name);
    const auto tree =
        doc::parse_yaml("upstreams: {\"" + std::string(name) + "\": {attached: true}}", "t");
    doc::Problems problems;
    CHECK_FALSE(Catalog::load(*tree, problems).has_value());
  }
}

TEST_CASE("a tool of tools.yaml cannot have the name of a server's tool") {
  const auto tree = doc::parse_yaml(
      "tools: {files.read: {exec: [/bin/a]}, filesystem: {exec: [/bin/a]}}\n"
      "upstreams: {files: {attached: true}, filesystem: {attached: true}}",
      "t");
  doc::Problems problems;
  CHECK_FALSE(Catalog::load(*tree, problems).has_value());
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].code == "duplicate_name");
  CHECK(problems[0].pointer == "/tools/files.read");
}

TEST_CASE("a server without a sandbox says that it knows, where programs run as Keyturn") {
  const auto tree = doc::parse_yaml("upstreams: {f: {command: [/bin/a], sandbox: none}}", "t");
  doc::Problems problems;
  CHECK_FALSE(Catalog::load(*tree, problems, {.programs_run_as_server = true, .sealed = true}));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].code == "exposes_keyturn");
}

TEST_CASE("globs match the whole name") {
  CHECK(catalog::matches_glob("read_*", "read_file"));
  CHECK(catalog::matches_glob("read_*", "read_"));
  CHECK(catalog::matches_glob("*", ""));
  CHECK(catalog::matches_glob("*_file", "read_file"));
  CHECK(catalog::matches_glob("r*d_*e", "read_some_file"));
  CHECK(catalog::matches_glob("read_?ile", "read_file"));
  CHECK_FALSE(catalog::matches_glob("read_*", "read"));
  CHECK_FALSE(catalog::matches_glob("read_*", "xread_file"));
  CHECK_FALSE(catalog::matches_glob("*_file", "read_files"));
  CHECK_FALSE(catalog::matches_glob("", "a"));
  CHECK_FALSE(catalog::matches_glob("?", ""));
  CHECK_FALSE(catalog::matches_glob(std::string(60, '*') + "b", std::string(100'000, 'a')));
}

TEST_CASE("an agent may use what its list names; one that is not named, what * names") {
  const Catalog tools = good(kServers);
  const Upstream& files = *tools.upstream("files");
  CHECK(files.may_use("ops-bot", "read_file"));
  CHECK(files.may_use("ops-bot", "list_files"));
  CHECK_FALSE(files.may_use("ops-bot", "write_file"));
  CHECK_FALSE(files.may_use("other", "read_file"));
  CHECK(files.may_use("other", "list_files"));
  CHECK(tools.upstream("forge")->may_use("anybody", "anything"));
  const Catalog named = good("upstreams: {f: {attached: true, agents: {one: [\"*\"], two: []}}}");
  CHECK(named.upstream("f")->may_use("one", "x"));
  CHECK_FALSE(named.upstream("f")->may_use("two", "x"));
  CHECK_FALSE(named.upstream("f")->may_use("three", "x"));
}

TEST_CASE("a definition's digest covers what a model reads, not how it is drawn") {
  const auto digest = [](std::string_view text) {
    return catalog::definition_digest(json(text)).value();
  };
  const auto a = digest(R"({"name": "t", "description": "d", "inputSchema": {"type": "object"}})");
  CHECK(a == digest(R"({"inputSchema": {"type": "object"}, "description": "d", "name": "t",
                        "icons": [{"src": "x"}], "_meta": {"a": 1}})"));
  CHECK(a != digest(R"({"name": "t", "description": "e", "inputSchema": {"type": "object"}})"));
  CHECK(a != digest(R"({"name": "t", "description": "d", "inputSchema": {"type": "object",
                        "required": ["x"]}})"));
  CHECK(a != digest(R"({"name": "t", "description": "d", "inputSchema": {"type": "object"},
                        "annotations": {"readOnlyHint": true}})"));
  for (const std::string_view bad : {R"({"name": "t", "x": 9007199254740993})", "[]"}) {
    const auto refused = catalog::definition_digest(json(bad));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == "invalid_definition");
  }
}

TEST_CASE("pins keep what was accepted, and beside it what the server says now") {
  catalog::Pins pins;
  CHECK_FALSE(pins.knows("files"));
  const doc::Value one = json(R"({"name": "read_file", "description": "one"})");
  const doc::Value two = json(R"({"name": "read_file", "description": "two"})");
  CHECK(pins.evolve(said("upstream.pinned", "files", one)));
  CHECK(pins.knows("files"));
  CHECK(pins.pinned("files", "read_file")->value == one);
  CHECK(pins.pinned("forge", "read_file") == nullptr);
  CHECK(pins.offered("files", "read_file") == nullptr);
  CHECK_FALSE(pins.evolve(said("upstream.offered", "files", two)));
  CHECK(pins.pinned("files", "read_file")->value == one);
  CHECK(pins.offered("files", "read_file")->value == two);
  SUBCASE("the server takes it back") {
    CHECK_FALSE(pins.evolve(said("upstream.offered", "files", one)));
    CHECK(pins.all_offered("files").empty());
  }
  SUBCASE("people accept it") {
    CHECK(pins.evolve(said("upstream.pinned", "files", two)));
    CHECK(pins.pinned("files", "read_file")->value == two);
    CHECK(pins.all_offered("files").empty());
  }
  SUBCASE("the tool is gone, and people accept that") {
    const doc::Value gone = doc::object({{"read_file", ""}});
    CHECK_FALSE(pins.evolve(event("upstream.offered", "files", gone, doc::Object{})));
    CHECK(pins.offered("files", "read_file")->digest.empty());
    CHECK(pins.pinned("files", "read_file") != nullptr);
    CHECK(pins.evolve(event("upstream.pinned", "files", gone, doc::Object{})));
    CHECK(pins.pinned("files", "read_file") == nullptr);
    CHECK(pins.all_offered("files").empty());
  }
  SUBCASE("a tool that was never pinned is offered, and gone again") {
    CHECK_FALSE(pins.evolve(said("upstream.offered", "files", json(R"({"name": "new"})"))));
    CHECK(pins.offered("files", "new") != nullptr);
    const doc::Value gone = doc::object({{"new", ""}});
    CHECK_FALSE(pins.evolve(event("upstream.offered", "files", gone, doc::Object{})));
    CHECK(pins.offered("files", "new") == nullptr);
  }
  SUBCASE("other events are nothing to it") {
    CHECK_FALSE(pins.evolve(event("tools.activated", "files", doc::object({{"x", "y"}}), {})));
    CHECK(pins.pinned("files", "x") == nullptr);
  }
}

TEST_CASE("a pinned definition is a tool, under the server's name") {
  const Catalog configured = good(kServers);
  catalog::Pins pins;
  const auto pin = [&](std::string_view upstream, std::string_view definition) {
    pins.evolve(said("upstream.pinned", upstream, json(definition)));
  };
  pin("files", R"({"name": "read_file", "description": "Reads."})");
  pin("files", R"({"name": "write_file", "annotations": {"readOnlyHint": true}})");
  pin("files", R"({"name": "drop", "annotations": {"readOnlyHint": true}})");
  pin("files", R"({"name": "no good"})");
  pin("files", R"({"name": "resources/read"})");
  pin("forge", R"({"name": "issue/read", "annotations": {"readOnlyHint": true}})");
  pin("forge", R"({"name": "issue.close"})");
  pin("gone", R"({"name": "read"})");
  const auto tools = catalog::with_pins(configured, pins);
  CHECK(tools->digest() == configured.digest());
  CHECK(tools->upstream("files") == configured.upstream("files"));
  CHECK(tools->tools().size() == 6);
  const catalog::Tool* read = tools->find("files.read_file");
  REQUIRE(read != nullptr);
  CHECK(read->kind == catalog::ToolKind::kMcp);
  CHECK(read->mode == catalog::Mode::kExecute);
  CHECK(read->description == "Reads.");
  CHECK(read->operation == "read");
  CHECK(read->mcp_name == "read_file");
  CHECK(read->method == "tools/call");
  CHECK(read->resource.name == "data");
  CHECK(read->timeout == std::chrono::minutes(5));
  CHECK(read->definition.text("name") == "read_file");
  CHECK(catalog::credentials_of(*read) == std::vector<std::string>{"env:TOKEN"});
  CHECK(tools->find("files.write_file")->operation == "write");
  CHECK(tools->find("files.drop")->operation == "execute");  // annotations are not trusted there
  CHECK(tools->find("files.no good") == nullptr);
  const catalog::Tool* method = tools->find("files.resources/read");
  REQUIRE(method != nullptr);
  CHECK(method->method == "resources/read");
  CHECK(method->operation == "read");
  CHECK(method->mcp_name.empty());
  const catalog::Tool* issue = tools->find("forge.issue/read");
  REQUIRE(issue != nullptr);
  CHECK(issue->operation == "read");
  CHECK(catalog::credentials_of(*issue) == std::vector<std::string>{"env:FORGE"});
  CHECK(tools->find("forge.issue.close")->operation == "execute");

  const doc::Value args = doc::object({{"anything", doc::array_of({"goes"})}});
  CHECK(catalog::check_args(*read, args).value() == args);
  CHECK_FALSE(catalog::check_args(*read, doc::Value("text")).has_value());

  // Another definition of the tool or of the server is another tool; on top of an earlier one, too.
  pin("files", R"({"name": "read_file", "description": "Reads all."})");
  const auto next = catalog::with_pins(*tools, pins);
  CHECK(next->tools().size() == 6);
  CHECK(next->find("files.read_file")->digest != read->digest);
  CHECK(next->find("files.drop")->digest == tools->find("files.drop")->digest);
  std::string other(kServers);
  other.replace(other.find("/srv/mcp/files.js"), 17, "/srv/mcp/other.js");
  const auto moved = catalog::with_pins(good(other), pins);
  CHECK(moved->find("files.drop")->digest != next->find("files.drop")->digest);
  CHECK(moved->find("forge.issue.close")->digest == next->find("forge.issue.close")->digest);
}
