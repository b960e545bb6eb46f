#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "channels/slack/client.h"
#include "channels/slack/config.h"
#include "channels/slack/door.h"
#include "channels/slack/form.h"
#include "channels/slack/front.h"
#include "channels/slack/mrkdwn.h"
#include "channels/slack/signature.h"
#include "channels/testing.h"
#include "doc/json.h"

using namespace keyturn;
using namespace keyturn::channels;
using namespace keyturn::channels::slack;

namespace {

constexpr std::int64_t kSigned = 1531420618;
Time at(std::int64_t seconds) {
  return Time{std::chrono::seconds(seconds)};
}

std::vector<std::string> problems_of(const std::string& json) {
  doc::Problems problems;
  const doc::Value value = *doc::parse_json(json);
  read_settings(value, "/channels/slack", problems);
  std::vector<std::string> out;
  for (const doc::Problem& problem : problems) out.push_back(problem.code + " " + problem.pointer);
  return out;
}

}  // namespace

TEST_CASE("a signature is Slack's own: its documented example") {
  // docs.slack.dev/authentication/verifying-requests-from-slack
  const Secret secret("8f742231b10e8888abcd99yyyzzz85a5");
  const std::string body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
      "G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
      "collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%"
      "2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
      "803a0bc887a14d10d2c447fce8b6703c";
  CHECK(sign(secret, std::to_string(kSigned), body) ==
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
}

TEST_CASE("only what Slack signed, lately, and once") {
  Signatures signatures;
  const Secret secret("secret");
  const std::string stamp = std::to_string(kSigned);
  const auto code = [&](std::string_view timestamp, std::string_view signature,
                        std::string_view body, Time now) {
    const Result<void> checked = signatures.check(timestamp, signature, body, now);
    return checked ? std::string("good") : checked.error().code;
  };
  const std::string good = sign(secret, stamp, "body");
  CHECK(code(stamp, sign(Secret(""), stamp, "body"), "body", at(kSigned)) == "bad_signature");
  signatures.use(secret);
  CHECK(code("", "", "body", at(kSigned)) == "no_signature");
  CHECK(code(stamp, "", "body", at(kSigned)) == "no_signature");
  CHECK(code(stamp, good, "bodY", at(kSigned)) == "bad_signature");
  CHECK(code("1531420619", good, "body", at(kSigned)) == "bad_signature");
  CHECK(code(stamp, "v1" + good.substr(2), "body", at(kSigned)) == "bad_signature");
  CHECK(code("x", good, "body", at(kSigned)) == "bad_signature");
  CHECK(code("99999999999999999999", good, "body", at(kSigned)) == "bad_signature");
  CHECK(code(stamp, good, "body", at(kSigned + 301)) == "stale_signature");
  CHECK(code(stamp, good, "body", at(kSigned - 301)) == "stale_signature");
  CHECK(code(stamp, good, "body", at(kSigned - 300)) == "good");
  CHECK(code(stamp, good, "body", at(kSigned)) == "replayed");
  CHECK(code(stamp, good, "body", at(kSigned + 300)) == "replayed");
  CHECK(code(stamp, sign(secret, stamp, "other"), "other", at(kSigned + 300)) == "good");
  signatures.only_since(at(kSigned + 1));  // it may have come before that
  CHECK(code(stamp, sign(secret, stamp, "more"), "more", at(kSigned + 2)) == "stale_signature");
  signatures.only_since(at(kSigned));
  CHECK(code(stamp, sign(secret, stamp, "more"), "more", at(kSigned + 2)) == "good");
}

TEST_CASE("a form is read back as it was written, whatever is in it") {
  CHECK(to_form({{"a b", "1&2"}, {"\u00e9", "x=y"}}) == "a+b=1%262&%C3%A9=x%3Dy");
  CHECK(rc::check([](std::vector<std::pair<std::string, std::string>> fields) {
    RC_PRE(fields.size() <= 200);
    for (auto& [name, value] : fields) name += "n";
    const auto back = from_form(to_form(fields));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == fields);
  }));
  CHECK_FALSE(from_form("a=%4"));
  CHECK_FALSE(from_form("a=%zz"));
  CHECK(field_of(*from_form("a=1&a=2&&b"), "a") == "1");
}

TEST_CASE("what Slack's error words mean") {
  struct Row {
    std::string word;
    Undelivered::Kind kind;
    bool token;
  };
  using Kind = Undelivered::Kind;
  for (const Row& row :
       {Row{"channel_not_found", Kind::kNever, false}, Row{"not_in_channel", Kind::kNever, false},
        Row{"is_archived", Kind::kNever, false}, Row{"user_not_found", Kind::kNever, false},
        Row{"messages_tab_disabled", Kind::kNever, false},
        Row{"token_revoked", Kind::kUnreachable, true},
        Row{"account_inactive", Kind::kUnreachable, true},
        Row{"missing_scope", Kind::kUnreachable, true}, Row{"ratelimited", Kind::kPlaceBusy, false},
        Row{"internal_error", Kind::kUnreachable, false},
        Row{"<!channel> of tomorrow", Kind::kNever, false}}) {
    CAPTURE(row.word);
    const Failure failure = failure_of("chat.postMessage", row.word, {});
    CHECK(failure.what.kind == row.kind);
    CHECK(failure.token == row.token);
    CHECK_FALSE(failure.what.why.contains('<'));
  }
  CHECK(failure_of("views.open", "missing_scope", doc::object({{"needed", "chat:write"}}))
            .what.why.contains("(chat:write)"));
}

TEST_CASE("what is wrong with a token names the one that it is") {
  for (const char* word : {"invalid_auth", "token_revoked", "missing_scope"}) {
    CAPTURE(word);
    const Failure app = failure_of("apps.connections.open", word, {});
    CHECK(app.token);
    CHECK(app.what.why.contains("app_token"));
    CHECK_FALSE(failure_of("auth.test", word, {}).what.why.contains("app_token"));
  }
}

TEST_CASE("requests that Slack did not sign are said, stop nothing, and are forgotten") {
  channels::testing::Stand stand;
  Door door(stand.ports(), {"signing_secret", {secrets::Source::kFile, "/signing", {}}, ""});
  const auto code = [&](const std::string& secret, const std::string& body) {
    const std::string stamp = std::to_string(unix_ms(stand.bench.clock.now()) / 1000);
    net::HttpRequest request;
    request.body = body;
    request.headers.add("X-Slack-Request-Timestamp", stamp);
    request.headers.add("X-Slack-Signature", sign(Secret(secret), stamp, body));
    const Result<void> checked = stand.bench.run(door.check(request));
    return checked ? std::string("good") : checked.error().code;
  };
  const auto later = [&] { stand.bench.clock.time += kReadSecretAgain; };
  stand.secrets["/signing"] = "";
  CHECK_FALSE(stand.bench.run(door.open()));
  CHECK(door.trouble()->code == "malformed_secret");
  CHECK(stand.log.size() == 1);
  CHECK(code("", "1") == "bad_signature");
  stand.secrets["/signing"] = "wrong";
  later();
  CHECK(code("right", "2") == "bad_signature");
  CHECK(code("right", "3") == "bad_signature");
  CHECK(door.trouble()->message.contains("2 requests"));
  CHECK(stand.log.size() == 2);
  stand.secrets["/signing"] = "right";
  later();
  CHECK(code("right", "4") == "good");
  CHECK_FALSE(door.trouble());
  CHECK(code("wrong", "5") == "bad_signature");
  CHECK(door.trouble()->message.contains("1 request "));
  CHECK(code("right", "6") == "good");
  CHECK(code("wrong", "7") == "bad_signature");
  stand.bench.clock.time += std::chrono::minutes(11);
  CHECK_FALSE(door.trouble());
}

TEST_CASE("settings say what is wrong with them, and where") {
  const std::string token = R"("bot_token": {"secret": "env:BOT"})";
  const std::string socket = R"("socket": {"app_token": {"secret": "env:APP"}})";
  const std::string http = R"("http": {"signing_secret": {"secret": "env:SIGN"}})";
  using List = std::vector<std::string>;
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + socket + "}") == List{});
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + http +
                    R"(, "tell": "both", "rooms": {"dba": "C1", "*": "C2"}})") == List{});
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + socket + ", " + http + "}") ==
        List{"out_of_range /channels/slack"});
  CHECK(problems_of("{\"team\": \"T1\", " + token + "}") == List{"out_of_range /channels/slack"});
  CHECK(problems_of("{\"team\": \"acme\", " + token + ", " + socket + "}") ==
        List{"out_of_range /channels/slack/team"});
  CHECK(problems_of(R"({"team": "T1", "bot_token": "xoxb-1", )" + socket + "}").size() == 1);
  CHECK(problems_of("{\"team\": \"T1\", " + token + R"(, "http": {}})") ==
        List{"missing_field /channels/slack/http/signing_secret"});
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + socket + R"(, "tell": "rooms"})") ==
        List{"missing_field /channels/slack/rooms"});
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + socket +
                    R"(, "rooms": {"dba": "#general"}})") ==
        List{"out_of_range /channels/slack/rooms"});
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + socket +
                    R"(, "rooms": {"dba": "C1"}})") == List{"out_of_range /channels/slack/rooms"});
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + socket + R"(, "tell": "everyone"})") ==
        List{"out_of_range /channels/slack/tell"});
  CHECK(problems_of("{\"team\": \"T1\", " + token + ", " + socket +
                    R"(, "api": "http://slack.example/api"})") ==
        List{"bad_url /channels/slack/api"});
}

TEST_CASE("a button's value is an action and a digest, and nothing else") {
  CHECK(pressed_of("act_1|sha256:00").action == "act_1");
  CHECK(pressed_of("act_1|sha256:00").digest == "sha256:00");
  CHECK(pressed_of("act_1").action.empty());
  CHECK(pressed_of(std::string(301, '|')).action.empty());
}

TEST_CASE("what was written is read as Slack shows it") {
  for (const auto& [text, read] : std::vector<std::pair<std::string, std::string>>{
           {"who &amp; why?", "who & why?"},
           {"<@U1> look: <https://a.example|there>, <https://b.example>",
            "@U1 look: there (https://a.example), https://b.example"},
           {"a &lt;b&gt; &amp;lt; c", "a <b> &lt; c"},
           {"<!channel|x", "<!channel|x"},
           {"<|x><>", "|x"},
           {"a < b", "a < b"},
           {"&lt;https://a|b&gt;", "<https://a|b>"}}) {
    CAPTURE(text);
    CHECK(as_read(text) == read);
  }
  CHECK(rc::check([](const std::string& bytes) {
    RC_ASSERT(as_read(bytes).size() <= bytes.size() + bytes.size());
  }));
}
