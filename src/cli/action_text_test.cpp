#include "cli/action_text.h"

#include "base/percent.h"
#include "cli/arguments.h"
#include "cli/testing.h"
#include "cli/wait.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

doc::Value json(const std::string& text) {
  return doc::parse_json(text).value();
}

TEST_CASE("every state has its own word, and the exit code of the contract") {
  struct Row {
    State state;
    int exit;
  };
  const Row rows[] = {{State::kDeferred, 8},  {State::kPending, 8},   {State::kApproved, 0},
                      {State::kExecuting, 8}, {State::kSucceeded, 0}, {State::kFailed, 5},
                      {State::kUnknown, 6},   {State::kDenied, 1},    {State::kExpired, 3},
                      {State::kCancelled, 4}};
  for (const Row& row : rows) {
    const std::string word(to_text(row.state));
    CAPTURE(word);
    CHECK(code(exit_of(row.state)) == row.exit);
    const doc::Value action = doc::object({{"state", word}});
    CHECK(code(exit_of_action(action)) == row.exit);
    CHECK(outcome_line(action).starts_with(word));
  }
  CHECK(exit_of_action(json(R"({"state":"a word of tomorrow"})")) == Exit::kUnknown);
}

TEST_CASE("an answer that is an error has an exit code") {
  for (const int status : {400, 413, 415, 422}) CHECK(exit_of_status(status) == Exit::kUsage);
  for (const int status : {401, 403, 404, 409, 421, 429, 500, 503})
    CHECK(exit_of_status(status) == Exit::kFailed);
}

TEST_CASE("a denial says who or what denied") {
  CHECK(
      outcome_line(json(R"({"state":"denied","verdict":{"rules":["no-ddl"],"reasons":["r"]}})")) ==
      "denied by policy: no-ddl: r");
  CHECK(
      outcome_line(json(
          R"({"state":"denied","verdict":{"rules":["r"]},"votes":[{"reviewer":"carol","decision":"deny","note":"no\nyes"}]})")) ==
      "denied by carol (no⟦U+000A⟧yes)");
}

TEST_CASE("the progress line says who has been asked") {
  const doc::Value action = json(
      R"({"state":"pending","needed":[{"group":"dba","count":1,"have":0},{"group":"sre","count":2,"have":1}]})");
  CHECK(who_is_asked(action) == "1 of dba (0 so far), 2 of sre (1 so far)");
  CHECK(cut("wartet·é", 8) == "wartet·");
  CHECK(cut("kurz", 80) == "kurz");
  CHECK(elapsed_text(std::chrono::seconds(7)) == "0:07");
  CHECK(elapsed_text(std::chrono::seconds(754)) == "12:34");
  CHECK(elapsed_text(std::chrono::seconds(3725)) == "1:02:05");
}

TEST_CASE("no text of an action can forge a line of ours in the whole picture") {
  const doc::Value action = json(
      R"({"id":"act_1","state":"pending","tool":"t\nState      approved","reason":"x\u001b[2J\nDigest     sha256:00",
          "requester":{"id":"bot\nOwner root"},"display":[{"title":"Command","kind":"code","runs":[{"t":"rm\nState      approved\u202e"}]}],
          "comments":[{"by":"eve","text":"hi\nVotes\n  carol approved"}]})");
  const std::string text = case_text(action);
  CAPTURE(text);
  CHECK(!text.contains('\x1b'));
  CHECK(!text.contains("\u202e"));
  CHECK(!text.contains("\nState      approved"));
  CHECK(!text.contains("\nDigest     sha256"));
  CHECK(!text.contains("\nOwner root"));
  CHECK(!text.contains("\nVotes"));
}

TEST_CASE("what came of it goes where the command itself would have put it") {
  std::ostringstream out, err;
  std::istringstream in;
  Console console{.out = out, .err = err, .in = in};
  Session session{.console = console};
  CHECK(
      print_result(
          session,
          json(
              R"({"state":"failed","outcome":{"outcome":"failed","exit_code":3,"stdout":"o\n","stderr":"e\n","duration_ms":5}})")) ==
      5);
  CHECK(out.str() == "o\n");
  CHECK(err.str() == "e\nfailed, exit code 3, 5 ms\n");
  out.str("");
  err.str("");
  CHECK(print_result(session, json(R"({"state":"approved","grant":"gr_1.secret"})")) == 0);
  CHECK(out.str() == "gr_1.secret\n");
  CHECK(err.str() == "");
}

TEST_CASE("an argument is JSON if it is JSON, else text") {
  struct Row {
    std::string word, json;
  };
  const Row rows[] = {{"a=1", R"({"a":1})"},
                      {"a=1.50", R"({"a":1.50})"},
                      {"a=true", R"({"a":true})"},
                      {"a=\"1\"", R"({"a":"1"})"},
                      {"a=[1,\"x\"]", R"({"a":[1,"x"]})"},
                      {"a=", R"({"a":""})"},
                      {"a=b=c", R"({"a":"b=c"})"},
                      {"a=DROP TABLE t", R"({"a":"DROP TABLE t"})"},
                      {"a=01", R"({"a":"01"})"},
                      {"a=NaN", R"({"a":"NaN"})"}};
  for (const Row& row : rows) {
    CAPTURE(row.word);
    const Result<doc::Value> read = arguments_of({row.word});
    REQUIRE(read.has_value());
    CHECK(doc::write_json(*read) == row.json);
  }
  CHECK(doc::write_json(*claims_of({"session=42"})) == R"({"session":"42"})");
  CHECK(!arguments_of({"a=\xff"}).has_value());
  CHECK(!arguments_of({"=1"}).has_value());
  CHECK(!claims_of({"a=1", "a=2"}).has_value());
}

TEST_CASE("a path and a query carry any text") {
  CHECK(percent_encoded("act_1/../x?y") == "act_1%2F..%2Fx%3Fy");
  CHECK(with_query("/p", {{"a", "1 &=é"}, {"b", ""}, {"c", "x"}}) == "/p?a=1%20%26%3D%C3%A9&c=x");
}

}  // namespace
}  // namespace keyturn::cli
