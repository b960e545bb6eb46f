#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "cli/completion.h"
#include "cli/testing.h"

namespace keyturn::cli {
namespace {

using testing::ran;
using testing::Ran;

TEST_CASE("what is typed wrongly is usage, and says what is wrong") {
  struct Row {
    std::vector<const char*> words;
    std::string says;
  };
  const Row rows[] = {
      {{}, "subcommand"},
      {{"reqest"}, "did you mean request?"},
      {{"request"}, "TOOL"},
      {{"request", "t", "--arg", "no-equals"}, "is not name=value"},
      {{"request", "t", "--arg", "a=1", "--arg", "a=2"}, "given twice"},
      {{"request", "t", "--arg", "a=@/no/such/file"}, "cannot be read"},
      {{"request", "t", "--args-json", "{"}, "argument"},
      {{"request", "t", "--arg", "a=1", "--args-json", "{}"}, "do not go together"},
      {{"request", "t", "--wait", "soon"}, "--wait"},
      {{"request", "t", "--wait", "3s", "--no-wait"}, "do not go together"},
      {{"token", "create"}, "for whom"},
      {{"token", "create", "--agent", "a", "--person", "p"}, "excludes"},
      {{"token", "create", "--agent", "a", "--expires", "tomorrow"}, "--expires"},
      {{"seal", "--break"}, "--reason"},
      {{"list", "--limit", "9999"}, "--limit"},
      {{"verify", "x"}, "--key"},
      {{"verify", "x", "--key", "no key"}, "--key"},
      {{"policy"}, "subcommand"},
      {{"policy", "check", "/no/such/file"}, "cannot be read"},
      {{"cel"}, "EXPR"},
      {{"mcp"}, "--upstream NAME"},
      {{"serve", "--listen", "nowhere:x"}, ""},
  };
  for (const Row& row : rows) {
    std::string typed;
    for (const char* word : row.words) typed += std::string(" ") + word;
    CAPTURE(typed);
    const Ran done = ran(row.words);
    CAPTURE(done.err);
    CHECK(done.exit == 2);
    CHECK(done.err.contains(row.says));
    CHECK(done.out.empty());
  }
}

TEST_CASE("a server that is not there is exit code 7, whatever was asked of it") {
  const std::vector<std::vector<const char*>> rows = {{"list"},
                                                      {"show", "act_1"},
                                                      {"request", "t"},
                                                      {"watch"},
                                                      {"watch", "act_1"},
                                                      {"approve", "act_1", "--yes"},
                                                      {"deny", "act_1"},
                                                      {"comment", "act_1", "x"},
                                                      {"cancel", "act_1"},
                                                      {"take-back", "act_1"}};
  for (const auto& words : rows) {
    CAPTURE(words.front());
    const Ran done = ran(words);
    CHECK(done.exit == 7);
    CHECK(done.err.contains("http://127.0.0.1:1 does not answer"));
    CHECK(done.out.empty());
  }
}

TEST_CASE("with --json an error is one line of JSON on stderr") {
  const Ran done = ran({"list", "--json"});
  CHECK(done.exit == 7);
  CHECK(done.err.starts_with("{\"code\":\"cannot_connect\""));
  CHECK(done.err.find('\n') == done.err.size() - 1);
}

TEST_CASE("help is on stdout and no error") {
  const Ran done = ran({"request", "--help"});
  CHECK(done.exit == 0);
  CHECK(done.out.contains("--idempotency-key"));
  CHECK(done.err.empty());
}

TEST_CASE("cel prints the value as JSON") {
  struct Row {
    std::vector<const char*> words;
    int exit;
    std::string out;
  };
  const Row rows[] = {{{"cel", "1 + 2"}, 0, "3\n"},
                      {{"cel", "[1, 'a', true, null]"}, 0, "[1,\"a\",true,null]\n"},
                      {{"cel", "1 / 0"}, 5, ""},
                      {{"cel", "1 +"}, 2, ""},
                      {{"cel", "nowhere"}, 2, ""}};
  for (const Row& row : rows) {
    CAPTURE(row.words.back());
    const Ran done = ran(row.words);
    CHECK(done.exit == row.exit);
    CHECK(done.out == row.out);
    CHECK(done.err.empty() == (row.exit == 0));
  }
}

TEST_CASE("cel --batch answers a line with a line, and goes on after a bad one") {
  const Ran done = ran({"cel", "--batch"},
                       "{\"expr\":\"x + 1\",\"input\":{\"x\":41}}\nrubbish\n{\"expr\":\"1/0\"}\n"
                       "{\"input\":{}}\n{\"expr\":\"'é'\"}\n");
  CHECK(done.exit == 0);
  std::istringstream lines(done.out);
  std::vector<std::string> got;
  for (std::string line; std::getline(lines, line);) got.push_back(line);
  REQUIRE(got.size() == 5);
  CHECK(got[0] == "{\"value\":42}");
  for (const std::size_t bad : {1, 2, 3}) CHECK(got[bad].starts_with("{\"error\":"));
  CHECK(got[4] == "{\"value\":\"é\"}");
}

TEST_CASE("policy check says file, line and column of every mistake, and exits with 1") {
  const auto file = std::filesystem::temp_directory_path() / "keyturn_cli_test_policy.yaml";
  const auto check = [&](const std::string& text) {
    std::ofstream(file) << text;
    return ran({"policy", "check", file.c_str()});
  };
  const std::string head = "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\nrules:\n";
  const Ran good = check(head + "- {id: a, match: {tool: [t]}, effect: allow}\n");
  CHECK(good.exit == 0);
  CHECK(good.out.contains("good, 1 rules"));
  const Ran bad = check(head +
                        "- {id: a, match: {tool: [t]}, effect: alow}\n"
                        "- {id: b, match: {tool: [t]}, effect: dney}\n");
  CHECK(bad.exit == 1);
  CHECK(bad.out.contains(file.string() + ":5:"));
  CHECK(bad.out.contains(file.string() + ":6:"));
  std::filesystem::remove(file);
}

TEST_CASE("completion names every command and every option, in every shell") {
  std::ostringstream out, err;
  std::istringstream in;
  Console console{.out = out, .err = err, .in = in};
  Session session{.console = console};
  CLI::App app{"", "keyturn"};
  add_commands(app, session);
  const std::string scripts[] = {bash_completion(app), zsh_completion(app), fish_completion(app)};
  for (const std::string& script : scripts) {
    for (const char* word : {"serve", "take-back", "deactivate", "revoke", "explain", "coverage",
                             "idempotency-key", "witness", "completion"}) {
      CAPTURE(word);
      CHECK(script.contains(word));
    }
  }
}

}  // namespace
}  // namespace keyturn::cli
