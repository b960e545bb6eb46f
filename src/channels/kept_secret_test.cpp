#include "channels/kept_secret.h"

#include <doctest/doctest.h>

#include "channels/testing.h"

using namespace keyturn;
using namespace keyturn::channels;

namespace {

struct Bot {
  channels::testing::Stand stand;
  KeptSecret secret{{"bot_token", {secrets::Source::kFile, "/bot", {}}, "xoxb-"},
                    stand.ports().secret,
                    stand.bench.clock};

  std::string get() {
    const Result<Secret> got = stand.bench.run(secret.get());
    return got ? std::string(got->reveal()) : got.error().code;
  }
  void later() { stand.bench.clock.time += kReadSecretAgain; }
};

}  // namespace

TEST_CASE("a secret that was missing or malformed counts once it is there, and none before") {
  Bot kept;
  CHECK(kept.get() == "secret_missing");
  CHECK(kept.secret.trouble()->message == "bot_token: there is no /bot");
  for (const char* wrong : {"", "xoxp-1"}) {
    kept.stand.secrets["/bot"] = wrong;
    kept.later();
    CHECK(kept.get() == "malformed_secret");
    CHECK(kept.secret.trouble()->message.contains("check file:/bot"));
    CHECK(!kept.secret.trouble()->message.contains("xoxp"));
  }
  kept.stand.secrets["/bot"] = "xoxb-1";
  CHECK(kept.get() == "malformed_secret");  // not read so soon
  kept.later();
  CHECK(kept.get() == "xoxb-1");
  CHECK(!kept.secret.trouble());
}

TEST_CASE("a secret that is not taken is read again, and stays when there is no better one") {
  Bot kept;
  kept.stand.secrets["/bot"] = "xoxb-1";
  CHECK(kept.get() == "xoxb-1");
  const std::uint64_t first = kept.secret.version();
  kept.stand.secrets["/bot"] = "xoxb-2";
  kept.later();
  CHECK(kept.get() == "xoxb-1");
  kept.secret.doubt();
  CHECK(kept.get() == "xoxb-2");
  CHECK(kept.secret.version() != first);
  kept.stand.secrets.clear();
  kept.secret.doubt();
  kept.later();
  CHECK(kept.get() == "xoxb-2");
}
