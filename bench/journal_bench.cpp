// How fast the embedded journal appends, beside a bare loop of SHA-256, pwrite and fdatasync over
// the same leaves in batches of the same size; and how long it takes to open what was written.
//
//   keyturn_bench_journal [--events N] [--concurrency N] [--batch N] [--leaf BYTES] [--private]
//                         [--dir DIR]
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "store/sqlite/journal.h"

using namespace keyturn;

namespace {

struct Settings {
  std::uint64_t events = 200'000;
  unsigned concurrency = 512;
  std::size_t batch = 256;
  bool with_private = false;
  std::size_t leaf = 0;  // its bytes, about; 0: as it comes
  std::string dir = "/var/tmp";
};

struct Tally {
  std::uint64_t started = 0;
  std::uint64_t batches = 0;
};

using Seconds = std::chrono::duration<double>;

double since(std::chrono::steady_clock::time_point start) {
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

// About what a decided action's public part holds.
EventDraft sample_event(std::uint64_t number, const Settings& settings) {
  const std::string id = "act_" + std::to_string(1'000'000'000 + number / 4);
  EventDraft event{.stream = "action/" + id, .type = "action.decided"};
  event.body = doc::object(
      {{"state", "executing"},
       {"agent", doc::object({{"id", "ops-bot"}, {"owner", "alice"}, {"credential", "tok_01hzx"}})},
       {"action",
        doc::object({{"id", id},
                     {"tool", "orders-sql"},
                     {"operation", "write"},
                     {"resource", doc::object({{"kind", "database"}, {"name", "orders"}})},
                     {"digest", "sha256:" + std::string(64, 'a')}})},
       {"verdict",
        doc::object({{"effect", "allow"}, {"policy", "sha256:" + std::string(64, 'b')}})}});
  constexpr std::size_t kAsItComes = 545;
  if (settings.leaf > kAsItComes) {
    event.body.set("reasons", std::string(settings.leaf - kAsItComes, 'r'));
  }
  if (settings.with_private) {
    event.private_part = doc::object({{"args", doc::object({{"sql", "SELECT * FROM orders"}})}});
  }
  return event;
}

Task<void> appender(store::Journal* journal, std::shared_ptr<Tally> tally, Settings settings) {
  while (tally->started < settings.events) {
    store::AppendRequest request;
    request.events.push_back(sample_event(tally->started++, settings));
    const store::Appended appended = co_await journal->append(std::move(request));
    if (!appended) std::abort();
  }
}

std::unique_ptr<store::Journal> open_or_exit(const std::string& path, const Settings& settings,
                                             const Clock& clock, Random& random,
                                             boost::asio::io_context& io) {
  auto journal = store::sqlite::open_journal({.path = path,
                                              .master = Secret(std::string(32, 'M')),
                                              .node = "bench",
                                              .closed_types = {"action.settled"},
                                              .batch_max = settings.batch},
                                             clock, random, io.get_executor());
  if (!journal) {
    std::fprintf(stderr, "%s\n", journal.error().message.c_str());
    std::exit(1);
  }
  return std::move(*journal);
}

double append_all(const std::string& path, const Settings& settings, Tally& tally) {
  const SystemClock clock;
  SystemRandom random;
  boost::asio::io_context io;
  auto journal = open_or_exit(path, settings, clock, random, io);
  const auto shared = std::make_shared<Tally>();
  journal->on_commit([](const Event&) { return false; },  // it is told of every batch all the same
                     [shared](const std::vector<Event>&) { ++shared->batches; });
  const auto start = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < settings.concurrency; ++i) {
    boost::asio::co_spawn(io, appender(journal.get(), shared, settings), boost::asio::detached);
  }
  io.run();
  const double took = since(start);
  tally = *shared;
  return took;
}

double open_again(const std::string& path, const Settings& settings, std::uint64_t& size) {
  const SystemClock clock;
  SystemRandom random;
  boost::asio::io_context io;
  const auto start = std::chrono::steady_clock::now();
  const auto journal = open_or_exit(path, settings, clock, random, io);
  const double took = since(start);
  size = journal->size();
  return took;
}

// The floor: hash every leaf, write a batch at the end of a file, wait for the disk.
double raw_loop(const std::string& path, std::uint64_t events, std::size_t batch,
                const std::string& leaf) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::string bytes;
  off_t at = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t done = 0; done < events; done += batch) {
    bytes.clear();
    for (std::size_t i = 0; i < batch; ++i) {
      bytes += leaf;
      bytes += view(crypto::sha256(leaf));
    }
    if (::pwrite(file, bytes.data(), bytes.size(), at) < 0 || ::fdatasync(file) != 0) std::abort();
    at += static_cast<off_t>(bytes.size());
  }
  const double took = since(start);
  ::close(file);
  return took;
}

std::string sample_leaf(const std::string& path, const Settings& settings) {
  const SystemClock clock;
  SystemRandom random;
  boost::asio::io_context io;
  const auto journal = open_or_exit(path, settings, clock, random, io);
  std::string leaf;
  boost::asio::co_spawn(
      io, journal->read_leaves(0, 1),
      [&leaf](const std::exception_ptr&, std::vector<std::string> leaves) { leaf = leaves.at(0); });
  io.run();
  return leaf;
}

Settings read_settings(int count, char** words) {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--private") {
      settings.with_private = true;
    } else if (i + 1 < count) {
      const char* value = words[++i];
      if (word == "--events") settings.events = std::strtoull(value, nullptr, 10);
      if (word == "--concurrency") settings.concurrency = static_cast<unsigned>(std::atoi(value));
      if (word == "--batch") settings.batch = std::strtoull(value, nullptr, 10);
      if (word == "--dir") settings.dir = value;
      if (word == "--leaf") settings.leaf = std::strtoull(value, nullptr, 10);
    }
  }
  return settings;
}

}  // namespace

int main(int count, char** words) {
  const Settings settings = read_settings(count, words);
  std::string dir = settings.dir + "/keyturn-bench-XXXXXX";
  if (mkdtemp(dir.data()) == nullptr) return 1;
  const std::string path = dir + "/journal.db";
  Tally tally;
  const double journal_s = append_all(path, settings, tally);
  const auto events = static_cast<double>(settings.events);
  const double mean_batch = events / static_cast<double>(tally.batches);
  const std::string leaf = sample_leaf(path, settings);
  const auto raw_batch = static_cast<std::size_t>(mean_batch + 0.5);
  const double raw_s = raw_loop(dir + "/raw", settings.events, raw_batch, leaf);
  std::uint64_t size = 0;
  const double open_s = open_again(path, settings, size);
  std::printf("leaf bytes            %zu\n", leaf.size());
  std::printf("journal appends/s     %.0f (mean batch %.1f)\n", events / journal_s, mean_batch);
  std::printf("raw loop appends/s    %.0f (batch %zu)\n", events / raw_s, raw_batch);
  std::printf("journal : raw         1 : %.2f\n", journal_s / raw_s);
  std::printf("open with %-11llu %.3f s\n", static_cast<unsigned long long>(size), open_s);
  std::filesystem::remove_all(dir);
  return 0;
}
