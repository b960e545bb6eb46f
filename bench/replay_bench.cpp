// How long do recorded decisions take to be taken again? Fills a journal with decisions as the gate
// records them, then reads them newest first and decides each by a document of many rules: what
// POST /v1/policy/replay does, without HTTP.
//
//   keyturn_bench_replay [DECISIONS 1000000] [RULES 1000]
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/task_impl.h"
#include "gate/replay.h"
#include "store/sqlite/journal.h"

using namespace keyturn;
using Steady = std::chrono::steady_clock;

namespace {

constexpr unsigned kAppenders = 256;
constexpr std::size_t kChunk = 2048;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

EventDraft decision(std::uint64_t n, std::uint64_t rules) {
  const std::string tool = "tool-" + std::to_string(n % rules / 2 * 2);
  const std::string id = "act_" + std::to_string(1'000'000'000 + n);
  EventDraft event{.stream = "action/" + id, .type = "action.decided"};
  const doc::Value resource = doc::object(
      {{"kind", "database"}, {"name", "orders"}, {"env", "prod"}, {"labels", doc::Object{}}});
  event.body = doc::object(
      {{"state", "approved"},
       {"agent", doc::object({{"kind", "agent"},
                              {"id", "bot"},
                              {"owner", "olga"},
                              {"credential", "tok_1"},
                              {"channel", "api"}})},
       {"action", doc::object({{"id", id},
                               {"tool", tool},
                               {"operation", "write"},
                               {"resource", resource},
                               {"digest", "sha256:" + std::string(64, 'a')},
                               {"created_at", "2026-11-21T05:04:43.123Z"}})},
       {"policy", doc::object({{"digest", "sha256:" + std::string(64, 'b')},
                               {"verdict", doc::object({{"effect", "allow"},
                                                        {"rules", doc::array_of({"r"})},
                                                        {"reasons", doc::array_of({"r allows"})},
                                                        {"decided_by", "r"}})}})}});
  event.private_part = doc::object(
      {{"args",
        doc::object({{"amount", n % 200}, {"sql", "UPDATE orders SET state = 'x' WHERE id = 7"}})},
       {"reason", "OPS-1234: as agreed"},
       {"claims", doc::object({{"session", "s-1"}})},
       {"facts", doc::object({{"uninspectable", false}, {"why", doc::Array{}}})},
       {"description", doc::object({{"text", std::string(300, 'd')}})},
       {"salt", std::string(64, 'c')},
       {"inputs", doc::object({{"resource", resource},
                               {"actor", doc::object({{"id", "bot"},
                                                      {"owner", "olga"},
                                                      {"groups", doc::array_of({"dba"})},
                                                      {"delegated_by", doc::Array{}}})},
                               {"request", doc::object({{"time", "2026-11-21T05:04:43.123Z"},
                                                        {"channel", "api"},
                                                        {"taint", doc::Array{}},
                                                        {"incident", ""},
                                                        {"break_glass", ""},
                                                        {"repeats_of_denied", 0}})},
                               {"history", doc::object({{"count_1h", 3},
                                                        {"count_24h", 30},
                                                        {"count_7d", 300},
                                                        {"denied_24h", 0},
                                                        {"first_time", false}})}})}});
  return event;
}

// Two rules a tool, two for every action.
std::string document_of(std::uint64_t rules) {
  std::string text =
      "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: bench}\nrules:\n"
      "- {id: any, match: {}, when: facts.uninspectable, effect: require, require: {quorum: {sre: "
      "2}}}\n"
      "- {id: busy, match: {}, when: history.count_1h > 100, effect: deny}\n";
  for (std::uint64_t i = 0; i + 2 < rules; i += 2) {
    const std::string n = std::to_string(i);
    text += "- {id: a" + n + ", match: {tool: [tool-" + n +
            "]}, when: action.args.amount < 100, effect: allow}\n" + "- {id: b" + n +
            ", match: {tool: [tool-" + n +
            "], env: [prod]}, when: 'action.args.amount >= 100 && !(\"sre\" in actor.groups)', "
            "effect: require, require: {quorum: {dba: 1}}}\n";
  }
  return text;
}

Task<void> append(store::Journal* journal, std::shared_ptr<std::uint64_t> next, std::uint64_t end,
                  std::uint64_t rules) {
  while (*next < end) {
    store::AppendRequest request;
    request.events.push_back(decision((*next)++, rules));
    request.expects.push_back({request.events.front().stream, 0, true});
    const store::Appended appended = co_await journal->append(std::move(request));
    if (!appended) std::abort();
  }
}

struct Spent {
  double read = 0, evaluate = 0;
};

Task<void> replay(store::Journal* journal, policy::Replay* into, Spent* spent) {
  std::uint64_t before = journal->size();
  while (before > 0) {
    const auto start = Steady::now();
    const store::FirstEvents chunk = co_await journal->read_first_events("action/", before, kChunk);
    spent->read += seconds_since(start);
    before = chunk.from;
    const auto read = Steady::now();
    for (const Event& event : chunk.events) {
      const auto decision = gate::recorded_decision(event);
      if (decision)
        into->add(*decision);
      else
        into->add(decision.error());
    }
    spent->evaluate += seconds_since(read);
  }
}

int measure(const std::string& folder, std::uint64_t decisions, std::uint64_t rules) {
  const SystemClock clock;
  SystemRandom random;
  boost::asio::io_context io;
  auto journal = store::sqlite::open_journal({.path = folder + "/journal.db",
                                              .master = Secret(std::string(32, 'M')),
                                              .node = "bench",
                                              .closed_types = {"action.decided"}},
                                             clock, random, io.get_executor());
  if (!journal) return 1;
  const auto filling = Steady::now();
  const auto next = std::make_shared<std::uint64_t>(0);
  for (unsigned i = 0; i < kAppenders; ++i) {
    boost::asio::co_spawn(io, append(journal->get(), next, decisions, rules),
                          boost::asio::detached);
  }
  io.run();
  std::printf("filled %lu decisions in %.1f s\n", decisions, seconds_since(filling));
  doc::Problems problems;
  const auto document = policy::Document::load(document_of(rules), {}, problems);
  if (!document) return 1;
  policy::Replay into(*document, nullptr, 5);
  Spent spent;
  io.restart();
  const auto start = Steady::now();
  boost::asio::co_spawn(io, replay(journal->get(), &into, &spent), boost::asio::detached);
  io.run();
  const double whole = seconds_since(start);
  const policy::ReplayReport& report = into.report();
  std::printf(
      "replayed %lu of %lu by %lu rules in %.1f s: %.1f us each (read %.1f, decide %.1f); %lu "
      "unchanged, %lu stricter, %lu looser\n",
      report.repeated, report.looked_at, document->rule_count(), whole,
      whole * 1e6 / static_cast<double>(decisions),
      spent.read * 1e6 / static_cast<double>(decisions),
      spent.evaluate * 1e6 / static_cast<double>(decisions), report.unchanged, report.stricter,
      report.looser);
  return report.repeated == decisions ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  const std::uint64_t decisions = count > 1 ? std::strtoull(words[1], nullptr, 10) : 1'000'000;
  const std::uint64_t rules = count > 2 ? std::strtoull(words[2], nullptr, 10) : 1000;
  std::string folder = (std::filesystem::temp_directory_path() / "keyturn-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const int result = measure(folder, decisions, rules);
  std::filesystem::remove_all(folder);
  return result;
}
