#include "channels/links.h"

#include <doctest/doctest.h>

#include "channels/code.h"
#include "channels/testing.h"

namespace keyturn::channels {
namespace {

struct Stage : testing::Stand {
  Principal me(const std::string& id, Assurance assurance = Assurance::kSession) {
    return {PrincipalKind::kPerson, id, "ses_" + id, assurance, "web"};
  }
  ChatAccount account(const std::string& user) { return {"slack:T0/" + user, "slack", "@" + user}; }
  Links::Attempt begun(const std::string& id) {
    const auto attempt = links.begin(me(id), "slack");
    REQUIRE(attempt);
    return *attempt;
  }
  Result<void> confirm(const std::string& id, const std::string& attempt) {
    return bench.run(links.confirm(me(id), attempt));
  }
  // The whole ceremony.
  void link(const std::string& id, const std::string& user) {
    const Links::Attempt attempt = begun(id);
    REQUIRE(links.say(account(user), attempt.code));
    REQUIRE(links.agree("slack:T0/" + user, attempt.id, true));
    REQUIRE(confirm(id, attempt.id));
  }
  std::string linked(const std::string& id) {
    return chat_account_of(*bench.gate->world().directory.person(id), "slack");
  }
};

}  // namespace

TEST_CASE("an account is linked when both sides have said so, and speaks for that person then") {
  Stage s;
  const Links::Attempt attempt = s.begun("bob");
  CHECK(s.confirm("bob", attempt.id).error().code == "link_not_ready");
  // As people type it.
  REQUIRE(s.links.say(s.account("U1"), " " + attempt.code.substr(0, 4) + attempt.code.substr(5)));
  CHECK(s.confirm("bob", attempt.id).error().code == "link_not_ready");
  CHECK(s.links.agree("slack:T0/U2", attempt.id, true).error().code == "unknown_code");
  CHECK(s.confirm("bob", attempt.id).error().code == "link_not_ready");
  REQUIRE(s.links.agree("slack:T0/U1", attempt.id, true));
  CHECK(s.desk.person_of("slack:T0/U1") == nullptr);
  CHECK(s.confirm("erin", attempt.id).error().code == "not_found");
  REQUIRE(s.confirm("bob", attempt.id));
  REQUIRE(s.desk.person_of("slack:T0/U1") != nullptr);
  CHECK(s.desk.person_of("slack:T0/U1")->id == "bob");
  CHECK(s.links.under_way("bob").empty());
}

TEST_CASE("a code is good once, for ten minutes, in its chat, and for one account") {
  Stage s;
  const Links::Attempt first = s.begun("bob");
  const Links::Attempt second = s.begun("bob");  // the first is void
  CHECK(s.links.say(s.account("U1"), first.code).error().code == "unknown_code");
  CHECK(s.links.say({"teams:X/Y", "teams", "y"}, second.code).error().code == "unknown_code");
  REQUIRE(s.links.say(s.account("U1"), second.code));
  CHECK(s.links.say(s.account("U2"), second.code).error().code == "unknown_code");
  s.bench.clock.time += std::chrono::minutes(11);
  CHECK(s.links.agree("slack:T0/U1", second.id, true).error().code == "unknown_code");
  CHECK(s.confirm("bob", second.id).error().code == "not_found");
}

TEST_CASE("codes are not guessed: an account has five tries") {
  Stage s;
  const Links::Attempt attempt = s.begun("bob");
  for (int n = 0; n < 5; ++n)
    CHECK(s.links.say(s.account("U9"), "0000-000" + std::to_string(n)).error().code ==
          "unknown_code");
  CHECK(s.links.say(s.account("U9"), attempt.code).error().code == "unknown_code");
  CHECK(s.links.say(s.account("U1"), attempt.code));  // somebody else may
}

TEST_CASE("a token links nothing, nor does somebody who is shut out") {
  Stage s;
  CHECK(s.links.begin(s.me("bob", Assurance::kToken), "slack").error().code == "assurance_too_low");
  const Links::Attempt attempt = s.begun("bob");
  REQUIRE(s.links.say(s.account("U1"), attempt.code));
  REQUIRE(s.links.agree("slack:T0/U1", attempt.id, true));
  s.bench.record({people::person_deactivated("bob", "left")});
  CHECK(s.confirm("bob", attempt.id).error().code == "inactive");
  CHECK(s.links.begin(s.me("bob"), "slack").error().code == "inactive");
}

TEST_CASE("an account is one person's, now and later; a person has one account in a chat") {
  Stage s;
  s.link("bob", "U1");
  const Links::Attempt other = s.begun("erin");
  CHECK(s.links.say(s.account("U1"), other.code).error().code == "account_taken");
  s.link("bob", "U2");
  CHECK(s.linked("bob") == "slack:T0/U2");
  CHECK(s.desk.person_of("slack:T0/U1") == nullptr);
  CHECK(s.links.say(s.account("U1"), s.begun("erin").code).error().code == "account_taken");
}

TEST_CASE("a link ends by its person or an administrator, and by nobody else") {
  Stage s;
  s.link("bob", "U1");
  const auto unlink = [&](const std::string& who, const std::string& account) {
    return s.bench.run(s.links.unlink(s.me(who), "bob", account));
  };
  CHECK(unlink("erin", "slack:T0/U1").error().code == "not_found");
  CHECK(unlink("bob", "slack:T0/U7").error().code == "not_found");
  CHECK(unlink("ada", "slack:T0/U1"));
  CHECK(s.linked("bob").empty());
  s.link("bob", "U1");
  CHECK(unlink("bob", "slack:T0/U1"));
  CHECK(s.desk.person_of("slack:T0/U1") == nullptr);
}

TEST_CASE("an account that says no is not linked") {
  Stage s;
  const Links::Attempt attempt = s.begun("bob");
  REQUIRE(s.links.say(s.account("U1"), attempt.code));
  REQUIRE(s.links.agree("slack:T0/U1", attempt.id, false));
  CHECK(s.confirm("bob", attempt.id).error().code == "not_found");
  CHECK(s.links.under_way("bob").empty());
}

TEST_CASE("an account at an identity provider called slack is no chat account") {
  Stage s;
  s.bench.record({people::account_linked("bob", "slack:0123456789abcdef", "bob")});
  CHECK(s.linked("bob").empty());
  CHECK(s.bench.run(s.links.unlink(s.me("bob"), "bob", "slack:0123456789abcdef")).error().code ==
        "not_found");
}

TEST_CASE("an account that somebody else vouches for as another person is not linked") {
  Stage s;
  std::string owner;  // of the account, as that provider says
  Links links(*s.bench.gate, [&](std::string_view) {
    return owner.empty() ? nullptr : s.bench.gate->world().directory.person(owner);
  });
  const Links::Attempt attempt = *links.begin(s.me("bob"), "slack");
  owner = "erin";
  CHECK(links.say(s.account("U1"), attempt.code).error().code == "account_taken");
  owner = "bob";
  REQUIRE(links.say(s.account("U1"), attempt.code));
  REQUIRE(links.agree("slack:T0/U1", attempt.id, true));
  owner = "erin";  // it was said meanwhile
  CHECK(s.bench.run(links.confirm(s.me("bob"), attempt.id)).error().code == "account_taken");
  s.bench.record({people::person_deactivated("erin", "left")});
  CHECK(s.bench.run(links.confirm(s.me("bob"), attempt.id)).error().code == "account_taken");
  owner.clear();
  CHECK(s.bench.run(links.confirm(s.me("bob"), attempt.id)));
}

TEST_CASE("codes are as people type them") {
  CHECK(folded_code("7q3k-9mwp") == folded_code("7Q3K 9MWP"));
  CHECK(folded_code("oil0") == "0110");
  SystemRandom random;
  const std::string code = make_code(random);
  CHECK(code.size() == 9);
  CHECK(folded_code(code).size() == 8);
  CHECK(make_code(random) != code);
}

}  // namespace keyturn::channels
