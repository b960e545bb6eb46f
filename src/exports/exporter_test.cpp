#include "exports/exporter.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/task_impl.h"
#include "doc/json.h"

namespace keyturn::exports {
namespace {

constexpr std::string_view kPlain = R"({"type":"review.opened"})";
constexpr std::string_view kDenial = R"({"type":"request.refused"})";

// An export to a file, of a ledger in memory. Entries wait an hour for others: what arrives did not
// wait.
struct Bench {
  Bench() {
    char name[] = "/tmp/keyturn-exporter-XXXXXX";
    folder = ::mkdtemp(name);
    wanted.name = "file";
    wanted.from_beginning = true;
    wanted.to = FileTarget{folder + "/out/lines"};
    std::filesystem::create_directory(folder + "/out");
  }
  ~Bench() {
    end();
    std::filesystem::remove_all(folder);
  }

  void start() {
    Pace pace;
    pace.gather = std::chrono::hours(1);
    pace.first_backoff = pace.backoff_max = std::chrono::milliseconds(1);
    exports = std::make_unique<Exports>(
        *loop, clock,
        Source{[this] { return leaves.size(); },
               [this](std::uint64_t from, std::size_t limit) { return read(from, limit); },
               "log.example"},
        folder + "/cursors", [this](const std::string& line) { said.push_back(line); }, pace);
    REQUIRE(exports->start({wanted}));
  }

  void end() {
    exports.reset();
    loop = std::make_unique<net::Loop>();
  }

  Task<std::vector<std::string>> read(std::uint64_t from, std::size_t limit) {
    if (std::exchange(fails, false)) throw std::runtime_error("the disk");
    const std::size_t end = std::min(leaves.size(), static_cast<std::size_t>(from) + limit);
    co_return std::vector<std::string>(leaves.begin() + static_cast<std::ptrdiff_t>(from),
                                       leaves.begin() + static_cast<std::ptrdiff_t>(end));
  }

  void append(std::string_view leaf) {
    leaves.emplace_back(leaf);
    const auto tree = doc::parse_json(leaf);
    exports->committed(is_denial(tree->text("type"), *tree) ? leaves.size() : 0);
  }

  // Until the export says so; a test that waits for ever is ended by its runner.
  void run_until(std::function<bool(const State&)> there) {
    loop->spawn(watch(std::move(there)));
    loop->run();
  }
  Task<void> watch(std::function<bool(const State&)> there) {
    while (!there(exports->states().front())) co_await loop->sleep(std::chrono::milliseconds(1));
    loop->stop();
  }

  std::vector<std::uint64_t> indexes() const {
    std::ifstream file(folder + "/out/lines");
    std::vector<std::uint64_t> out;
    for (std::string line; std::getline(file, line);)
      out.push_back(static_cast<std::uint64_t>(doc::parse_json(line)->integer("index")));
    return out;
  }

  std::string folder;
  Export wanted;
  SystemClock clock;
  std::unique_ptr<net::Loop> loop = std::make_unique<net::Loop>();
  std::vector<std::string> leaves;
  std::vector<std::string> said;
  bool fails = false;
  std::unique_ptr<Exports> exports;
};

std::vector<std::uint64_t> up_to(std::uint64_t end) {
  std::vector<std::uint64_t> out(end);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

}  // namespace

TEST_CASE("a denial goes out at once with all before it; what comes later waits for more") {
  Bench bench;
  bench.start();
  bench.loop->post([&] {
    bench.append(kPlain);
    bench.append(kPlain);
    bench.append(kDenial);
    bench.append(kPlain);
  });
  bench.run_until([](const State& state) { return state.next >= 3; });
  CHECK(bench.indexes().size() >= 3);
  bench.loop->post([&] { bench.append(kDenial); });
  bench.run_until([](const State& state) { return state.lag == 0 && state.next == 5; });
  CHECK(bench.indexes() == up_to(5));
}

TEST_CASE("a full batch does not wait, and what was there at the start does not either") {
  Bench bench;
  for (int i = 0; i < 250; ++i) bench.leaves.emplace_back(kPlain);
  bench.start();
  bench.run_until([](const State& state) { return state.next == 250; });
  bench.loop->post([&] {
    for (int i = 0; i < 100; ++i) bench.append(kPlain);
  });
  bench.run_until([](const State& state) { return state.next == 350; });
  CHECK(bench.indexes() == up_to(350));
  CHECK(bench.said.empty());
}

TEST_CASE("what fails is tried until it works, said once, and nothing is missing") {
  Bench bench;
  std::filesystem::remove(bench.folder + "/out");
  for (int i = 0; i < 10; ++i) bench.leaves.emplace_back(kPlain);
  bench.start();
  bench.run_until([](const State& state) { return state.status == "failing"; });
  CHECK(bench.exports->states().front().error->code == "unwritable");
  CHECK(bench.exports->states().front().lag == 10);
  std::filesystem::create_directory(bench.folder + "/out");
  bench.fails = true;  // the journal's turn
  bench.run_until([](const State& state) { return state.lag == 0 && state.status == "running"; });
  CHECK(bench.indexes() == up_to(10));
  CHECK(bench.said.size() == 2);
}

TEST_CASE("it goes on where it was, and begins again where the ledger is another") {
  Bench bench;
  for (int i = 0; i < 5; ++i) bench.leaves.emplace_back(kPlain);
  bench.start();
  bench.run_until([](const State& state) { return state.next == 5; });
  bench.end();
  bench.leaves.emplace_back(kDenial);
  bench.start();
  bench.run_until([](const State& state) { return state.next == 6; });
  CHECK(bench.indexes() == up_to(6));
  CHECK(bench.exports->states().front().delivered == 1);
  bench.end();
  bench.leaves[5] = kPlain;
  bench.fails = true;  // looking back is tried again, too
  bench.start();
  bench.run_until([](const State& state) { return state.next == 6 && state.delivered == 6; });
  CHECK(bench.indexes().size() == 12);
}

TEST_CASE("a disk that is full loses nothing and breaks nothing") {
  Bench bench;
  bench.wanted.to = FileTarget{"/dev/full"};
  bench.leaves.emplace_back(kPlain);
  bench.start();
  bench.run_until([](const State& state) { return state.status == "failing"; });
  CHECK(bench.exports->states().front().next == 0);
  CHECK(bench.exports->states().front().error->message.contains("No space left"));
}

}  // namespace keyturn::exports
