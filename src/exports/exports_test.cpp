#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "doc/yaml.h"
#include "exports/cursor.h"
#include "exports/sink.h"

namespace keyturn::exports {
namespace {

std::string problems_of(std::string_view yaml) {
  const auto tree = doc::parse_yaml(yaml, "keyturn.yaml");
  REQUIRE(tree);
  doc::Problems problems;
  doc::ObjectReader root(*tree, "", problems);
  read_exports(root, "keyturn.yaml", problems);
  root.finish();
  std::string out;
  for (const doc::Problem& problem : problems) out += doc::to_text(problem, "keyturn.yaml") + "\n";
  return out;
}

std::string with(std::string_view rest) {
  return "exports:\n- {name: siem, format: ocsf, " + std::string(rest) + "}\n";
}

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/keyturn-exports-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Batch batch_of(std::uint64_t index) {
  const std::string leaf = R"({"type":"action.decided"})";
  return {{{"log", index, "00", leaf}}, {look_at(leaf)}};
}

}  // namespace

TEST_CASE("exports are read, and every mistake has its place") {
  CHECK(problems_of(with("to: {file: /var/log/x}")).empty());
  CHECK(problems_of(
            with("to: {syslog: {address: \"siem.example:6514\"}}, only: [denied, \"identity.*\"]"))
            .empty());
  CHECK(problems_of(
            with("to: {webhook: {url: \"https://x.example/y\", secret: {secret: \"file:/k\"}}}"))
            .empty());
  struct Case {
    std::string yaml, expected;
  };
  const std::vector<Case> cases{
      {"exports:\n- {name: siem, format: osf, to: {file: x}}\n", "keyturn.yaml:2:24: "},
      {with("to: {file: x, syslog: {address: \"a:1\"}}"), "to is one of"},
      {with("to: {}"), "to is one of"},
      {with("to: {file: x}, from: yesterday"), "from is now or beginning"},
      {with("to: {file: x}, only: [refused]"), "is no event"},
      {with("to: {file: x}, only: [\"*.x\"]"), "is no event"},
      {with("to: {syslog: {address: siem}}"), "HOST:PORT"},
      {with("to: {syslog: {address: \"a:70000\"}}"), "HOST:PORT"},
      {with("to: {syslog: {address: \"a/b:1\"}}"), "HOST:PORT"},
      {with("to: {syslog: {address: \"a:1\", udp: true}}"), "unknown field"},
      {with("to: {webhook: {url: \"http://x.example/\", secret: {secret: \"file:/k\"}}}"),
       "needs https"},
      {with("to: {webhook: {url: \"https://u:p@x.example/\", secret: {secret: \"file:/k\"}}}"),
       "no user and password"},
      {with("to: {webhook: {url: \"https://x.example/\"}}"), "a webhook needs secret"},
      {with("to: {file: x}}\n- {name: siem, format: cef, to: {file: y}"),
       "two exports have the name"},
      {"exports:\n- {name: Siem!, format: cef, to: {file: y}}\n", "a name is of a-z"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.yaml);
    CHECK(problems_of(one.yaml).contains(one.expected));
  }
  const std::string said =
      problems_of(with("to: {webhook: {url: \"https://u:hunter2@x.example/\", secret: {secret: "
                       "\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}}}"));
  CHECK(!said.contains("hunter2"));
  CHECK(!said.contains("MfKQ9r8GKY"));
}

TEST_CASE("a cursor is read as it was written, or refused") {
  const Folder folder;
  const std::string path = folder.path + "/siem.json";
  CHECK(!read_cursor(path)->has_value());
  REQUIRE(write_cursor(path, {41, "log.example", "ab"}));
  const auto read = read_cursor(path);
  REQUIRE(read);
  REQUIRE(*read);
  CHECK((*read)->next == 41);
  CHECK((*read)->last_leaf_hash == "ab");
  std::ofstream(path) << "{\"next\":-1}";
  CHECK(!read_cursor(path));
  std::ofstream(path) << "{\"next\":4";
  CHECK(!read_cursor(path));
}

TEST_CASE("a file that was moved away is made anew, and a torn line stays alone") {
  const Folder folder;
  Export wanted;
  const std::string path = folder.path + "/out";
  wanted.to = FileTarget{path};
  const auto sink = make_sink(wanted, std::make_shared<std::atomic<bool>>(false));
  REQUIRE(sink->deliver(batch_of(0)));
  std::filesystem::rename(path, path + ".1");
  REQUIRE(sink->deliver(batch_of(1)));
  CHECK(content(path + ".1").contains("\"index\":0"));
  CHECK(content(path).contains("\"index\":1"));
  const std::string torn = folder.path + "/torn";
  std::ofstream(torn) << "{\"origin\":\"lo";
  wanted.to = FileTarget{torn};
  REQUIRE(make_sink(wanted, std::make_shared<std::atomic<bool>>(false))->deliver(batch_of(2)));
  CHECK(content(torn).starts_with("{\"origin\":\"lo\n{\"origin\":\"log\",\"index\":2,"));
}

}  // namespace keyturn::exports
