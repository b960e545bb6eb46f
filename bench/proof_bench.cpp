// How long an inclusion proof takes in a large log, through the code that serves it.
//
//   keyturn_bench_proof DATA PROOFS     (DATA from `keyturn init` and keyturn_bench_fill)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "audit/audit.h"
#include "audit/signed_state.h"
#include "data_journal.h"

using namespace keyturn;

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

Task<void> measure(store::Journal& journal, const Clock& clock, audit::AuditOptions options,
                   std::size_t proofs) {
  auto opened = co_await audit::Audit::open(journal, clock, std::move(options));
  if (!opened || (*opened)->alarm()) std::abort();
  audit::Audit& audit = **opened;
  std::mt19937_64 random(7);
  std::uniform_int_distribution<std::uint64_t> any(0, audit.signed_size() - 1);
  std::vector<double> took;
  for (std::size_t i = 0; i < proofs; ++i) {
    const std::uint64_t index = any(random);
    const auto start = std::chrono::steady_clock::now();
    const auto proof = co_await audit.inclusion(index, std::nullopt);
    if (!proof) std::abort();
    took.push_back(Microseconds(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(took);
  std::printf("inclusion proofs of %llu entries: p50 %.3f ms p99 %.3f ms\n",
              static_cast<unsigned long long>(audit.signed_size()), took[took.size() / 2] / 1000,
              took[took.size() * 99 / 100] / 1000);
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  bench::DataJournal on(words[1]);
  audit::AuditOptions options;
  options.origin = "keyturn.bench/log";
  options.signing_seed = on.data.ledger_seed();
  options.signed_path = audit::signed_path(on.data.path());
  boost::asio::co_spawn(
      on.io,
      measure(*on.journal, on.clock, std::move(options), std::strtoull(words[2], nullptr, 10)),
      boost::asio::detached);
  on.io.run();
  return 0;
}
