#include "doc/json.h"
#include "store/sqlite/testing.h"

namespace keyturn::store::sqlite {
namespace {

using testing::Bench;

EventDraft draft(const std::string& stream, const std::string& word) {
  return {.stream = stream,
          .type = "t",
          .body = doc::Object{},
          .private_part = doc::object({{"word", word}})};
}

void fill(Bench& bench, std::vector<EventDraft> events) {
  CHECK(bench.append({.events = std::move(events)}).has_value());
}

FirstEvents read(Bench& bench, std::uint64_t before, std::size_t limit) {
  return run_task(bench.io, bench.journal->read_first_events("action/", before, limit));
}

std::string words(const FirstEvents& found) {
  std::string out;
  for (const Event& event : found.events) {
    out += event.private_part ? std::string(event.private_part->text("word")) : "-";
    out += " ";
  }
  return out;
}

TEST_CASE("first events of the wanted streams come newest first, with their private parts") {
  Bench bench;
  fill(bench, {draft("action/a", "a1"), draft("person/x", "x1"), draft("action/a", "a2")});
  fill(bench, {draft("action/b", "b1"), draft("actions", "no"), draft("action/c", "c1")});
  const FirstEvents all = read(bench, bench.journal->size(), 100);
  CHECK(words(all) == "c1 b1 a1 ");
  CHECK(all.from == 0);
  CHECK(all.unreadable == 0);
  CHECK(all.events[0].stream == "action/c");
  CHECK(all.events[0].index == 5);
}

TEST_CASE("chunks meet without a gap and without an entry twice") {
  Bench bench;
  for (int i = 0; i < 7; ++i)
    fill(bench, {draft("action/" + std::to_string(i), std::to_string(i))});
  std::string seen;
  std::uint64_t before = bench.journal->size();
  while (before > 0) {
    const FirstEvents chunk = read(bench, before, 3);
    seen += words(chunk);
    CHECK(chunk.from < before);
    before = chunk.from;
  }
  CHECK(seen == "6 5 4 3 2 1 0 ");
}

TEST_CASE("erased private parts are absent, and no error") {
  Bench bench;
  fill(bench, {draft("action/a", "a1"), draft("action/b", "b1")});
  CHECK(bench.append({.events = {draft("person/x", "x")}, .erase = {0}}).has_value());
  const FirstEvents found = read(bench, bench.journal->size(), 100);
  CHECK(words(found) == "b1 - ");
  CHECK(found.unreadable == 0);
}

TEST_CASE("private parts that do not open are counted and left out") {
  Bench bench;
  fill(bench, {draft("action/a", "a1"), draft("action/b", "b1")});
  bench.options.master = Secret(std::string(32, 'X'));
  bench.open();
  const FirstEvents found = read(bench, bench.journal->size(), 100);
  CHECK(found.events.empty());
  CHECK(found.unreadable == 2);
  CHECK(found.from == 0);
}

TEST_CASE("an answer ends where its private parts are many megabytes, and goes on from there") {
  Bench bench;
  for (int i = 0; i < 4; ++i)
    fill(bench, {draft("action/" + std::to_string(i), std::string(7 << 20, 'x'))});
  std::size_t events = 0, chunks = 0;
  std::uint64_t before = bench.journal->size();
  while (before > 0) {
    const FirstEvents chunk = read(bench, before, 100);
    events += chunk.events.size();
    ++chunks;
    before = chunk.from;
  }
  CHECK(events == 4);
  CHECK(chunks == 2);
}

}  // namespace
}  // namespace keyturn::store::sqlite
