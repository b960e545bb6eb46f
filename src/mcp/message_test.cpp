#include "mcp/message.h"

#include <doctest/doctest.h>

#include <string>
#include <tuple>

#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::mcp;

namespace {

std::string code_of(std::string_view text) {
  const auto message = parse(text);
  return message ? "" : message.error().code;
}

Message parsed(std::string_view text) {
  auto message = parse(text);
  REQUIRE(message);
  return *std::move(message);
}

Message modern(std::string_view method, std::string_view params = "") {
  return parsed(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) +
                R"(","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"})" +
                std::string(params) + "}}");
}

}  // namespace

TEST_CASE("a message is a request, a notification or a response") {
  const Message request = parsed(R"({"jsonrpc":"2.0","id":"a","method":"ping","params":{"x":1}})");
  CHECK(request.kind == Kind::kRequest);
  CHECK(request.method == "ping");
  REQUIRE(request.params() != nullptr);
  CHECK(request.params()->integer("x") == 1);
  CHECK(request.meta() == nullptr);
  const Message notification = parsed(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  CHECK(notification.kind == Kind::kNotification);
  CHECK(notification.id.is_null());
  CHECK(notification.params() == nullptr);
  CHECK(parsed(R"({"jsonrpc":"2.0","id":7,"result":{}})").kind == Kind::kResponse);
  CHECK(parsed(R"({"jsonrpc":"2.0","id":7,"error":{"code":-1}})").kind == Kind::kResponse);
  // What a server says of something that it could not read.
  CHECK(parsed(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700}})").id.is_null());
}

TEST_CASE("what could be read in two ways, or in none, is refused") {
  CHECK(code_of("") == "parse_error");
  CHECK(code_of("{") == "parse_error");
  CHECK(code_of(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"ping"})") == "parse_error");
  CHECK(code_of(R"({"jsonrpc":"2.0","id":1,"method":"a","method":"b"})") == "parse_error");
  CHECK(code_of(std::string(200, '[') + std::string(200, ']')) == "parse_error");
  for (const char* text : {
           R"([])",
           R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])",
           R"("ping")",
           R"({})",
           R"({"id":1,"method":"ping"})",
           R"({"jsonrpc":"1.0","id":1,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":{},"method":"ping"})",
           R"({"jsonrpc":"2.0","id":1,"method":7})",
           R"({"jsonrpc":"2.0","id":1,"method":""})",
           R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[1]})",
           R"({"jsonrpc":"2.0","id":1,"method":"ping","params":null})",
           R"({"jsonrpc":"2.0","id":1,"method":"tools/call","result":{}})",
           R"({"jsonrpc":"2.0","id":1,"method":"tools/call","error":{}})",
           R"({"jsonrpc":"2.0","id":1})",
           R"({"jsonrpc":"2.0","result":{}})",
           R"({"jsonrpc":"2.0","id":null,"result":{}})",
           R"({"jsonrpc":"2.0","id":1,"result":{},"error":{}})",
           R"({"jsonrpc":"2.0","id":1,"error":"no"})",
       }) {
    CAPTURE(text);
    CHECK(code_of(text) == "invalid_request");
  }
  CHECK(parse(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", 10).error().code == "parse_error");
}

TEST_CASE("ids that are one are one, and those that are not are not") {
  const auto text = [](std::string_view json) { return id_text(*doc::parse_json(json)); };
  CHECK(text("7") == text("7.0"));
  CHECK(text("7") == text("70e-1"));
  CHECK(text("7") != text(R"("7")"));
  CHECK(text(R"("n:7")") != text("7"));
  CHECK(text("null").empty());
}

TEST_CASE("messages of ours are read back") {
  const Message asked = *read(request(5, "ping", {}));
  CHECK(asked.kind == Kind::kRequest);
  CHECK(asked.params() == nullptr);
  CHECK(read(notification("notifications/progress", doc::object({{"progress", 1}})))->kind ==
        Kind::kNotification);
  CHECK(read(result("x", doc::object({})))->id == doc::Value("x"));
  const doc::Value failed = error(1, kUnavailable, "it is away", doc::object({{"why", "so"}}));
  REQUIRE(read(failed));
  CHECK(failed.find_path({"error", "data", "why"}) != nullptr);
  CHECK(failed.find("error")->integer("code") == -32002);
  // An id is given back as it was written.
  CHECK(doc::write_json(result(*doc::parse_json("1e0"), true)) ==
        R"({"jsonrpc":"2.0","id":1e0,"result":true})");
}

TEST_CASE("a message's era is what it says of itself, else what its header says") {
  const Message bare = parsed(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  CHECK(era_of(bare, "") == Era::kLegacy);
  CHECK(era_of(bare, "2025-11-25") == Era::kLegacy);
  CHECK(era_of(bare, "2026-07-28") == Era::kModern);
  CHECK(era_of(bare, "2027-01-01") == Era::kModern);
  CHECK(era_of(bare, "newest") == Era::kLegacy);
  CHECK(era_of(modern("tools/list"), "") == Era::kModern);
  CHECK(era_of(modern("tools/list"), "2025-11-25") == Era::kModern);
  const auto claims = [](std::string_view version) {
    return parsed(
        R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":)" +
        std::string(version) + "}}}");
  };
  CHECK(era_of(claims("\"2025-11-25\""), "2026-07-28") == Era::kLegacy);
  CHECK(era_of(claims("7"), "") == Era::kModern);
}

TEST_CASE("modern headers say what the body says") {
  constexpr std::string_view kNow = "2026-07-28";
  const Message call = modern("tools/call", R"(,"name":"drop")");
  CHECK(check_headers(call, kNow, "tools/call", "drop"));
  CHECK(check_headers(call, kNow, "tools/call", "=?base64?ZHJvcA==?="));
  for (const auto& [version, method, name] :
       {std::tuple<std::string_view, std::string_view, std::string_view>{"", "tools/call", "drop"},
        {"2026-08-01", "tools/call", "drop"},
        {"2025-11-25", "tools/call", "drop"},
        {kNow, "", "drop"},
        {kNow, "tools/list", "drop"},
        {kNow, "TOOLS/CALL", "drop"},
        {kNow, "tools/call", ""},
        {kNow, "tools/call", "read"},
        {kNow, "tools/call", "Drop"},
        {kNow, "tools/call", "=?base64?cmVhZA==?="},
        {kNow, "tools/call", "=?base64?ZHJvcA?="}}) {
    CAPTURE(version);
    CAPTURE(method);
    CAPTURE(name);
    const auto checked = check_headers(call, version, method, name);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == "header_mismatch");
  }
  CHECK(check_headers(modern("resources/read", R"(,"uri":"file:///é")"), kNow, "resources/read",
                      "=?base64?ZmlsZTovLy/DqQ==?="));
  CHECK_FALSE(check_headers(modern("tasks/get", R"(,"taskId":"t")"), kNow, "tasks/get", "u"));
  CHECK(check_headers(modern("tools/list"), kNow, "tools/list", ""));
  // Without a name in the body there is nothing to repeat: the server says what is wrong.
  CHECK(check_headers(modern("tools/call"), kNow, "tools/call", ""));
}

TEST_CASE("notifications may have no modern headers, and legacy messages any") {
  const Message cancelled = parsed(
      R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})");
  CHECK(check_headers(cancelled, "", "", ""));
  CHECK_FALSE(check_headers(cancelled, "", "tools/call", ""));
  const Message legacy =
      parsed(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}})");
  CHECK(check_headers(legacy, "2025-11-25", "", ""));
  CHECK(check_headers(legacy, "", "tools/list", "y"));
  const Message hello = parsed(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{}})");
  CHECK(check_headers(hello, "2025-11-25", "", ""));
  CHECK_FALSE(check_headers(hello, "2026-07-28", "initialize", ""));
}
