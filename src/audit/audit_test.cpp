#include "audit/audit.h"

#include <doctest/doctest.h>

#include "audit/signed_state.h"
#include "crypto/crypto.h"
#include "ledger/checkpoint.h"
#include "store/sqlite/testing.h"

using namespace keyturn;
using namespace keyturn::audit;

namespace {

// A journal of some entries, all signed.
struct SignedLog {
  SignedLog() {
    for (int i = 0; i < 5; ++i) bench.append_one("action/" + std::to_string(i), "action.decided");
    open();  // signs
    last = read_signed(path).value();
    REQUIRE(last.size == 5);
  }
  std::unique_ptr<Audit> open() {
    AuditOptions options;
    options.origin = "log.example/test";
    options.signing_seed = Secret(std::string(32, 'k'));
    options.signed_path = path;
    options.at_most_apart = Duration::zero();
    auto opened = run_task(bench.io, Audit::open(*bench.journal, bench.clock, std::move(options)));
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  store::sqlite::testing::Bench bench;
  const std::string path = bench.dir.file("last-signed");
  SignedState last;
};

}  // namespace

TEST_CASE("a log that is not the one that was signed raises the alarm and takes no entry") {
  SignedLog log;
  const Digest other = crypto::sha256("another history");
  const struct {
    SignedState remembered;
    const char* alarm;
  } cases[] = {{log.last, ""},
               {{5, other}, "forked"},  // as long, and the store believes that it was signed so
               {{3, other}, "forked"},
               {{6, other}, "rolled_back"}};
  for (const auto& [remembered, alarm] : cases) {
    CAPTURE(remembered.size);
    CAPTURE(alarm);
    log.bench.open();
    REQUIRE(write_signed(log.path, remembered));
    const auto audit = log.open();
    const bool sound = std::string_view(alarm).empty();
    REQUIRE(audit->alarm().has_value() == !sound);
    if (!sound) CHECK(audit->alarm()->code == alarm);
    CHECK(audit->checkpoint().empty() == !sound);
    const std::uint64_t before = log.bench.journal->size();
    if (sound) continue;
    const store::Appended refused =
        log.bench.append({.events = {{.stream = "action/late", .type = "action.decided"}}});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == store::Conflict::Kind::kReadOnly);
    CHECK(refused.error().what == audit->alarm()->message);
    CHECK(log.bench.journal->size() == before);
  }
}
