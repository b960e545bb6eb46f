#include "render/case_view.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::render;

namespace {

CaseInput a_case() {
  CaseInput in;
  in.id = "act_1";
  in.tool = "orders-sql";
  in.operation = "write";
  in.resource = {"database", "orders", "prod", {{"sensitivity", "pii"}}};
  in.requester = "ops-bot";
  in.owner = "alice";
  in.reason = "free space";
  in.claims = doc::object({{"model", "m-1"}, {"on_behalf_of", "alice@example.com"}});
  in.args = doc::object({{"sql", "DROP TABLE orders_2019"}, {"limit", 5}, {"tag", "5"}});
  in.description = doc::object(
      {{"statements", doc::array_of({"DROP TABLE orders_2019"})}, {"server", "db.example.com"}});
  in.facts = doc::object({{"uninspectable", false}});
  in.verdict.effect = Effect::kRequire;
  in.verdict.decided_by = "prod-ddl";
  in.verdict.hits = {{"prod-ddl", Effect::kRequire, "asks 1 of dba", false, {"waives:x"}}};
  in.verdict.plan.quorum = {{"dba", 1}};
  in.verdict.plan.stages = {{{{"owner", 1}}, {{"cab", 2}}}};
  return in;
}

const Section* find(const CaseView& view, std::string_view title) {
  const auto it = std::ranges::find(view.sections, title, &Section::title);
  return it == view.sections.end() ? nullptr : &*it;
}

std::string text(const CaseView& view) {
  return to_plain_text(view.sections);
}

}  // namespace

TEST_CASE("a case is shown whole: what runs, for whom, why, and who must agree") {
  const CaseView view = view_of(a_case());
  CHECK(view.complete);
  const std::string shown = text(view);
  for (const char* part :
       {"SQL statement\n  | DROP TABLE orders_2019\n", "tool: orders-sql", "operation: write",
        "resource label sensitivity: pii", "asked for by: agent ops-bot", "owner: alice",
        "Claimed by the requester, not verified\n  model: m-1", "  | free space", "limit: 5\n",
        "tag: \"5\"\n", "server: db.example.com", "rule prod-ddl: require: asks 1 of dba",
        "exception applied by prod-ddl: waives:x", "all of: 1 of dba",
        "one after the other: 1 of owner, then 2 of cab", "who can deny: anybody who is asked"}) {
    CAPTURE(part);
    CHECK(shown.find(part) != std::string::npos);
  }
  CHECK(find(view, "SQL statement")->bytes == 22);
}

TEST_CASE("an argv is shown argument by argument") {
  CaseInput in = a_case();
  in.description = doc::object({{"argv", doc::array_of({"/bin/rm", "-rf", "a b", ""})},
                                {"binary", doc::object({{"sha256", "sha256:00"}})}});
  const std::string shown = text(view_of(in));
  CHECK(shown.find("argv[2]: a b\n  argv[3]: \u27E6empty\u27E7\n") != std::string::npos);
  CHECK(shown.find("binary.sha256: sha256:00") != std::string::npos);
}

TEST_CASE("an HTTP request is shown as it is sent, field by field") {
  CaseInput in = a_case();
  in.description = doc::object(
      {{"kind", "http"},
       {"server", "https://api.example.com"},
       {"request", doc::object({{"method", "POST"},
                                {"url", "https://api.example.com/v1/a"},
                                {"headers", doc::object({{"X-Why", ""}, {"Accept", "a/b"}})},
                                {"body", "{\"x\":1}\nheader X-Evil: 1"},
                                {"body_sha256", "sha256:00"}})}});
  const std::string shown = text(view_of(in));
  CHECK(shown.find("HTTP request\n  method: POST\n  URL: https://api.example.com/v1/a\n  header "
                   "X-Why: \u27E6empty\u27E7\n  header Accept: a/b\n  SHA-256 of the body: "
                   "sha256:00\n") != std::string::npos);
  CHECK(shown.find("Body of the request\n  | {\"x\":1}\n  | header X-Evil: 1") !=
        std::string::npos);
  CHECK(shown.find("request.url") == std::string::npos);
  CHECK(shown.find("server: https://api.example.com") != std::string::npos);
}

TEST_CASE("a secret parameter is shown by name, length class and fingerprint only") {
  CaseInput in = a_case();
  in.args = doc::object({{"token", "hunter2"}, {"user", "x"}});
  in.original_args = doc::object({{"token", "hunter1"}, {"user", "y"}});
  in.secrets = {{"token", "0 to 15 bytes", "k3y3d"}};
  const CaseView view = view_of(in);
  CHECK(text(view).find("hunter") == std::string::npos);
  CHECK(doc::write_json(to_value(view.sections)).find("hunter") == std::string::npos);
  CHECK(text(view).find("token: \u27E6secret, 0 to 15 bytes, fingerprint k3y3d\u27E7") !=
        std::string::npos);
}

TEST_CASE("modified arguments are shown in both forms, one line a leaf") {
  CaseInput in = a_case();
  in.original_args = doc::object({{"sql", "a\n+ limit: 9"}, {"limit", 7}});
  in.args = doc::object({{"sql", "a\n+ limit: 9"}, {"limit", 5}});
  const CaseView view = view_of(in);
  const Section* diff = find(view, "Changed by policy");
  REQUIRE(diff != nullptr);
  CHECK(diff->kind == SectionKind::kDiff);
  CHECK(to_plain_text(diff->runs) == "- limit: 7\n+ limit: 5\n");
  in.args = doc::object({{"sql", "a\n+ limit: 9"}});
  in.original_args = doc::object({{"sql", "b"}});
  CHECK(to_plain_text(find(view_of(in), "Changed by policy")->runs) ==
        "- sql: \"b\"\n+ sql: \"a\\n+ limit: 9\"\n");
}

TEST_CASE("what is not all there is not complete") {
  CaseInput erased = a_case();
  erased.args.reset();
  CHECK_FALSE(view_of(erased).complete);
  CHECK_FALSE(find(view_of(erased), "Arguments")->warnings.empty());

  CaseInput large = a_case();
  large.args = doc::object({{"sql", std::string(kCaseBytesMax, 'x')}});
  CHECK_FALSE(view_of(large).complete);

  CaseInput many = a_case();
  doc::Value list{doc::Array{}};
  for (std::size_t i = 0; i <= kCaseFieldsMax; ++i) list.push(1);
  many.args = doc::object({{"list", list}});
  const CaseView view = view_of(many);
  CHECK_FALSE(view.complete);
  CHECK_FALSE(find(view, "Arguments")->warnings.empty());
}

TEST_CASE("the dangerous tail of a long statement is there") {
  CaseInput in = a_case();
  const std::string sql = "SELECT 1" + std::string(4000, ' ') + std::string(900, '\n') +
                          std::string(20000, 'x') + "; DROP TABLE orders";
  in.description = doc::object({{"sql", sql}});
  const CaseView view = view_of(in);
  CHECK(view.complete);
  const Section* s = find(view, "SQL statement");
  REQUIRE(s != nullptr);
  CHECK(s->bytes == sql.size());
  CHECK(to_plain_text(s->runs).ends_with("; DROP TABLE orders"));
  CHECK_FALSE(s->warnings.empty());
}

TEST_CASE("content cannot forge a heading, a field or a mark") {
  CaseInput in = a_case();
  in.description =
      doc::object({{"sql", "SELECT 1\nWho must agree\n  all of: nobody\n\u27E6ok\u27E7"}});
  in.reason = "x\nPolicy\n  effect: allow";
  in.claims = doc::object({{"a: b\nRequest", "v"}});
  const std::string shown = text(view_of(in));
  std::size_t headings = 0;
  std::size_t line = 0;
  while (line < shown.size()) {
    const std::size_t end = shown.find('\n', line);
    if (shown[line] != ' ' && shown[line] != '\n') ++headings;
    line = end + 1;
  }
  CHECK(headings == view_of(in).sections.size());
  CHECK(shown.find("  | Who must agree") != std::string::npos);
  CHECK(shown.find("\u27E6ok") == std::string::npos);
}

TEST_CASE("the wire form has the members of the contract and is read back for showing") {
  CaseInput in = a_case();
  in.reason = "\u202Eevil \x1b[0m p\u0430ypal";
  const CaseView view = view_of(in);
  const doc::Value wire = to_value(view.sections);
  for (const doc::Value& s : wire.as_array()) {
    CHECK(s.find("title") != nullptr);
    CHECK(s.find("bytes") != nullptr);
    CHECK(s.find("warnings")->is_array());
    CHECK((s.text("kind") == "fields") == (s.find("fields") != nullptr));
    CHECK((s.text("kind") != "fields") == (s.find("runs") != nullptr));
  }
  CHECK(to_plain_text(sections_from_value(wire)) == text(view));
}

TEST_CASE("a terminal never gets a control byte, whatever the server sends") {
  CHECK(rc::check([] {
    const auto bytes = *rc::gen::arbitrary<std::string>();
    CaseInput in = a_case();
    in.reason = bytes;
    in.args = doc::object({{bytes, bytes}});
    in.claims = doc::object({{"x", bytes}});
    in.description = doc::object({{"sql", bytes}});
    in.requester = bytes;
    const doc::Value run = doc::object({{"t", bytes}, {"mark", "bidi"}});
    const doc::Value hostile{
        doc::Array{doc::object({{"title", bytes},
                                {"kind", "code"},
                                {"runs", doc::Array{run}},
                                {"warnings", doc::Array{doc::Value(bytes)}}})}};
    for (const std::string& shown :
         {text(view_of(in)), to_plain_text(sections_from_value(hostile))}) {
      for (const char c : shown) {
        RC_ASSERT(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
      }
    }
  }));
}
