#include "identity/identity.h"

#include <doctest/doctest.h>

#include "crypto/crypto.h"
#include "gate/testing.h"

using namespace keyturn;
using namespace keyturn::identity;
using namespace std::chrono_literals;

namespace {

// The gate's people, and bob's browser with a session that was opened now.
struct Desk : gate::testing::Bench {
  static constexpr std::string_view kCookie = "a cookie that only this browser has";
  IdentityOptions wanted{.session_idle = 1h, .session_life = 5h};
  std::unique_ptr<Identity> identity = std::make_unique<Identity>(*gate, wanted);

  Desk() {
    record({{"session/ses_1", "identity.session_opened",
             doc::object({{"session", doc::object({{"person", "bob"},
                                                   {"credential", "key"},
                                                   {"cookie_digest", crypto::sha256_text(kCookie)},
                                                   {"expires_at", to_rfc3339(clock.time + 5h)}})}}),
             std::nullopt}});
  }
  std::string acts() { return code(identity->authenticate_cookie(kCookie)); }
  std::string looks_by_itself() { return code(identity->session_of(kCookie)); }
  static std::string code(const Result<Session>& session) {
    return session ? session->person : session.error().code;
  }
};

}  // namespace

TEST_CASE("a session lives on by what its person does, up to its life, and by nothing else") {
  Desk desk;
  SUBCASE("what goes on by itself, such as an open stream, does not keep it from going idle") {
    for (int minutes = 0; minutes < 60; minutes += 10) {
      CHECK(desk.looks_by_itself() == "bob");
      desk.clock.time += 10min;
    }
    CHECK(desk.looks_by_itself() == "expired_token");
    CHECK(desk.acts() == "expired_token");
  }
  SUBCASE("its person does, until its life is over") {
    for (int hours = 0; hours < 5; ++hours) {
      desk.clock.time += 59min;
      CHECK(desk.acts() == "bob");
    }
    desk.clock.time += 5min;
    CHECK(desk.acts() == "expired_token");
  }
  SUBCASE("who comes back after it went idle does not revive it") {
    desk.clock.time += 1h;
    CHECK(desk.acts() == "expired_token");
    CHECK(desk.acts() == "expired_token");
  }
}
