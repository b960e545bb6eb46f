#include "cli/bridge/child_side.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::cli::bridge {
namespace {

doc::Value read(const std::string& line) {
  Result<doc::Value> value = doc::parse_json(line);
  REQUIRE(value);
  return *value;
}

std::int64_t id_in(const std::string& line) {
  return read(line).integer("id");
}

constexpr const char* kInitialize =
    R"({"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-11-25"}})";
constexpr const char* kInitialized = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";

std::string answer(std::int64_t id, const std::string& result) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"result":)" + result + "}";
}

}  // namespace

TEST_CASE("a process is initialized once; later attachments are answered what it said then") {
  ChildSide side;
  side.begin();
  const ChildSide::Down first = side.down(kInitialize);
  CHECK(read(first.to_child).text("method") == "initialize");
  const std::string said =
      side.up(answer(id_in(first.to_child), R"({"protocolVersion":"x"})"), true).to_keyturn;
  CHECK(said == R"({"jsonrpc":"2.0","id":"a","result":{"protocolVersion":"x"}})");
  CHECK(side.down(kInitialized).to_child == kInitialized);

  side.begin();
  std::string again = kInitialize;
  again.replace(again.find("\"a\""), 3, "9");
  const ChildSide::Down second = side.down(again);
  CHECK(second.to_child.empty());
  CHECK(second.to_keyturn == R"({"jsonrpc":"2.0","id":9,"result":{"protocolVersion":"x"}})");
  CHECK(side.down(kInitialized).to_child.empty());
}

TEST_CASE("an initialize that is still worked at answers whoever asks last") {
  ChildSide side;
  side.begin();
  const std::int64_t id = id_in(side.down(kInitialize).to_child);
  side.begin();
  const ChildSide::Down again =
      side.down(R"({"jsonrpc":"2.0","id":5,"method":"initialize","params":{}})");
  CHECK(again.to_child.empty());
  CHECK(again.to_keyturn.empty());
  CHECK(side.up(answer(id, "{}"), true).to_keyturn == R"({"jsonrpc":"2.0","id":5,"result":{}})");
}

TEST_CASE("an answer to what another attachment asked is nobody's, though the ids are the same") {
  ChildSide side;
  side.begin();
  const std::string call = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}})";
  const std::int64_t before = id_in(side.down(call).to_child);
  side.begin();
  const std::int64_t now = id_in(side.down(call).to_child);
  CHECK(before != now);
  CHECK(side.up(answer(before, R"({"old":true})"), true).to_keyturn.empty());
  CHECK(side.up(answer(now, "{}"), true).to_keyturn == R"({"jsonrpc":"2.0","id":1,"result":{}})");
  CHECK(side.up(answer(now, "{}"), true).to_keyturn.empty());
}

TEST_CASE("progress, cancellations and subscriptions name requests as each side knows them") {
  ChildSide side;
  side.begin();
  const doc::Value sent = read(
      side.down(
              R"({"jsonrpc":"2.0","id":"s","method":"tools/call","params":{"_meta":{"progressToken":"p"}}})")
          .to_child);
  const std::string token = doc::write_json(*sent.find_path({"params", "_meta", "progressToken"}));
  CHECK(token == doc::write_json(*sent.find("id")));
  const auto progress = [&](const std::string& of) {
    return side
        .up(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
                of + "}}",
            true)
        .to_keyturn;
  };
  CHECK(read(progress(token)).find("params")->text("progressToken") == "p");
  CHECK(progress("77").empty());
  CHECK(
      read(
          side.down(
                  R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s"}})")
              .to_child)
          .find("params")
          ->integer("requestId") == sent.integer("id"));
  CHECK(
      side.down(
              R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"t"}})")
          .to_child.empty());
  const std::string changed =
      R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":)" +
      token + "}}}";
  CHECK(read(side.up(changed, true).to_keyturn)
            .find_path({"params", "_meta"})
            ->text("io.modelcontextprotocol/subscriptionId") == "s");
}

TEST_CASE("what a process asks is answered by somebody, always once") {
  ChildSide side;
  side.begin();
  const std::string ask = R"({"jsonrpc":"2.0","id":3,"method":"sampling/createMessage"})";
  CHECK(side.up(ask, true).to_keyturn == ask);
  const std::vector<std::string> lines = side.begin();  // its client's connection was lost
  REQUIRE(lines.size() == 1);
  CHECK(id_in(lines.front()) == 3);
  CHECK(read(lines.front()).find("error") != nullptr);
  CHECK(side.down(answer(3, "{}")).to_child.empty());
  const ChildSide::Up alone = side.up(ask, false);
  CHECK(alone.to_keyturn.empty());
  CHECK(id_in(alone.to_child) == 3);
  CHECK(side.up("no JSON", true).to_keyturn.empty());
}

}  // namespace keyturn::cli::bridge
