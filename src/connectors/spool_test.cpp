#include "connectors/spool.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "connectors/testing.h"

using namespace keyturn;
using namespace keyturn::connectors;
using testing::TempFolder;

namespace {

constexpr Time kNow{std::chrono::seconds(1'800'000'000)};
constexpr Duration kDay = std::chrono::hours(24);

ActionId made(Time at) {
  SystemRandom random;
  return ActionId(make_sortable_id("act_", unix_ms(at), random));
}

Outcome done(std::string text) {
  return {.kind = OutcomeKind::kSucceeded, .exit_code = 0, .stdout_text = std::move(text)};
}

std::unique_ptr<Spool> open_spool(const TempFolder& folder, Time now = kNow) {
  auto spool = Spool::open(folder.path() + "/spool", now);
  REQUIRE(spool);
  return std::move(*spool);
}

void damage(const TempFolder& folder, std::string_view old_text, std::string_view new_text) {
  const std::string path = folder.path() + "/spool/journal";
  std::string text = testing::read_file(path);
  const std::size_t at = text.find(old_text);
  REQUIRE(at != std::string::npos);
  text.replace(at, old_text.size(), new_text);
  testing::write_file(path, text);
}

}  // namespace

TEST_CASE("an action starts once, also for the next process") {
  const TempFolder folder;
  const ActionId action = made(kNow);
  {
    auto spool = open_spool(folder);
    CHECK(spool->begin(action, kNow));
    CHECK(spool->begin(action, kNow).error().code == "already_started");
  }
  auto spool = open_spool(folder, kNow + kDay);
  CHECK(spool->begin(action, kNow).error().code == "already_started");
  CHECK(spool->look(action).state == Spool::State::kStarted);
}

TEST_CASE("an outcome is there after the process that wrote it") {
  const TempFolder folder;
  const ActionId action = made(kNow);
  {
    auto spool = open_spool(folder);
    REQUIRE(spool->begin(action, kNow));
    REQUIRE(spool->finish(action, done("h\u00e9llo\n\x01"), kNow));
  }
  const auto entry = open_spool(folder)->look(action);
  CHECK(entry.state == Spool::State::kFinished);
  CHECK(entry.outcome->stdout_text == "h\u00e9llo\n\x01");
}

TEST_CASE("one process holds a spool") {
  const TempFolder folder;
  const auto first = open_spool(folder);
  CHECK(Spool::open(folder.path() + "/spool", kNow).error().code == "spool_busy");
}

TEST_CASE("never started is an answer that stays true") {
  const TempFolder folder;
  const auto spool = open_spool(folder);
  const ActionId action = made(kNow + std::chrono::seconds(1));
  CHECK(spool->look(action).state == Spool::State::kAbsent);
  CHECK(spool->settle(action, kNow)->state == Spool::State::kFenced);
  CHECK(spool->begin(action, kNow).error().code == "already_started");
}

TEST_CASE("a spool that was lost does not say never") {
  const TempFolder folder;
  const ActionId action = made(kNow);
  {
    auto spool = open_spool(folder);
    REQUIRE(spool->begin(action, kNow));
  }
  std::filesystem::remove_all(folder.path() + "/spool");
  const auto spool = open_spool(folder, kNow + std::chrono::seconds(5));
  CHECK(spool->look(action).state == Spool::State::kBeyond);
  CHECK(spool->begin(action, kNow).error().code == "not_known");
  CHECK(spool->settle(action, kNow)->state == Spool::State::kBeyond);
  CHECK(spool->begin(made(kNow + std::chrono::seconds(6)), kNow));
}

TEST_CASE("an id without an age is never called never started") {
  const TempFolder folder;
  CHECK(open_spool(folder)->look(ActionId("act_1")).state == Spool::State::kBeyond);
}

TEST_CASE("a torn last record is cut off; the rest stays") {
  const TempFolder folder;
  const ActionId first = made(kNow), second = made(kNow), third = made(kNow);
  {
    auto spool = open_spool(folder);
    REQUIRE(spool->begin(first, kNow));
    REQUIRE(spool->begin(second, kNow));
  }
  const std::string path = folder.path() + "/spool/journal";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 7);
  {
    auto spool = open_spool(folder);
    CHECK(spool->look(first).state == Spool::State::kStarted);
    CHECK(spool->look(second).state == Spool::State::kAbsent);
    REQUIRE(spool->begin(third, kNow));
  }
  CHECK(open_spool(folder)->look(third).state == Spool::State::kStarted);
}

TEST_CASE("damage inside makes what has no record unknown") {
  const TempFolder folder;
  const ActionId first = made(kNow), second = made(kNow);
  {
    auto spool = open_spool(folder);
    REQUIRE(spool->begin(first, kNow));
    REQUIRE(spool->begin(second, kNow));
  }
  damage(folder, first.str(), made(kNow).str());
  const auto spool = open_spool(folder, kNow + std::chrono::seconds(1));
  CHECK(spool->look(first).state == Spool::State::kBeyond);
  CHECK(spool->look(second).state == Spool::State::kStarted);
}

TEST_CASE("output is kept for a day, how it ended for thirty, and then nothing is claimed") {
  const TempFolder folder;
  const ActionId action = made(kNow), other = made(kNow);
  {
    auto spool = open_spool(folder);
    REQUIRE(spool->begin(action, kNow));
    REQUIRE(spool->finish(action, done("private"), kNow));
    REQUIRE(spool->begin(other, kNow));
  }
  {
    const auto entry = open_spool(folder, kNow + 2 * kDay)->look(action);
    CHECK(entry.outcome->kind == OutcomeKind::kSucceeded);
    CHECK(entry.outcome->stdout_text.empty());
    CHECK(entry.outcome->truncated);
  }
  CHECK(testing::read_file(folder.path() + "/spool/journal").find("private") == std::string::npos);
  const auto spool = open_spool(folder, kNow + 31 * kDay);
  CHECK(spool->look(action).state == Spool::State::kBeyond);
  CHECK(spool->begin(action, kNow).error().code == "not_known");
}

TEST_CASE(
    "output that is to be forgotten is in no file any more; how it ended, and the rest, stay") {
  TempFolder folder;
  const ActionId erased = made(kNow), kept = made(kNow), open = made(kNow);
  {
    auto spool = open_spool(folder);
    for (const ActionId& action : {erased, kept, open}) REQUIRE(spool->begin(action, kNow));
    REQUIRE(spool->finish(erased, done("personal words"), kNow));
    REQUIRE(spool->finish(kept, done("other words"), kNow));
    REQUIRE(spool->forget_output({erased, made(kNow)}));
    CHECK(spool->look(erased).outcome->kind == OutcomeKind::kSucceeded);
    CHECK(spool->look(erased).outcome->stdout_text.empty());
    CHECK(spool->look(kept).outcome->stdout_text == "other words");
    REQUIRE(spool->finish(open, done("later"), kNow));  // it goes on in the new file
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
    if (entry.is_regular_file())
      CHECK(testing::read_file(entry.path().string()).find("personal") == std::string::npos);
  auto again = open_spool(folder);
  CHECK(again->look(erased).state == Spool::State::kFinished);
  CHECK(again->look(open).outcome->stdout_text == "later");
}
