#include "store/sqlite/journal.h"

#include <fstream>
#include <iterator>

#include "crypto/crypto.h"
#include "doc/json.h"
#include "ledger/merkle.h"
#include "store/sqlite/database.h"
#include "store/sqlite/testing.h"

using namespace keyturn;
using namespace keyturn::store;
using namespace keyturn::store::sqlite::testing;

namespace {

EventDraft draft(std::string stream, std::string type, doc::Value body = {}) {
  return {.stream = std::move(stream), .type = std::move(type), .body = std::move(body)};
}

EventDraft with_private(EventDraft event, doc::Value part) {
  event.private_part = std::move(part);
  return event;
}

std::string raw_bytes(const TempDir& dir) {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    std::ifstream in(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(in), {});
  }
  return all;
}

Digest root_of_leaves(Bench& bench) {
  ledger::MemoryTree tree;
  for (const std::string& leaf : run_task(bench.io, bench.journal->read_leaves(0, 1'000'000))) {
    tree.append(leaf);
  }
  CHECK(tree.size() == bench.journal->size());
  return tree.root(tree.size());
}

}  // namespace

TEST_CASE("what is appended is read back, from the stream and by index") {
  Bench bench;
  const doc::Value body =
      doc::object({{"state", "pending"}, {"action", doc::object({{"id", "act_1"}})}});
  const Appended appended = bench.append(
      {.events = {draft("action/act_1", "action.requested", body),
                  draft("policy", "policy.activated"), draft("action/act_1", "action.decided")}});
  REQUIRE(appended.has_value());
  REQUIRE(appended->size() == 3);
  CHECK((*appended)[0].index == 0);
  CHECK((*appended)[2].index == 2);
  CHECK((*appended)[2].position == 2);
  CHECK(bench.journal->version("action/act_1") == 2);
  CHECK(bench.journal->version("action/act_2") == 0);

  const std::vector<Event> stream = bench.stream("action/act_1");
  REQUIRE(stream.size() == 2);
  CHECK(stream[0].body == body);
  CHECK(stream[0].time == (*appended)[0].time);
  CHECK(stream[1].leaf_hash == (*appended)[2].leaf_hash);
  const std::vector<Event> range = run_task(bench.io, bench.journal->read_range(1, 10, false));
  REQUIRE(range.size() == 2);
  CHECK(range[0].stream == "policy");
  CHECK(run_task(bench.io, bench.journal->read_stream("action/act_1", 2, false)).size() == 1);
}

TEST_CASE("a leaf is RFC 8785 JSON with its envelope, chained within its stream") {
  Bench bench;
  bench.append_one("s/1", "t.one", doc::object({{"zeta", 1}, {"alpha", "é"}}));
  bench.append_one("s/2", "t.other");
  const std::vector<Event> second = bench.append_one("s/1", "t.two");
  const std::vector<std::string> leaves = run_task(bench.io, bench.journal->read_leaves(0, 10));
  REQUIRE(leaves.size() == 3);
  CHECK(leaves[0] == R"({"alpha":"é","node":"test","position":1,"prev":"","stream":"s/1",)"
                     R"("time":"2026-11-21T05:04:43.123Z","type":"t.one","v":1,"zeta":1})");
  for (const std::string& leaf : leaves) {
    CHECK(doc::canonical_or_die(*doc::parse_json(leaf)) == leaf);
  }
  const doc::Value last = *doc::parse_json(leaves[2]);
  CHECK(last.text("prev") == to_hex(view(ledger::leaf_hash(leaves[0]))));
  CHECK(second[0].leaf_hash == ledger::leaf_hash(leaves[2]));
}

TEST_CASE("a moved stream or a taken claim refuses its append and no other of the batch") {
  Bench bench;
  bench.append_one("s/1", "t");
  // All four are enqueued before the first commit is answered.
  Task<Appended> good = bench.journal->append(
      {.events = {draft("s/1", "t")}, .expects = {{"s/1", 1}}, .claims = {{"grant/1", "use-1"}}});
  Task<Appended> stale = bench.journal->append(
      {.events = {draft("s/9", "t"), draft("s/1", "t")}, .expects = {{"s/1", 1}}});
  Task<Appended> taken = bench.journal->append(
      {.events = {draft("s/8", "t")}, .claims = {{"fresh", "x"}, {"grant/1", "use-2"}}});
  Task<Appended> after =
      bench.journal->append({.events = {draft("s/1", "t")}, .expects = {{"s/1", 2}}});
  const Appended refused = run_task(bench.io, std::move(stale));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().kind == Conflict::Kind::kStreamMoved);
  CHECK(refused.error().what == "s/1");
  const Appended late = run_task(bench.io, std::move(taken));
  REQUIRE(!late.has_value());
  CHECK(late.error().kind == Conflict::Kind::kClaimTaken);
  CHECK(late.error().what == "grant/1");
  CHECK(late.error().value == "use-1");
  CHECK(run_task(bench.io, std::move(good)).has_value());
  CHECK(run_task(bench.io, std::move(after)).has_value());
  CHECK(bench.journal->size() == 3);
  CHECK(bench.journal->version("s/9") == 0);
  CHECK(bench.journal->version("s/8") == 0);
  CHECK(!run_task(bench.io, bench.journal->find_claim("fresh")));
}

TEST_CASE("a conflict is told only after what it conflicts with is durable") {
  Bench bench;
  Task<Appended> first =
      bench.journal->append({.events = {draft("s/1", "t")}, .claims = {{"k", "v"}}});
  const Appended second = bench.append({.events = {draft("s/2", "t")}, .claims = {{"k", "w"}}});
  CHECK(!second.has_value());
  CHECK(bench.journal->size() == 1);
  CHECK(run_task(bench.io, bench.journal->find_claim("k")) == "v");
  CHECK(run_task(bench.io, std::move(first)).has_value());
}

TEST_CASE("a claim is taken for ever, and once within one append") {
  Bench bench;
  CHECK(bench.append({.events = {draft("s", "t")}, .claims = {{"idem/a/1", "act_1"}}}).has_value());
  bench.open();
  const Appended again =
      bench.append({.events = {draft("s", "t")}, .claims = {{"idem/a/1", "act_2"}}});
  REQUIRE(!again.has_value());
  CHECK(again.error().value == "act_1");
  CHECK(!bench.append({.claims = {{"twice", "1"}, {"twice", "2"}}}).has_value());
  CHECK(!run_task(bench.io, bench.journal->find_claim("twice")));
}

TEST_CASE("what cannot be a leaf is refused before anything is written") {
  Bench bench;
  const std::string large(65'500, 'x');
  struct Row {
    const char* name;
    doc::Value body;
    Conflict::Kind kind;
  };
  const Row rows[] = {
      {"too large", doc::object({{"text", large}}), Conflict::Kind::kTooLarge},
      {"reserved name", doc::object({{"prev", "x"}}), Conflict::Kind::kMalformed},
      {"inexact number", doc::object({{"n", doc::Number{"1e400"}}}), Conflict::Kind::kMalformed},
      {"no object", doc::Value("text"), Conflict::Kind::kMalformed},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Appended refused = bench.append({.events = {draft("s", "t"), draft("s", "t", row.body)}});
    REQUIRE(!refused.has_value());
    CHECK(refused.error().kind == row.kind);
  }
  CHECK(bench.journal->size() == 0);
  CHECK(bench.journal->version("s") == 0);
  // The largest that fits, fits.
  const std::size_t envelope =
      doc::canonical_or_die(doc::object({{"node", "test"},
                                         {"position", 1},
                                         {"prev", ""},
                                         {"stream", "s"},
                                         {"time", "2026-11-21T05:04:43.123Z"},
                                         {"type", "t"},
                                         {"v", 1},
                                         {"text", ""}}))
          .size();
  const std::string exact(65'535 - envelope, 'x');
  bench.append_one("s", "t", doc::object({{"text", exact}}));
  CHECK(run_task(bench.io, bench.journal->read_leaves(0, 1))[0].size() == 65'535);
  CHECK(!bench.append({.events = {draft("r", "t", doc::object({{"text", exact + "x"}}))}})
             .has_value());
}

TEST_CASE("opening again gives the same events and the same root") {
  Bench bench;
  bench.options.batch_max = 7;
  bench.open();
  for (const std::uint64_t target : {0, 1, 5, 255, 256, 257, 511, 512, 770}) {
    std::vector<Task<Appended>> tasks;
    for (std::uint64_t i = bench.journal->size(); i < target; ++i) {
      tasks.push_back(bench.journal->append(
          {.events = {draft("s/" + std::to_string(i % 50), "t", doc::object({{"i", i}}))}}));
    }
    for (Task<Appended>& task : tasks) CHECK(run_task(bench.io, std::move(task)).has_value());
    CAPTURE(target);
    CHECK(bench.journal->size() == target);
    const Digest root = bench.journal->root();
    CHECK(root == root_of_leaves(bench));
    bench.open();
    CHECK(bench.journal->size() == target);
    CHECK(bench.journal->root() == root);
  }
}

TEST_CASE("tiles hold the hashes of the tree, full and partial") {
  Bench bench;
  std::vector<Task<Appended>> tasks;
  for (int i = 0; i < 600; ++i)
    tasks.push_back(bench.journal->append({.events = {draft("s", "t")}}));
  for (Task<Appended>& task : tasks) CHECK(run_task(bench.io, std::move(task)).has_value());
  ledger::MemoryTree tree;
  for (const std::string& leaf : run_task(bench.io, bench.journal->read_leaves(0, 600)))
    tree.append(leaf);
  struct Row {
    unsigned level;
    std::uint64_t index;
    unsigned width;
  };
  for (const Row& row :
       {Row{0, 0, 256}, Row{0, 1, 256}, Row{0, 2, 88}, Row{0, 0, 3}, Row{1, 0, 2}}) {
    CAPTURE(row.level);
    CAPTURE(row.index);
    std::vector<ledger::NodeId> nodes;
    for (unsigned i = 0; i < row.width; ++i) nodes.push_back({row.level * 8, row.index * 256 + i});
    std::string expected;
    for (const Digest& hash : *tree.read(nodes)) expected += view(hash);
    CHECK(run_task(bench.io, bench.journal->read_tile(row.level, row.index, row.width)) ==
          expected);
  }
  CHECK(run_task(bench.io, bench.journal->read_tile(0, 3, 256)).empty());
}

TEST_CASE("recorded time never runs backwards, not even across a restart") {
  Bench bench;
  const Time first = bench.append_one("s", "t")[0].time;
  bench.clock.time -= std::chrono::hours(2);
  CHECK(bench.append_one("s", "t")[0].time == first);
  bench.open();
  CHECK(bench.append_one("s", "t")[0].time == first);
  bench.clock.time += std::chrono::hours(3);
  CHECK(bench.append_one("s", "t")[0].time > first);
}

TEST_CASE("a private part is read back only when asked for, and is in no file in the clear") {
  Bench bench;
  const std::string marker = "DROP-TABLE-needle-8371";
  const doc::Value part = doc::object({{"sql", marker}});
  CHECK(bench
            .append({.events = {with_private(draft("a/1", "t"), part), draft("a/1", "t"),
                                with_private(draft("a/2", "t"), part)}})
            .has_value());
  CHECK(!bench.stream("a/1")[0].private_part);
  CHECK(bench.stream("a/1", true)[0].private_part == part);
  CHECK(!bench.stream("a/1", true)[1].private_part);
  CHECK(bench.stream("a/2", true)[0].private_part == part);
  CHECK(run_task(bench.io, bench.journal->read_range(0, 1, true))[0].private_part == part);
  CHECK(raw_bytes(bench.dir).find(marker) == std::string::npos);
  bench.open();
  CHECK(bench.stream("a/1", true)[0].private_part == part);
  CHECK(raw_bytes(bench.dir).find(marker) == std::string::npos);
}

TEST_CASE("equal private parts have different commitments") {
  Bench bench;
  const doc::Value part = doc::object({{"pin", "1234"}});
  CHECK(bench
            .append({.events = {with_private(draft("a", "t"), part),
                                with_private(draft("a", "t"), part)}})
            .has_value());
  const auto leaves = run_task(bench.io, bench.journal->read_leaves(0, 2));
  const std::string one(doc::parse_json(leaves[0])->text("private"));
  CHECK(one.size() == 64);
  CHECK(one != std::string(64, '0'));
  CHECK(one != doc::parse_json(leaves[1])->text("private"));
}

TEST_CASE("erasing entries leaves the leaves and takes their private parts, all others stay") {
  Bench bench;
  const doc::Value part = doc::object({{"note", "old"}});
  const doc::Value fresh = doc::object({{"note", "new"}});
  CHECK(bench
            .append({.events = {with_private(draft("a", "t"), part),
                                with_private(draft("b", "t"), part),
                                with_private(draft("a", "t"), part)}})
            .has_value());
  const Digest before = bench.journal->root();
  CHECK(bench.append({.events = {with_private(draft("a", "payload.erased"), fresh)}, .erase = {0}})
            .has_value());
  CHECK(before != bench.journal->root());
  for (int round = 0; round < 2; ++round) {
    const std::vector<Event> events = bench.stream("a", true);
    REQUIRE(events.size() == 3);
    CHECK(!events[0].private_part);
    CHECK(events[0].has_private);
    CHECK(events[1].private_part == part);
    CHECK(events[2].private_part == fresh);
    CHECK(bench.stream("b", true)[0].private_part == part);
    bench.open();
  }
  CHECK(bench.journal->root() == root_of_leaves(bench));
}

std::string sealed_of(const Bench& bench, std::uint64_t index) {
  sqlite::Database database(bench.options.path, sqlite::Access::kReadOnly);
  sqlite::Statement statement(database, "SELECT sealed FROM event WHERE idx = ?");
  sqlite::Query query(statement);
  REQUIRE(query.bind(index).step());
  return std::string(query.bytes(0));
}

TEST_CASE("what was erased is in no file any more: not a piece of it, wherever it stood") {
  Bench bench;
  std::vector<std::string> sealed;
  const std::vector<std::size_t> sizes = {1, 100, 3000, 70'000};
  for (std::size_t round = 0; round < 60; ++round) {  // so that pages are full, and split
    const std::string text(sizes[round % sizes.size()], static_cast<char>('a' + round % 26));
    CHECK(bench
              .append({.events = {with_private(draft("a/" + std::to_string(round), "t"),
                                               doc::object({{"x", text}}))}})
              .has_value());
  }
  std::vector<std::uint64_t> erase;
  for (std::uint64_t index = 0; index < 60; index += 3) {
    sealed.push_back(sealed_of(bench, index));
    erase.push_back(index);
  }
  CHECK(bench.append({.events = {draft("e", "payload.erased")}, .erase = erase}).has_value());
  bench.append_one("b", "t");  // its commit comes after all that the erasure caused
  const std::string files = raw_bytes(bench.dir);
  for (const std::string& one : sealed) {
    CHECK(files.find(one.substr(0, 32)) == std::string::npos);  // the seed of the key
    for (std::size_t at = 32; at + 24 <= one.size(); at += 1000)
      CHECK(files.find(one.substr(at, 24)) == std::string::npos);
    CHECK(files.find(one.substr(one.size() - 24)) == std::string::npos);
  }
  CHECK(files.find(sealed_of(bench, 1).substr(0, 32)) != std::string::npos);
}

TEST_CASE("numbers beyond the log read nothing") {
  Bench bench;
  bench.append_one("s", "t");
  for (const std::uint64_t beyond :
       {std::uint64_t{1}, std::uint64_t{1} << 56, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    CAPTURE(beyond);
    CHECK(run_task(bench.io, bench.journal->read_leaves(beyond, 10)).empty());
    CHECK(run_task(bench.io, bench.journal->read_range(beyond, 10, true)).empty());
    CHECK(run_task(bench.io, bench.journal->read_stream("s", beyond + 1, false)).size() ==
          (beyond + 1 <= 1 ? 1 : 0));
    CHECK(run_task(bench.io, bench.journal->read_tile(0, beyond, 256)).empty());
  }
  CHECK(run_task(bench.io, bench.journal->read_tile(256, 0, 256)).empty());
}

TEST_CASE("another master key opens no private part") {
  Bench bench;
  CHECK(bench.append({.events = {with_private(draft("a", "t"), doc::object({{"x", 1}}))}})
            .has_value());
  bench.options.master = Secret(std::string(32, 'N'));
  bench.open();
  CHECK_THROWS_AS(bench.stream("a", true), std::runtime_error);
  CHECK(bench.stream("a").size() == 1);
}

TEST_CASE("only streams that are open are loaded, oldest first") {
  Bench bench;
  bench.append_one("action/2", "action.requested");
  bench.append_one("action/1", "action.requested");
  bench.append_one("action/3", "action.requested");
  bench.append_one("action/2", "action.settled");
  bench.append_one("person/alice", "identity.person_added");
  const auto open = [&bench](const std::string& prefix) {
    std::vector<std::string> names;
    bench.journal->load_open_streams(prefix, [&names](const std::vector<Event>& events) {
      names.push_back(events.at(0).stream);
    });
    return names;
  };
  CHECK(open("action/") == std::vector<std::string>{"action/1", "action/3"});
  bench.append_one("action/2", "action.outcome_late");
  CHECK(open("action/") == std::vector<std::string>{"action/2", "action/1", "action/3"});
  CHECK(open("person/").size() == 1);
  bench.options.closed_types = {"action.requested"};
  bench.open();
  CHECK(open("action/") == std::vector<std::string>{"action/2"});
}

TEST_CASE("followers see every event once, in index order") {
  Bench bench;
  std::vector<std::uint64_t> seen;
  bench.journal->on_commit([](const Event&) { return true; },
                           [&seen](const std::vector<Event>& events) {
                             for (const Event& event : events) seen.push_back(event.index);
                           });
  std::vector<Task<Appended>> tasks;
  for (int i = 0; i < 100; ++i)
    tasks.push_back(bench.journal->append({.events = {draft("s", "t")}}));
  for (Task<Appended>& task : tasks) CHECK(run_task(bench.io, std::move(task)).has_value());
  bench.io.poll();
  REQUIRE(seen.size() == 100);
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(seen[i] == i);
}

TEST_CASE("what was signed moves only from where it stands, and not back") {
  Bench bench;
  const Digest one = crypto::sha256("1");
  const Digest two = crypto::sha256("2");
  const auto advance = [&bench](std::uint64_t from, std::uint64_t to, Digest root) {
    return run_task(bench.io, bench.journal->advance_signed(from, to, root));
  };
  CHECK(advance(0, 5, one));
  CHECK(!advance(0, 6, two));
  CHECK(!advance(5, 4, two));
  CHECK(!advance(5, 5, two));
  CHECK(advance(5, 5, one));
  CHECK(advance(5, 9, two));
  bench.open();
  const Signed stands = run_task(bench.io, bench.journal->last_signed());
  CHECK(stands.size == 9);
  CHECK(stands.root == two);
}

TEST_CASE("a queue that is full refuses instead of growing") {
  Bench bench;
  bench.options.queue_max = 3;
  bench.open();
  const Appended refused = bench.append(
      {.events = {draft("s", "t"), draft("s", "t"), draft("s", "t"), draft("s", "t")}});
  REQUIRE(!refused.has_value());
  CHECK(refused.error().kind == Conflict::Kind::kOverloaded);
  CHECK(bench.journal->size() == 0);
}

TEST_CASE("what was enqueued is committed before the journal goes") {
  Bench bench;
  for (int i = 0; i < 50; ++i) {
    const Task<Appended> dropped = bench.journal->append({.events = {draft("s", "t")}});
  }
  bench.open();
  CHECK(bench.journal->size() == 50);
}

TEST_CASE("ready wants the reserve to be free") {
  Bench bench;
  CHECK(bench.journal->ready());
  bench.options.reserve_bytes = std::uint64_t{1} << 60;
  bench.open();
  CHECK(!bench.journal->ready());
}

TEST_CASE("a journal of a later version, or no journal at all, is refused with its name") {
  Bench bench;
  bench.journal.reset();
  std::ofstream(bench.options.path, std::ios::binary | std::ios::trunc) << std::string(9000, 'x');
  const auto opened =
      sqlite::open_journal(bench.options, bench.clock, bench.random, bench.io.get_executor());
  REQUIRE(!opened.has_value());
  CHECK(opened.error().code == "journal_unusable");
  CHECK(opened.error().message.starts_with(bench.options.path));
}
