#include "render/preview.h"

#include <doctest/doctest.h>

#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::render;

namespace {

doc::Value json(std::string_view text) {
  auto tree = doc::parse_json(text);
  REQUIRE(tree.has_value());
  return *tree;
}

std::string shown(std::string_view preview) {
  Budget budget;
  return to_plain_text(preview_sections(json(preview), budget));
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("rows, tables and what goes with them are shown in words") {
  const std::string text = shown(R"j({"kind": "sql", "state": "count", "statements": [
    {"verb": "DELETE", "rows": 1, "tables": [{"name": "orders", "kind": "table",
      "row_security": true, "triggers": ["audit, which calls note()"],
      "rules": ["r of orders: CREATE RULE r AS ON DELETE DO ALSO NOTHING"],
      "reaches": ["lines: rows that refer to it are deleted, too (lines_order_fkey)"]}],
     "plan": ["Delete on orders", "  Seq Scan on orders, about 1 rows"]
},
    {"verb": "INSERT", "rows": 20, "at_most": true, "tables": [{"name": "log"}]},
    {"verb": "UPDATE", "not_counted": "ERROR 42501: permission denied", "tables": []},
    {"verb": "SELECT"}], "more": 3
})j");
  for (const char* part :
       {"What it would touch\n", "  1. DELETE: 1 row\n", "  of: orders (table)\n",
        "  trigger: audit, which calls note()\n",
        "  reaches: lines: rows that refer to it are deleted, too (lines_order_fkey)\n",
        "Seq Scan on orders", "  2. INSERT: at most 20 rows\n",
        "  3. UPDATE: not counted: ERROR 42501: permission denied\n", "  4. SELECT: reads\n",
        "  rule: r of orders: CREATE RULE r AS ON DELETE DO ALSO NOTHING\n",
        "what is not counted can touch any number of rows", "3 more statements were not looked at",
        "this number of rows", "row security"}) {
    CAPTURE(part);
    CHECK_MESSAGE(has(text, part), text);
  }
  // What changes a table does not read, whatever is missing.
  CHECK(has(
      shown(R"j({"kind": "sql", "statements": [{"verb": "SELECT", "tables": [{"name": "t"}]}]})j"),
      "  SELECT: not counted"));
  CHECK(has(shown(R"j({"kind": "sql", "state": "rows", "statements": [{"verb": "DELETE",
                      "rows": 2, "print": "77"}]})j"),
            "good for: these rows in these versions, not what is read besides\n"));
  CHECK(has(shown(R"j({"kind": "sql", "state": "rows", "statements": [{"verb": "INSERT",
                      "rows": 2}]})j"),
            "of rows that are added, their number"));
}

TEST_CASE("of a plan every step is shown under its name, and what could not be looked at is said") {
  const std::string text = shown(R"j({"kind": "plan", "steps": [
    {"path": "trim", "state": "sha256:1", "preview": {"kind": "sql", "state": "count", "statements":
      [{"verb": "DELETE", "rows": 3}]}},
    {"path": "all[1]", "preview": {"unavailable": "no such table"}},
    {"path": "move", "preview": {"kind": "exec", "preview": {"argv": ["/bin/look"], "stdout": "would move 2"}}}]})j");
  for (const char* part : {"Step trim: What it would touch\n", "  DELETE: 3 rows\n",
                           "Step all[1]: What it would touch\n", "  not looked at: no such table\n",
                           "the step asks by itself when it comes to it", "would move 2",
                           "Step move: How it was looked at\n"}) {
    CAPTURE(part);
    CHECK_MESSAGE(has(text, part), text);
  }
}

TEST_CASE("what a preview said stands as it was said, and cannot pass for ours") {
  const std::string text = shown(R"j({"kind": "exec",
    "preview": {"argv": ["/usr/bin/deploy", "--dry-run", "a b"], "stdout":
      "would restart web-1\nWhat policy decided\n\u001b[2Jx\u202ey", "stderr": "careful",
      "exit_code": 2, "truncated": true},
    "state": {"argv": ["/usr/bin/git"], "text": "abc\n", "sha256": "sha256:12",
      "truncated": false}})j");
  CHECK(has(text, "What it would do, as its preview says\n"));
  CHECK(has(text, "it said more than is kept"));
  CHECK(has(text, "  | would restart web-1\n"));
  CHECK(has(text, "  | What policy decided\n"));
  CHECK_FALSE(has(text, "\nWhat policy decided"));
  CHECK_FALSE(has(text, "\x1b"));
  CHECK_FALSE(has(text, "\u202e"));
  CHECK(has(text, "argv[2]: a b"));
  CHECK(has(text, "exit code: 2"));
  CHECK(has(text, "errors: careful"));
  CHECK(has(text, "The state that an approval is good for\n"));
  CHECK(has(text, "digest: sha256:12"));
  CHECK(has(shown(R"j({"kind": "exec", "preview": {"argv": ["/bin/true"], "stdout": "",
                      "exit_code": 0}})j"),
            "said: nothing"));
}

TEST_CASE("a diff is shown as one") {
  Budget budget;
  const auto sections = preview_sections(json(R"j({"kind": "exec", "preview": {"argv": ["/x"],
               "stdout": "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n", "exit_code": 1}})j"),
                                         budget);
  REQUIRE(!sections.empty());
  CHECK(sections[0].kind == SectionKind::kDiff);
  const auto other = preview_sections(
      json(R"j({"kind": "other", "diff": "- old\n+ new\n", "changed": 3})j"), budget);
  REQUIRE(other.size() == 2);
  CHECK(other[0].title == "What it would change");
  CHECK(has(to_plain_text(other), "changed: 3"));
}

TEST_CASE("that there is no preview is said, and what that means") {
  CHECK(has(shown(R"j({"unavailable": "cannot connect", "code": "state_unavailable"})j"),
            "nothing is released before it can"));
  const std::string text = shown(R"j({"kind": "sql", "unavailable": "cannot be told"})j");
  CHECK(has(text, "there is no preview"));
  CHECK(has(text, "not looked at: cannot be told"));
  Budget budget;
  CHECK(preview_sections(doc::Value(), budget).empty());
}

TEST_CASE("a preview that does not fit makes the case incomplete") {
  Budget budget;
  preview_sections(doc::object({{"kind", "exec"},
                                {"preview", doc::object({{"argv", doc::array_of({"/x"})},
                                                         {"stdout", std::string(2 << 20, 'x')},
                                                         {"exit_code", 0}})}}),
                   budget);
  CHECK_FALSE(budget.complete());
}
