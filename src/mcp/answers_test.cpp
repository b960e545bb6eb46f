#include "mcp/answers.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>

#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::mcp;

namespace {

constexpr std::string_view kKey = "a key of thirty-two bytes or so.";
constexpr Time kNow{std::chrono::seconds(1'800'000'000)};

RequestState some_state() {
  return {.principal = "agent:ops-bot",
          .upstream = "files",
          .method = "tools/call",
          .args_digest = "sha256:ab",
          .action = "act_1",
          .expires = kNow + std::chrono::minutes(10),
          .leg = 3};
}

std::string text_of(const doc::Value& result) {
  return std::string(result.find("content")->as_array().at(0).text("text"));
}

}  // namespace

TEST_CASE("a pending answer is a success that says what to do, where a client takes it") {
  const Told told{.action = "act_1",
                  .review_url = "http://localhost:7717/actions/act_1",
                  .state = "pending",
                  .words = "One person of dba is asked"};
  const doc::Value result = pending_result(told);
  CHECK(result.find("isError") == nullptr);
  CHECK(result.find("resultType") == nullptr);
  CHECK(text_of(result).contains("pending"));
  CHECK(text_of(result).contains("One person of dba is asked."));
  CHECK(text_of(result).contains(told.review_url + " "));
  CHECK(text_of(result).contains("keyturn_wait"));
  CHECK(result.find("_meta")->text("keyturn/action") == "act_1");
  CHECK(result.find("_meta")->text("keyturn/state") == "pending");
  CHECK(result.find("_meta")->text("keyturn/review_url") == told.review_url);
  Told modern = told;
  modern.modern = modern.outputs = true;
  CHECK(pending_result(modern).flag("isError"));  // it has no structuredContent
  CHECK(pending_result(modern).text("resultType") == "complete");
}

TEST_CASE("a refused answer is an error that says why") {
  const doc::Value result = refused_result(
      {.action = "act_1", .review_url = {}, .state = "denied", .words = "alice denied it"});
  CHECK(result.flag("isError"));
  CHECK(text_of(result) == "alice denied it. (action act_1, denied)");
  CHECK(result.find("_meta")->text("keyturn/state") == "denied");
  const doc::Value bare = refused_result({.words = "No such tool"});
  CHECK(text_of(bare) == "No such tool.");
  CHECK(bare.find("_meta") == nullptr);
}

TEST_CASE("a request's state is read back as it was, until it is over") {
  const RequestState state = some_state();
  const std::string sealed = seal_state(state, kKey);
  CHECK(sealed.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
        std::string::npos);
  const auto opened = open_state(sealed, kKey, state.expires - Duration(1));
  REQUIRE(opened);
  CHECK(opened->principal == state.principal);
  CHECK(opened->upstream == state.upstream);
  CHECK(opened->method == state.method);
  CHECK(opened->args_digest == state.args_digest);
  CHECK(opened->action == state.action);
  CHECK(opened->expires == state.expires);
  CHECK(opened->leg == 3);
  CHECK(open_state(sealed, kKey, state.expires).error().code == "invalid_state");
  CHECK(open_state(sealed, "another key", kNow).error().code == "invalid_state");
  CHECK(open_state("", kKey, kNow).error().code == "invalid_state");
}

TEST_CASE("a state of which any byte was changed, added or cut is refused") {
  const std::string sealed = seal_state(some_state(), kKey);
  REQUIRE(open_state(sealed, kKey, kNow));
  CHECK(rc::check([&] {
    std::string altered = sealed;
    const auto at = *rc::gen::inRange<std::size_t>(0, altered.size());
    const char other = *rc::gen::arbitrary<char>();
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        RC_PRE(other != altered[at]);
        altered[at] = other;
        break;
      case 1:
        altered.insert(altered.begin() + static_cast<std::ptrdiff_t>(at), other);
        RC_PRE(altered != sealed);
        break;
      default:
        altered.resize(at);
    }
    const auto opened = open_state(altered, kKey, kNow);
    RC_ASSERT(!opened);
    RC_ASSERT(opened.error().code == "invalid_state");
  }));
}

TEST_CASE("states of any words are read back") {
  CHECK(rc::check([] {
    const auto words = rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    const RequestState state{.principal = *words,
                             .upstream = *words,
                             .method = *words,
                             .args_digest = *words,
                             .action = *words,
                             .expires = kNow + Duration(*rc::gen::inRange(1, 1 << 30)),
                             .leg = *rc::gen::inRange(0, 1000)};
    const auto opened = open_state(seal_state(state, kKey), kKey, kNow);
    RC_ASSERT(opened.has_value());
    RC_ASSERT(opened->principal == state.principal);
    RC_ASSERT(opened->args_digest == state.args_digest);
    RC_ASSERT(opened->action == state.action);
    RC_ASSERT(opened->expires == state.expires);
    RC_ASSERT(opened->leg == state.leg);
  }));
}

TEST_CASE("a task has the members of its era") {
  const Task task{.id = "t",
                  .status = "working",
                  .words = "waits for people",
                  .created = kNow,
                  .updated = kNow + std::chrono::seconds(1),
                  .ttl = std::chrono::minutes(1),
                  .poll = std::chrono::seconds(2)};
  CHECK(doc::write_json(create_task_result(task, false)) ==
        R"({"task":{"taskId":"t","status":"working","statusMessage":"waits for people",)"
        R"("createdAt":"2027-01-15T08:00:00.000Z","lastUpdatedAt":"2027-01-15T08:00:01.000Z",)"
        R"("ttl":60000,"pollInterval":2000}})");
  CHECK(doc::write_json(create_task_result(task, true)) ==
        R"({"taskId":"t","status":"working","statusMessage":"waits for people",)"
        R"("createdAt":"2027-01-15T08:00:00.000Z","lastUpdatedAt":"2027-01-15T08:00:01.000Z",)"
        R"("ttlMs":60000,"pollIntervalMs":2000,"resultType":"task"})");
  CHECK(task_value({.id = "t", .status = "completed"}, true).find("ttlMs")->is_null());
}

TEST_CASE("what asks a client to come back has the state that it brings") {
  CHECK(doc::write_json(input_required_result("abc")) ==
        R"({"resultType":"input_required","requestState":"abc"})");
}
