#include <doctest/doctest.h>
#include <rapidcheck.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <type_traits>

#include "base/ascii.h"
#include "base/bytes.h"
#include "base/id.h"
#include "base/percent.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/token_bucket.h"

using namespace keyturn;

TEST_CASE("hex and base64 are read back as written") {
  CHECK(to_hex(std::string_view("\x00\xff\x1a", 3)) == "00ff1a");
  CHECK(from_hex("00FF1a") == std::string("\x00\xff\x1a", 3));
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
  // RFC 4648 §10
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == std::string(bytes));
  }
  CHECK(to_base64url("\xfb\xff\xfe\xff") == "-__-_w");
  CHECK(rc::check("round trip", [](const std::string& bytes) {
    RC_ASSERT(from_hex(to_hex(bytes)) == bytes);
    RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
    RC_ASSERT(from_base64url(to_base64url(bytes)) == bytes);
  }));
}

TEST_CASE("base64 decoders are strict") {
  for (const char* text :
       {"Zg=", "Zg", "Zh==", "Zg==\n", "Zm9=", "Z===", "====", "Zm8=Zm8=", "Zm 8=", "Zm8-"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
  }
  for (const char* text : {"Zg==", "Zh", "Z", "Zm8+", "Zm8/"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64url(text));
  }
}

TEST_CASE("UTF-8 is checked as RFC 3629 says") {
  const auto invalid_at = [](std::string_view text) { return first_invalid_utf8(text); };
  for (const char* text :
       {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf",
        "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "12345678\xc3\xa9"}) {
    CAPTURE(text);
    CHECK_FALSE(invalid_at(text));
  }
  for (const char* text :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x98"}) {
    CAPTURE(to_hex(text));
    CHECK(invalid_at(std::string("123456789") + text) == 9);
  }
}

TEST_CASE("code points are read back as written") {
  CHECK(rc::check("append_utf8 then next_code_point", [] {
    const auto c = static_cast<char32_t>(*rc::gen::inRange<std::uint32_t>(0, 0x110000));
    RC_PRE(c < 0xD800 || c > 0xDFFF);
    std::string text = "x";
    append_utf8(text, c);
    RC_ASSERT(!first_invalid_utf8(text));
    std::size_t offset = 1;
    RC_ASSERT(next_code_point(text, offset) == c);
    RC_ASSERT(offset == text.size());
  }));
}

TEST_CASE("the nearest word is offered only when it is near") {
  constexpr std::array<std::string_view, 4> words = {"tool", "resource", "require", "allow"};
  const auto nearest = [&](std::string_view w) {
    return nearest_word(w, words.data(), words.size());
  };
  CHECK(nearest("tol") == "tool");
  CHECK(nearest("resorce") == "resource");
  CHECK(nearest("requires") == "require");
  CHECK(nearest("xyzzy") == "");
  CHECK(nearest("") == "");
}

TEST_CASE("equality in constant time is still equality") {
  CHECK(equal_constant_time("abc", "abc"));
  CHECK_FALSE(equal_constant_time("abc", "abd"));
  CHECK_FALSE(equal_constant_time("abc", "ab"));
  CHECK(equal_constant_time("", ""));
}

TEST_CASE("a secret cannot be formatted and is gone after a move") {
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  Secret a("hunter2");
  Secret b(std::move(a));
  CHECK(b.reveal() == "hunter2");
  CHECK(a.empty());  // NOLINT(bugprone-use-after-move)
  a = std::move(b);
  CHECK(a.reveal() == "hunter2");
  CHECK(b.empty());  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("times are RFC 3339") {
  const struct {
    const char* text;
    const char* utc;  // nullptr: refused
  } table[] = {
      {"2026-11-21T05:04:43.123Z", "2026-11-21T05:04:43.123Z"},
      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
      {"2026-11-21t05:04:43z", "2026-11-21T05:04:43.000Z"},
      {"2026-11-21T05:04:43.123456789+05:30", "2026-11-20T23:34:43.123Z"},
      {"2024-02-29T23:59:59-00:01", "2024-03-01T00:00:59.000Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
      {"2023-02-29T00:00:00Z", nullptr},
      {"2026-11-21T24:00:00Z", nullptr},
      {"2026-11-21T05:04:43", nullptr},
      {"2026-11-21 05:04:43Z", nullptr},
      {"2026-11-21T05:04:43.Z", nullptr},
      {"2026-11-21T05:04:43.1234567890Z", nullptr},
      {"2026-11-21T05:04:43Z ", nullptr},
      {"2026-11-21T05:04:43+5:30", nullptr},
      {"", nullptr},
  };
  for (const auto& row : table) {
    CAPTURE(row.text);
    const auto time = from_rfc3339(row.text);
    REQUIRE(time.has_value() == (row.utc != nullptr));
    if (time) CHECK(to_rfc3339(*time) == row.utc);
  }
}

TEST_CASE("durations") {
  const struct {
    const char* text;
    std::int64_t us;  // 0: refused
  } table[] = {
      {"250ms", 250'000},
      {"20s", 20'000'000},
      {"30m", 1'800'000'000},
      {"4h", 14'400'000'000},
      {"7d", 604'800'000'000},
      {"1h30m", 5'400'000'000},
      {"0s", 0},
      {"-1s", 0},
      {"4", 0},
      {"h", 0},
      {"", 0},
      {"1m1h", 0},
      {"1h1h", 0},
      {"99999999999999999999d", 0},
      {"200000000d", 0},
      {"4 h", 0},
      {"1.5h", 0},
  };
  for (const auto& row : table) {
    CAPTURE(row.text);
    const auto duration = parse_duration(row.text);
    REQUIRE(duration.has_value() == (row.us != 0));
    if (duration) {
      CHECK(duration->count() == row.us);
      CHECK(to_text(*duration) == row.text);
    }
  }
  CHECK(rc::check("to_text is read back", [] {
    const Duration d{*rc::gen::inRange<std::int64_t>(1, 1'000'000'000'000'000)};
    RC_ASSERT(parse_duration(to_text(d)) == d);
  }));
}

namespace {
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(unsigned char byte) : byte_(byte) {}
  void fill(void* out, std::size_t size) override {
    for (std::size_t i = 0; i < size; ++i) static_cast<unsigned char*>(out)[i] = byte_;
  }

 private:
  unsigned char byte_;
};
}  // namespace

TEST_CASE("ids have the layout of a ULID and sort by time") {
  FixedRandom zeros(0);
  FixedRandom ones(0xff);
  CHECK(make_sortable_id("act_", 0, zeros) == "act_00000000000000000000000000");
  CHECK(make_sortable_id("act_", (1LL << 48) - 1, ones) == "act_7zzzzzzzzzzzzzzzzzzzzzzzzz");
  // The example of the ULID specification: 01ARYZ6S41 is 1469918176385 ms.
  CHECK(make_sortable_id("", 1469918176385, zeros) == "01aryz6s410000000000000000");
  CHECK(make_sortable_id("a_", 1, ones) < make_sortable_id("a_", 2, zeros));
}

TEST_CASE("random bytes do not repeat, not even across a fork") {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) CHECK(seen.insert(random.bytes(16)).second);
  CHECK(random.bytes(100'000).size() == 100'000);

  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string bytes = random.bytes(16);
    _exit(write(pipe_ends[1], bytes.data(), bytes.size()) == 16 ? 0 : 1);
  }
  const std::string ours = random.bytes(16);
  std::string theirs(16, '\0');
  REQUIRE(read(pipe_ends[0], theirs.data(), theirs.size()) == 16);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(ours != theirs);
}

TEST_CASE("kinds of ASCII characters, for every byte there is") {
  const std::string_view digits = "0123456789", lower = "abcdefghijklmnopqrstuvwxyz",
                         upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    CAPTURE(byte);
    CHECK(is_digit(c) == digits.contains(c));
    CHECK(is_lower(c) == lower.contains(c));
    CHECK(is_upper(c) == upper.contains(c));
    CHECK(is_letter(c) == (lower.contains(c) || upper.contains(c)));
    CHECK(is_alphanumeric(c) == (is_letter(c) || digits.contains(c)));
    const std::size_t small = std::string_view("0123456789abcdef").find(c);
    const std::size_t large = std::string_view("0123456789ABCDEF").find(c);
    const std::size_t at = std::min(small, large);
    CHECK(hex_value(c) == (at == std::string_view::npos ? -1 : static_cast<int>(at)));
    CHECK(is_hex_digit(c) == (at != std::string_view::npos));
    CHECK(to_lower(c) == (upper.contains(c) ? lower[upper.find(c)] : c));
  }
}

TEST_CASE("a token bucket lets a burst by, and then so many a second") {
  const TokenBucket::Rate rate{.burst = 3, .per_second = 2};
  TokenBucket bucket;
  Time now{std::chrono::seconds(1'700'000'000)};
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(rate, now) == 0);
  CHECK(bucket.take(rate, now) == doctest::Approx(0.5));
  CHECK(bucket.take(rate, now - std::chrono::hours(1)) > 0);  // a clock that went back
  bucket = TokenBucket();
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(rate, now) == 0);
  now += std::chrono::milliseconds(500);
  CHECK(bucket.take(rate, now) == 0);
  CHECK(bucket.take(rate, now) > 0);
  now += std::chrono::hours(1);  // no more than the burst is saved
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(rate, now) == 0);
  CHECK(bucket.take(rate, now) > 0);
  CHECK(bucket.last() == now);
}

TEST_CASE("all but unreserved bytes are percent-encoded") {
  CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encoded(std::string_view("a/b?c&d=e f+%\0\xff", 15)) ==
        "a%2Fb%3Fc%26d%3De%20f%2B%25%00%FF");
}
