#include "connectors/output.h"

#include <doctest/doctest.h>
#include <libpq-fe.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "connectors/sql/rows.h"

namespace keyturn::connectors {
namespace {

constexpr std::size_t kHalf = 6;  // so much of a secret is more than chance

// Whether some beginning or end of the secret, of kHalf bytes or more, is in the text.
bool has_half(std::string_view text, std::string_view secret) {
  return text.contains(secret.substr(0, kHalf)) ||
         text.contains(secret.substr(secret.size() - kHalf));
}

// Letters that nothing around it has.
std::string any_secret() {
  return *rc::gen::resize(
      60, rc::gen::suchThat(rc::gen::container<std::string>(
                                rc::gen::oneOf(rc::gen::inRange('a', 'g'), rc::gen::just('%'))),
                            [](const std::string& s) { return s.size() > kHalf; }));
}

std::string encoded(std::string_view secret, int how) {
  return how == 0 ? std::string(secret) : how == 1 ? to_hex(secret) : to_base64(secret);
}

struct Said {
  std::string secret, text;
};

// Copies of a secret, plain or encoded, among dots.
Said any_text() {
  Said out{.secret = any_secret(), .text = ""};
  const int copies = *rc::gen::inRange(1, 30);
  for (int i = 0; i < copies; ++i) {
    out.text += std::string(*rc::gen::inRange<std::size_t>(0, 30), '.');
    out.text += encoded(out.secret, *rc::gen::inRange(0, 3));
  }
  return out;
}

// In any form: what is shown of the secret itself is what an agent could put together.
void check_clean(std::string_view shown, std::string_view secret) {
  RC_ASSERT(!has_half(shown, secret));
  RC_ASSERT(!has_half(shown, to_hex(secret)));
}

}  // namespace

TEST_CASE("wherever an output is cut, no half of a secret is left") {
  CHECK(rc::check("of what more followed on", [] {
    const Said said = any_text();
    secrets::Redactor redactor;
    redactor.add("key", Secret(said.secret));
    const auto kept = *rc::gen::inRange<std::size_t>(0, said.text.size());
    const auto most = *rc::gen::inRange<std::size_t>(0, said.text.size() + 1);
    bool cut = true;
    check_clean(presentable(said.text.substr(0, kept), redactor, most, cut, Missing::kBehind),
                said.secret);
    cut = false;
    check_clean(presentable(said.text, redactor, most, cut), said.secret);
  }));
  CHECK(rc::check("of what more went before", [] {
    const Said said = any_text();
    secrets::Redactor redactor;
    redactor.add("key", Secret(said.secret));
    const auto from = *rc::gen::inRange<std::size_t>(0, said.text.size());
    const auto most = *rc::gen::inRange<std::size_t>(0, said.text.size() + 1);
    check_clean(presentable_end(said.text.substr(from), redactor, most, Missing::kBefore),
                said.secret);
  }));
}

TEST_CASE("of a huge cell what is kept is read, and no half of a secret stands at its end") {
  // So long that its copies, taken out, leave room for the last one, which is cut.
  const std::string secret = "s3cr3t-of-the-database-" + std::string(2000, 'q') + "-END";
  secrets::Redactor redactor;
  redactor.add("password", Secret(secret));
  constexpr std::size_t most = 1000;
  std::string cell;
  while (cell.size() < most + kRedactionSlack + 2 * secret.size()) cell += secret;
  const std::unique_ptr<PGresult, decltype(&::PQclear)> result(
      ::PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK), &::PQclear);
  std::string name = "c";
  PGresAttDesc column{.name = name.data(), .typid = 25};
  REQUIRE(::PQsetResultAttrs(result.get(), 1, &column) != 0);
  for (std::size_t more = 0; more < most / 4; more += 7) {
    std::string one = std::string(more, '.') + cell;
    REQUIRE(::PQsetvalue(result.get(), 0, 0, one.data(), static_cast<int>(one.size())) != 0);
    sql::Rows rows(10, static_cast<std::int64_t>(most), redactor);
    rows.add(result.get());
    CHECK(rows.full());
    const doc::Value taken = rows.take();
    const std::string shown(taken.as_array().front().text("c"));
    CHECK_FALSE(has_half(shown, secret));
    CHECK(shown.contains("[redacted:password]"));
    CHECK(shown.size() <= most);
  }
}

}  // namespace keyturn::connectors
