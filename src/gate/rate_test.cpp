#include <doctest/doctest.h>

#include "gate/testing.h"

using namespace keyturn;
using gate::testing::Bench;

TEST_CASE("who asks too often is told when the next request will be taken, and then it is") {
  const struct {
    double per_second;
    int burst;            // ten seconds' worth, one at least
    unsigned wait_s;      // until there is a whole token
    unsigned after_1s_s;  // a second later
  } table[] = {{0.5, 5, 2, 1}, {0.25, 2, 2, 1}, {0.05, 1, 20, 19}, {1.5, 15, 1, 0}};
  for (const auto& row : table) {
    CAPTURE(row.per_second);
    gate::GateOptions options;
    options.requests_per_second_max = row.per_second;
    Bench bench(options);
    const auto ask = [&] {
      return bench.run(bench.gate->submit(Bench::agent("bot"), Bench::request("run")));
    };
    for (int i = 0; i < row.burst; ++i) REQUIRE(ask().has_value());
    const auto refused = ask();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == "rate_limited");
    CHECK(refused.error().retry_after_s == row.wait_s);
    bench.clock.time += std::chrono::seconds(1);
    if (row.after_1s_s > 0) {
      CHECK(ask().error().retry_after_s == row.after_1s_s);
      bench.clock.time += std::chrono::seconds(row.after_1s_s);
    }
    CHECK(ask().has_value());
  }
}
