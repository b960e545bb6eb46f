#include <doctest/doctest.h>

#include "catalog/size.h"
#include "catalog/template.h"
#include "catalog/tool.h"
#include "doc/json.h"
#include "doc/yaml.h"

using namespace keyturn;
using catalog::Catalog;

namespace {

doc::Value yaml(std::string_view text) {
  auto tree = doc::parse_yaml(text, "tools.yaml");
  REQUIRE(tree.has_value());
  return *tree;
}

doc::Value json(std::string_view text) {
  auto tree = doc::parse_json(text);
  REQUIRE(tree.has_value());
  return *tree;
}

Catalog good(std::string_view text) {
  doc::Problems problems;
  auto loaded = Catalog::load(yaml(text), problems);
  for (const auto& p : problems) MESSAGE(doc::to_text(p, "tools.yaml"));
  REQUIRE(loaded.has_value());
  return std::move(*loaded);
}

constexpr std::string_view kTools = R"yaml(
tools:
  orders-sql:
    sql:
      dsn: "host=127.0.0.1 dbname=orders user=keyturn"
      password: {secret: "file:/etc/keyturn/orders.pw"}
      statement: "{{sql}}"
      harmless_functions: [Lower]
    params: {sql: {type: string, bytes_max: 100}}
    resource: {kind: database, name: orders, env: prod, labels: {sensitivity: pii}}
    rows_max: 10000
    timeout: 60s
  order-by-id:
    sql:
      dsn: "host=127.0.0.1"
      statement: "select * from o where id = {{id}} and (name = {{name}} or id = {{id}})"
    params: {id: {type: integer}, name: {type: string, required: false}}
  restart-web:
    exec: [/usr/local/bin/svc, restart, "{{unit}}", "--why={{why}}", "{{more}}", --, "{{rest}}"]
    params:
      unit: {type: string, pattern: "^web-[0-9]+$"}
      why: {type: string, default: none}
      more: {type: array, items: {type: string}, required: false}
      rest: {type: string, required: false}
      token: {type: string, secret: true, required: false}
    operation: execute
    resource: {kind: service, name: web, env: prod}
    env: {SVC_TOKEN: {secret: "env:SVC_TOKEN", as: file}, PLAIN: x, ONE_TIME: {param: token}}
    sandbox: {network: true}
  deploy:
    params:
      ref: {type: string, enum: [v1, v2]}
      percent: {type: number, minimum: 0, maximum: 100, required: false}
    resource: {kind: service, name: web, env: prod}
    mode: grant
    enforcement_point: deployer
)yaml";

}  // namespace

TEST_CASE("the tools of the contract load") {
  const Catalog tools = good(kTools);
  REQUIRE(tools.tools().size() == 4);
  const auto* sql = tools.find("orders-sql");
  REQUIRE(sql != nullptr);
  CHECK(sql->kind == catalog::ToolKind::kSql);
  CHECK(sql->rows_max == 10000);
  CHECK(sql->resource.labels.at("sensitivity") == "pii");
  CHECK(sql->harmless_functions == std::vector<std::string>{"lower"});
  CHECK(secrets::to_text(sql->password->reference) == "file:/etc/keyturn/orders.pw");
  const auto* exec = tools.find("restart-web");
  CHECK(exec->sandbox.network);
  CHECK(exec->secret_env.at("SVC_TOKEN").as_file);
  CHECK(secrets::to_text(exec->secret_env.at("SVC_TOKEN").reference) == "env:SVC_TOKEN");
  CHECK(exec->param_env.at("ONE_TIME") == "token");
  CHECK(tools.find("deploy")->mode == catalog::Mode::kGrant);
  CHECK(tools.find("nothing") == nullptr);
  CHECK(sql->digest.starts_with("sha256:"));
}

TEST_CASE("the input schema of an MCP tool types the arguments") {
  const std::string text = R"(tools:
  issue:
    mode: grant
    enforcement_point: forge
    input_schema:
      $schema: http://json-schema.org/draft-07/schema#
      type: object
      additionalProperties: false
      required: [owner, title]
      properties:
        owner: {type: string, description: Repository owner}
        title: {type: string}
        when: {type: string, format: date-time}
        labels: {type: array, items: {type: string}}
        draft: {const: false, type: boolean}
)";
  const Catalog loaded = good(text);
  const catalog::Tool& tool = *loaded.find("issue");
  CHECK(tool.params.size() == 5);
  CHECK(catalog::check_args(tool, doc::object({{"owner", "o"}, {"title", "t"}})).has_value());
  const auto where = [&](const doc::Value& args) {
    return catalog::check_args(tool, args).error().where;
  };
  CHECK(where(doc::object({{"owner", "o"}})) == "/args/title");
  CHECK(where(doc::object({{"owner", "o"}, {"title", 1}})) == "/args/title");
  CHECK(where(doc::object({{"owner", "o"}, {"title", "t"}, {"draft", true}})) == "/args/draft");
  CHECK(where(doc::object({{"owner", "o"}, {"title", "t"}, {"other", 1}})) == "/args/other");
}

TEST_CASE("a digest names the definition: order does not count, content does") {
  const auto digest = [](std::string_view text) { return good(text).digest(); };
  const auto a = digest("tools: {t: {exec: [/bin/echo], timeout: 5s}}");
  CHECK(a == digest("tools: {t: {timeout: 5s, exec: [/bin/echo]}}"));
  CHECK(a != digest("tools: {t: {timeout: 6s, exec: [/bin/echo]}}"));
  CHECK(a != digest("tools: {u: {timeout: 5s, exec: [/bin/echo]}}"));
}

TEST_CASE("every mistake in tools.yaml is refused in its place") {
  struct Row {
    std::string_view text, code, says;
    int line;
  };
  const Row rows[] = {
      {"tools:\n  t: {exec: [/bin/a], tiemout: 3s}", "unknown_field", "timeout", 2},
      {"tools:\n  t:\n    exec: [/bin/a, \"{{nit}}\"]\n    params: {unit: {type: string}}",
       "unknown_param", "{{unit}}", 3},
      {"tools:\n  t:\n    exec: [/bin/a]\n    params:\n      u: {type: string}", "unused_param",
       "\"u\"", 5},
      {"tools:\n  t:\n    exec: [svc]", "not_absolute", "absolute", 3},
      {"tools:\n  t: {exec: [\"/bin/{{p}}\"], params: {p: {type: string}}}", "not_absolute", "", 2},
      {"tools:\n  t: {exec: [/bin/a, \"{{p}}\"], params: {p: {type: string, secret: true}}}",
       "secret_in_argv", "param: p", 2},
      {"tools:\n  t: {mode: grant}", "missing_field", "enforcement_point", 2},
      {"tools:\n  t: {mode: grant, enforcement_point: d, exec: [/bin/a]}", "conflict", "", 2},
      {"tools:\n  t: {exec: [/bin/a], sql: {dsn: x, statement: select 1}}", "conflict", "", 2},
      {"tools:\n  t: {timeout: 3s}", "missing_field", "exec", 2},
      {"tools:\n  t: {exec: [/bin/a, \"{{p}}\"], params: {p: {type: string, pattern: \"(\"}}}",
       "invalid_pattern", "RE2", 2},
      {"tools:\n  t: {exec: [/bin/a, \"{{p}}\"], params: {p: {type: sting}}}", "unknown_type",
       "string", 2},
      {"tools:\n  t: {exec: [/bin/a, \"{{p\"], params: {}}", "invalid_template", "{{name}}", 2},
      {"tools:\n  t: {exec: [/bin/a, \"x{{p}}\"], params: {p: {type: array}}}", "wrong_type",
       "array", 2},
      {"tools:\n  t: {sql: {dsn: \"password=x\", statement: select 1}}", "literal_secret",
       "password", 2},
      {"tools:\n  t: {sql: {dsn: x, password: hunter2, statement: select 1}}", "literal_secret",
       "reference", 2},
      {"tools:\n  t: {sql: {dsn: x, statement: \"select '{{p}}'\"}, params: {p: {type: "
       "string}}}",
       "quoted_param", "bare", 2},
      {"tools:\n  t: {sql: {dsn: x, statement: \"select {{p}}, $1\"}, params: {p: {type: "
       "string}}}",
       "own_bind_param", "", 2},
      {"tools:\n  t: {exec: [/bin/a], env: {X: {secret: \"plain\"}}}", "invalid_reference",
       "env:NAME", 2},
      {"tools:\n  t: {exec: [/bin/a], env: {X: {secret: \"env:1X\"}}}", "invalid_reference",
       "name of a variable", 2},
      {"tools:\n  t: {exec: [/bin/a], env: {X: {secret: \"file:x\"}}}", "invalid_reference",
       "absolute path", 2},
      {"tools:\n  t: {exec: [/bin/a], env: {X: {secret: [exec]}}}", "invalid_reference",
       "absolute path", 2},
      {"tools:\n  t:\n    exec: [/bin/a]\n    env:\n      X:\n        secret: \"vault:kv/x\"",
       "unsupported_reference", "/usr/bin/vault", 6},
      {"tools:\n  t: {sql: {dsn: x, password: {secret: \"vault:kv/x\"}, statement: select 1}}",
       "unsupported_reference", "/usr/bin/vault", 2},
      {"tools:\n  t: {sql: {dsn: x, password: {secret: \"env:P\", as: file}, statement: select 1}}",
       "without_effect", "as: file", 2},
      {"tools:\n  t: {exec: [/bin/a], env: {X: {secret: \"env:P\", as: pipe}}}", "unknown_choice",
       "as: file", 2},
      {"tools:\n  t: {sql: {dsn: x, statement: select 1}, sandbox: none}", "without_effect",
       "database role", 2},
      {"tools:\n  t: {sql: {dsn: x, statement: select 1}, cwd: /tmp}", "without_effect", "cwd", 2},
      {"tools:\n  t: {sql: {dsn: x, statement: select 1}, env: {A: b}}", "without_effect", "env",
       2},
      {"tools:\n  t: {sql: {dsn: x, statement: select 1}, operation: read}", "without_effect",
       "statement itself", 2},
      {"tools:\n  t: {exec: [/bin/a], rows_max: 3}", "without_effect", "rows_max", 2},
      {"tools:\n  t: {mode: grant, enforcement_point: d, timeout: 3s}", "without_effect",
       "enforcement point", 2},
      {"tools:\n  t: {mode: grant, enforcement_point: d, sandbox: {network: true}}",
       "without_effect", "sandbox", 2},
      {"tools:\n  t: {exec: [/bin/a], sandbox: {disabled: true, network: true}}", "without_effect",
       "network", 2},
      {"tools:\n  t: {exec: [/bin/a], sandbox: {exposes_keyturn: true}}", "conflict",
       "disabled: true", 2},
      {"tools:\n  t: {exec: [/bin/a], env: {LD_PRELOAD: {param: p}}, params: {p: {type: "
       "string}}}",
       "unsafe_variable", "", 2},
      {"tools:\n  \"a b\": {exec: [/bin/a]}", "invalid_name", "", 2},
      {"tool: {}", "missing_field", "tools", 1},
      {"tools:\n  t: {exec: [/bin/a, \"{{p}}\"], params: {p: {type: integer, minimum: 3, "
       "maximum: 2}}}",
       "out_of_range", "", 2},
      {"tools:\n  t: {exec: [/bin/a, \"{{p}}\"], params: {p: {type: integer, default: x}}}",
       "wrong_type", "default", 2},
      {"tools:\n  t: {exec: [/bin/a, \"{{p}}\"], params: {p: {type: integer, pattern: x}}}",
       "wrong_word", "pattern", 2},
      {"tools:\n  t: {exec: [/bin/a], resource: {kind: x, nam: y}}", "unknown_field", "name", 2},
      {"tools:\n  t: {exec: [/bin/a], limits: {memory: 4GB}}", "bad_size", "4GiB", 2},
      {"tools:\n  t: {exec: [/bin/a], limits: {memory: 1KiB}}", "out_of_range", "16MiB", 2},
      {"tools:\n  t: {exec: [/bin/a], limits: {processes: 0}}", "out_of_range", "32768", 2},
      {"tools:\n  t: {exec: [/bin/a], limits: {open_files: many}}", "wrong_type", "number", 2},
      {"tools:\n  t: {exec: [/bin/a], limits: {file_size: 2PiB}}", "bad_size", "size", 2},
      {"tools:\n  t: {exec: [/bin/a], limits: {cores: 2}}", "unknown_field", "cores", 2},
      {"tools:\n  t: {sql: {dsn: x, statement: select 1}, limits: {memory: 1GiB}}",
       "without_effect", "timeout", 2},
      {"tools:\n  t: {exec: [/bin/a], sandbox: off}", "unknown_choice", "none", 2},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    doc::Problems problems;
    CHECK_FALSE(Catalog::load(yaml(row.text), problems).has_value());
    bool found = false;
    std::string all;
    for (const auto& p : problems) {
      all += doc::to_text(p, "t") + " [" + p.code + "]\n";
      found |= p.code == row.code && p.message.find(row.says) != std::string::npos &&
               static_cast<int>(p.position.line) == row.line;
    }
    CAPTURE(all);
    CHECK(found);
  }
}

TEST_CASE("every form of a reference that secrets/ reads, tools.yaml takes") {
  for (const std::string_view form :
       {"\"env:NAME\"", "\"file:/a/b\"", "[exec, /bin/pass, show]", "{exec: [/bin/pass, show]}",
        R"('exec:["/bin/pass","show"]')"}) {
    CAPTURE(form);
    const std::string text =
        "tools: {t: {exec: [/bin/a], env: {X: {secret: " + std::string(form) + "}}}}";
    const Catalog tools = good(text);
    const auto parsed = secrets::parse_reference(*yaml("x: " + std::string(form)).find("x"));
    REQUIRE(parsed.has_value());
    CHECK(secrets::to_text(tools.find("t")->secret_env.at("X").reference) ==
          secrets::to_text(*parsed));
  }
}

TEST_CASE("what a client library says of a dsn is said in its place") {
  const catalog::LoadOptions host{.check_dsn = [](const std::string& dsn) -> Result<void> {
    if (dsn == "host=good") return {};
    return refuse("invalid_dsn", "the dsn is not valid: missing \"=\"");
  }};
  doc::Problems problems;
  CHECK(Catalog::load(yaml("tools: {t: {sql: {dsn: host=good, statement: select 1}}}"), problems,
                      host));
  CHECK_FALSE(Catalog::load(yaml("tools:\n  t:\n    sql: {dsn: host good, statement: select 1}"),
                            problems, host));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].code == "invalid_dsn");
  CHECK(problems[0].position.line == 3);
}

TEST_CASE("limits have defaults, and sizes have units") {
  const Catalog tools = good(
      "tools:\n  a: {exec: [/bin/a]}\n"
      "  b: {exec: [/bin/a], limits: {memory: 512MiB, processes: 8, open_files: 256, file_size: "
      "1048576}}");
  CHECK(tools.find("a")->limits == catalog::Limits{});
  CHECK(tools.find("b")->limits == catalog::Limits{512 << 20, 8, 256, 1 << 20});
  struct Row {
    std::string_view text;
    std::int64_t bytes;  // -1: no size
  };
  const Row rows[] = {{"0B", 0},
                      {"1KiB", 1024},
                      {"4GiB", std::int64_t{4} << 30},
                      {"8388607TiB", std::int64_t{8388607} << 40},
                      {"8388608TiB", -1},
                      {"1 GiB", -1},
                      {"-1B", -1},
                      {"1.5GiB", -1},
                      {"1G", -1},
                      {"10", -1},
                      {"GiB", -1},
                      {"", -1}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(catalog::parse_size(row.text).value_or(-1) == row.bytes);
    if (row.bytes > 0) CHECK(catalog::size_text(row.bytes) == row.text);
  }
}

TEST_CASE("a tool without a sandbox says that it knows, where programs run as the server") {
  bool sealed = true;
  const auto load = [&](std::string_view sandbox, bool as_server, doc::Problems& problems) {
    const std::string text =
        "tools:\n  t:\n    exec: [/bin/a]\n    sandbox: " + std::string(sandbox);
    return Catalog::load(yaml(text), problems,
                         {.programs_run_as_server = as_server, .sealed = sealed});
  };
  const std::string_view known = "{disabled: true, exposes_keyturn: true}";
  doc::Problems problems;
  CHECK(load("none", false, problems));
  CHECK(load("{disabled: true}", false, problems));
  CHECK(load(known, false, problems));
  CHECK(load("{network: true}", true, problems));
  const auto accepted = load(known, true, problems);
  REQUIRE(accepted);
  CHECK_FALSE(accepted->find("t")->sandbox.enabled);
  CHECK(accepted->find("t")->sandbox.exposes_keyturn);
  CHECK(problems.empty());
  for (const std::string_view refused : {"none", "{disabled: true}"}) {
    problems.clear();
    CHECK_FALSE(load(refused, true, problems));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].code == "exposes_keyturn");
    CHECK(problems[0].position.line == 4);
    CHECK(problems[0].message.find("exposes_keyturn: true") != std::string::npos);
    sealed = false;  // a trial: said, and allowed
    problems.clear();
    CHECK(load(refused, true, problems));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].warning);
    sealed = true;
  }
}

TEST_CASE("arguments that the schema refuses are invalid_args with a pointer") {
  const Catalog tools = good(kTools);
  struct Row {
    std::string_view tool, args, pointer;
  };
  const Row bad[] = {
      {"orders-sql", R"([])", "/args"},
      {"orders-sql", R"({})", "/args/sql"},
      {"orders-sql", R"({"sql": 1})", "/args/sql"},
      {"orders-sql", R"({"sql": "a\u0000b"})", "/args/sql"},
      {"orders-sql", R"({"sql": "x", "a/b": 1})", "/args/a~1b"},
      {"orders-sql",
       R"({"sql": "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789+"})",
       "/args/sql"},
      {"restart-web", R"({"unit": "db-1"})", "/args/unit"},
      {"restart-web", R"({"unit": "web-1", "more": ["x", 3]})", "/args/more/1"},
      {"restart-web", R"({"unit": "web-1", "more": ["x", "-rf"]})", "/args/more"},
      {"restart-web", R"({"unit": null})", "/args/unit"},
      {"deploy", R"({"ref": "v3"})", "/args/ref"},
      {"deploy", R"({"ref": "v1", "percent": 100.5})", "/args/percent"},
      {"deploy", R"({"ref": "v1", "percent": 1e400})", "/args/percent"},
      {"order-by-id", R"({"id": 1.5})", "/args/id"},
  };
  for (const Row& row : bad) {
    CAPTURE(row.args);
    const auto checked = catalog::check_args(*tools.find(row.tool), json(row.args));
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == "invalid_args");
    CHECK(checked.error().where == row.pointer);
  }
}

TEST_CASE("what runs is exactly the template with its arguments") {
  const Catalog tools = good(kTools);
  const auto& tool = *tools.find("restart-web");
  const auto argv = [&](std::string_view args) {
    const auto checked = catalog::check_args(tool, json(args));
    REQUIRE(checked.has_value());
    return catalog::render_argv(tool, *checked);
  };
  using Argv = std::vector<std::string>;
  CHECK(argv(R"({"unit": "web-1"})") ==
        Argv{"/usr/local/bin/svc", "restart", "web-1", "--why=none", "--"});
  const std::string_view odd =
      R"j({"unit": "web-1", "why": "-x; {{unit}} $(id)", "more": ["a b", ""], "rest": "-rf"})j";
  CHECK(argv(odd) == Argv{"/usr/local/bin/svc", "restart", "web-1", "--why=-x; {{unit}} $(id)",
                          "a b", "", "--", "-rf"});
  const auto args = json(R"({"unit": "web-1", "token": "s3cret"})");
  CHECK(catalog::render_env(tool, args).at("ONE_TIME") == "s3cret");
}

TEST_CASE("an argument never becomes SQL text of a statement with named parameters") {
  const Catalog tools = good(kTools);
  const auto& named = *tools.find("order-by-id");
  const auto args = json(R"({"id": 7, "name": "x' or 1=1 --"})");
  CHECK(catalog::render_sql(named, args) ==
        "select * from o where id = $1 and (name = $2 or id = $1)");
  const auto values = catalog::sql_parameters(named, args);
  REQUIRE(values.size() == 2);
  CHECK(values[0] == "7");
  CHECK(values[1] == "x' or 1=1 --");
  CHECK_FALSE(catalog::sql_parameters(named, json(R"({"id": 7})"))[1].has_value());
  const auto& whole = *tools.find("orders-sql");
  CHECK(catalog::render_sql(whole, json(R"({"sql": "select '{{x}}'"})")) == "select '{{x}}'");
  CHECK(catalog::sql_parameters(whole, json(R"({"sql": "select 1"})")).empty());
}

TEST_CASE("parameters in quotes, dollar quotes and comments are found") {
  struct Row {
    std::string_view sql, name;
  };
  const Row rows[] = {
      {"select {{a}}", ""},          {"select '{{a}}'", "a"},     {"select '''{{a}}'", "a"},
      {"select 'x' || {{a}}", ""},   {"select \"{{a}}\"", "a"},   {"select $$ {{a}} $$", "a"},
      {"select $q$ {{a}} $q$", "a"}, {"select 1 -- {{a}}", "a"},  {"/* {{a}} */ select 1", "a"},
      {"select $1, {{a}}", ""},      {"select 'open {{a}}", "a"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.sql);
    CHECK(catalog::quoted_parameter(row.sql) == row.name);
  }
}
