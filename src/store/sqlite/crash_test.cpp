// What was acknowledged survives, and what may not survive is never acknowledged: with real
// processes that are killed, and real disks that are full.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/detached.hpp>
#include <map>
#include <random>

#include "ledger/merkle.h"
#include "store/sqlite/testing.h"

using namespace keyturn;
using namespace keyturn::store;
using namespace keyturn::store::sqlite::testing;

namespace {

struct Acknowledged {
  std::uint64_t index = 0;
  Digest leaf_hash{};
};

struct ChildPlan {
  std::string path;
  int pipe = -1;
  unsigned appends_max = 1'000'000;
  rlim_t file_bytes_max = RLIM_INFINITY;
};

EventDraft numbered(unsigned i) {
  EventDraft draft{.stream = "action/" + std::to_string(i % 97),
                   .type = i % 5 == 4 ? "action.settled" : "t",
                   .body = doc::object({{"i", i}, {"text", std::string(i % 700, 'x')}})};
  if (i % 3 == 0) draft.private_part = doc::object({{"secret", i}});
  return draft;
}

// One of several that append as fast as they are answered, and tell the pipe of every answer.
Task<void> appender(Journal* journal, int pipe, std::shared_ptr<unsigned> left, unsigned salt) {
  while (*left > 0) {
    const unsigned number = --*left * 8 + salt;
    AppendRequest request;
    request.events.push_back(numbered(number));
    if (number % 4 == 0) request.events.push_back(numbered(number + 1));
    const Appended appended = co_await journal->append(std::move(request));
    if (!appended) _exit(3);
    for (const Event& event : *appended) {
      const Acknowledged told{event.index, event.leaf_hash};
      if (write(pipe, &told, sizeof(told)) != sizeof(told)) _exit(4);
    }
  }
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{plan.file_bytes_max, plan.file_bytes_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const int null = ::open("/dev/null", O_WRONLY);
  dup2(null, STDERR_FILENO);
  boost::asio::io_context io;
  const SystemClock clock;
  SystemRandom random;
  auto journal = sqlite::open_journal({.path = plan.path,
                                       .master = Secret(std::string(32, 'M')),
                                       .node = "child",
                                       .closed_types = {"action.settled"},
                                       .batch_max = 16},
                                      clock, random, io.get_executor());
  if (!journal) _exit(2);
  const auto left = std::make_shared<unsigned>(plan.appends_max);
  for (unsigned salt = 0; salt < 8; ++salt) {
    boost::asio::co_spawn(io, appender(journal->get(), plan.pipe, left, salt),
                          boost::asio::detached);
  }
  io.run();
  _exit(0);
}

struct ChildEnd {
  std::vector<Acknowledged> told;
  int status = 0;
};

// Runs a child and reads what it tells; kills it after `kill_after` answers.
ChildEnd watch_child(ChildPlan plan, std::size_t kill_after) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  plan.pipe = ends[1];
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) run_child(plan);
  close(ends[1]);
  ChildEnd end;
  Acknowledged told;
  while (read(ends[0], &told, sizeof(told)) == sizeof(told)) {
    end.told.push_back(told);
    if (end.told.size() == kill_after) kill(child, SIGKILL);
  }
  close(ends[0]);
  REQUIRE(waitpid(child, &end.status, 0) == child);
  return end;
}

// Opens what a child left and compares it with every answer it gave so far.
void check_survivors(Bench& bench, const std::map<std::uint64_t, Digest>& told) {
  bench.open();
  const std::uint64_t size = bench.journal->size();
  if (!told.empty()) REQUIRE(told.rbegin()->first < size);
  const std::vector<Event> events = run_task(bench.io, bench.journal->read_range(0, size, true));
  REQUIRE(events.size() == size);
  ledger::MemoryTree tree;
  std::map<std::string, Event> last;
  for (std::uint64_t i = 0; i < size; ++i) {
    const Event& event = events[i];
    REQUIRE(event.index == i);
    tree.append_hash(event.leaf_hash);
    const auto answered = told.find(i);
    if (answered != told.end()) REQUIRE(event.leaf_hash == answered->second);
    Event& before = last[event.stream];
    REQUIRE(event.position == before.position + 1);
    REQUIRE(event.time >= before.time);
    REQUIRE(event.private_part.has_value() == (event.body.integer("i") % 3 == 0));
    before = event;
  }
  REQUIRE(bench.journal->root() == tree.root(size));
  for (const auto& [stream, event] : last) {
    REQUIRE(bench.journal->version(stream) == event.position);
  }
}

}  // namespace

TEST_CASE("a process killed at any moment loses nothing that it acknowledged") {
  Bench bench;
  std::map<std::uint64_t, Digest> told;
  std::mt19937 dice(20261121);
  for (int round = 0; round < 30; ++round) {
    bench.journal.reset();
    const std::size_t answers = std::uniform_int_distribution<std::size_t>(1, 400)(dice);
    const ChildEnd end = watch_child({.path = bench.options.path}, answers);
    CAPTURE(round);
    REQUIRE(WIFSIGNALED(end.status));
    REQUIRE(end.told.size() >= answers);
    for (const Acknowledged& one : end.told) told[one.index] = one.leaf_hash;
    check_survivors(bench, told);
  }
}

TEST_CASE("a disk that takes no more ends the process before it answers") {
  Bench bench;
  std::map<std::uint64_t, Digest> told;
  for (const rlim_t bytes : {100'000, 150'001, 262'144, 1'000'003}) {
    bench.journal.reset();
    const ChildEnd end =
        watch_child({.path = bench.options.path, .file_bytes_max = bytes}, SIZE_MAX);
    CAPTURE(bytes);
    REQUIRE(WIFEXITED(end.status));
    CHECK(WEXITSTATUS(end.status) == 70);
    CHECK(!end.told.empty());
    for (const Acknowledged& one : end.told) told[one.index] = one.leaf_hash;
    check_survivors(bench, told);
    bench.journal.reset();
    for (const auto& entry : std::filesystem::directory_iterator(bench.dir.path())) {
      std::filesystem::remove(entry.path());  // the next limit starts from nothing
    }
    told.clear();
  }
}
