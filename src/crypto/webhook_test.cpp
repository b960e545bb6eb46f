#include "crypto/webhook.h"

#include <doctest/doctest.h>

namespace keyturn::crypto {

// The example of the Standard Webhooks libraries.
TEST_CASE("a webhook is signed as Standard Webhooks says") {
  const Result<Secret> key = webhook_key(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  REQUIRE(key);
  CHECK(webhook_signature(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                          "{\"test\": 2432232314}") ==
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  for (const char* bad :
       {"", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%%"})
    CHECK(!webhook_key(Secret(bad)));
}

}  // namespace keyturn::crypto
