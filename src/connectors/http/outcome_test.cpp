#include "connectors/http/outcome.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::connectors::http {
namespace {

catalog::HttpCall tool(std::string method) {
  catalog::HttpCall out;
  out.method = std::move(method);
  out.response_headers = {"content-type", "x-id"};
  return out;
}

Called answered(int status, std::string body = "", net::Headers headers = {}) {
  return {.sent = true, .answer = Answer{status, std::move(headers), std::move(body)}};
}

Outcome of(const catalog::HttpCall& call, const Called& called, std::size_t most = 1024) {
  return outcome_of(call, called, {}, most);
}

std::string kind(const catalog::HttpCall& call, const Called& called) {
  return std::string(to_text(of(call, called).kind));
}

}  // namespace

TEST_CASE("what a status means, for a request that changes something and one that does not") {
  struct Row {
    int status;
    std::string_view post, get;
  };
  for (const Row& row : {Row{200, "succeeded", "succeeded"},
                         {204, "succeeded", "succeeded"},
                         {301, "unknown", "failed"},
                         {303, "unknown", "failed"},
                         {304, "failed", "failed"},
                         {307, "failed", "failed"},
                         {400, "failed", "failed"},
                         {409, "failed", "failed"},
                         {429, "failed", "failed"},
                         {500, "unknown", "failed"},
                         {503, "unknown", "failed"}}) {
    CAPTURE(row.status);
    CHECK(kind(tool("POST"), answered(row.status)) == row.post);
    CHECK(kind(tool("DELETE"), answered(row.status)) == row.post);
    CHECK(kind(tool("GET"), answered(row.status)) == row.get);
  }
}

TEST_CASE("a tool says what is success, and after which errors nothing has changed") {
  catalog::HttpCall call = tool("POST");
  call.success = {202, 404};
  call.failed_on = {503};
  CHECK(kind(call, answered(202)) == "succeeded");
  CHECK(kind(call, answered(404)) == "succeeded");
  CHECK(kind(call, answered(200)) == "unknown");
  CHECK(kind(call, answered(503)) == "failed");
  CHECK(kind(call, answered(500)) == "unknown");
  CHECK(of(call, answered(200)).reason.contains("does not call success"));
}

TEST_CASE("what was sent and not answered is unknown, if it changes something") {
  const Called lost{.sent = true, .lost = Refusal{"transfer_failed", "it was cut off", ""}};
  const Called never{.sent = false, .lost = Refusal{"cannot_connect", "nobody is there", ""}};
  CHECK(kind(tool("POST"), lost) == "unknown");
  CHECK(kind(tool("PUT"), lost) == "unknown");
  CHECK(kind(tool("GET"), lost) == "failed");
  CHECK(kind(tool("POST"), never) == "failed");
  CHECK(of(tool("POST"), never).reason == "nobody is there; nothing was sent");
  Called half = answered(200, "{\"a\":");
  half.lost = Refusal{"timeout", "it was too slow", ""};
  CHECK(kind(tool("POST"), half) == "unknown");
  CHECK(kind(tool("GET"), half) == "failed");
  half.answer->status = 404;
  CHECK(kind(tool("POST"), half) == "failed");
}

TEST_CASE(
    "an answer is kept as JSON, as text, or as its size, and only headers that may be shown") {
  const Outcome json =
      of(tool("GET"), answered(200, R"({"a":[1]})",
                               {{"Content-Type", "application/json; charset=utf-8"},
                                {"X-Id", "7"},
                                {"Set-Cookie", "s=1"}}));
  REQUIRE(json.result);
  CHECK(
      doc::write_json(*json.result) ==
      R"({"status":200,"headers":{"content-type":"application/json; charset=utf-8","x-id":"7"},"body":{"a":[1]}})");
  const Outcome text = of(tool("GET"), answered(200, "a\xff", {{"Content-Type", "text/plain"}}));
  CHECK(text.result->text("body") == "a\\xff");
  const Outcome broken =
      of(tool("GET"), answered(200, "{\"a\":", {{"Content-Type", "application/json"}}));
  CHECK(broken.result->text("body") == "{\"a\":");
  // What no double holds would have no place in the record as a number.
  const Outcome exact = of(tool("GET"), answered(200, R"({"a":12345678901234567890})",
                                                 {{"Content-Type", "application/json"}}));
  CHECK(exact.result->text("body") == R"({"a":12345678901234567890})");
  const Outcome coded = of(tool("GET"), answered(200, "\x1f\x8b", {{"Content-Encoding", "gzip"}}));
  CHECK(coded.result->find("body")->integer("bytes") == 2);
  CHECK(coded.result->find("body")->text("encoding") == "gzip");
}

TEST_CASE("a long answer is cut and says so; a known secret is taken out of it first") {
  Called called = answered(200, std::string(3000, 'x'));
  CHECK(of(tool("GET"), called).truncated);
  CHECK(of(tool("GET"), called).result->text("body").size() == 1024);
  CHECK(of(tool("GET"), called).kind == OutcomeKind::kSucceeded);
  secrets::Redactor redactor;
  redactor.add("key", Secret("s3cr3t-tok/en"));
  const Outcome out =
      outcome_of(tool("GET"),
                 answered(200, R"({"said":"s3cr3t-tok\/en","b":"czNjcjN0LXRvay9lbg=="})",
                          {{"Content-Type", "application/json"}, {"X-Id", "s3cr3t-tok/en"}}),
                 redactor, 1024);
  const std::string said = doc::write_json(*out.result);
  CHECK_FALSE(said.contains("s3cr3t"));
  CHECK_FALSE(said.contains("czNjcjN0"));
  CHECK(said.contains("[redacted:key]"));
}

}  // namespace keyturn::connectors::http
