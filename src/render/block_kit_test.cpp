#include "render/block_kit.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "doc/json.h"
#include "render/characters.h"
#include "render/testing.h"

using namespace keyturn;
using namespace keyturn::render;
using namespace keyturn::render::testing;

namespace {

// Every string of the message, apart: `literal`, where Slack reads no markup, and `live`, where it
// might, or where it is an id, a URL or a value.
struct Texts {
  std::vector<std::string> literal, live;
};

void collect(const doc::Value& value, Texts& to) {
  if (value.is_array()) {
    for (const doc::Value& one : value.as_array()) collect(one, to);
  } else if (value.is_object()) {
    const std::string_view type = value.text("type");
    const bool is_plain =
        type == "plain_text" && value.find("emoji") != nullptr && !value.flag("emoji");
    for (const doc::Member& member : value.as_object()) {
      if (member.value.is_string() && member.key == "text" && (type == "text" || is_plain))
        to.literal.push_back(member.value.as_string());
      else
        collect(member.value, to);
    }
  } else if (value.is_string()) {
    to.live.push_back(value.as_string());
  }
}

bool offers_approve(const Encoded& message) {
  return doc::write_json(message.value).contains("\"action_id\":\"approve\"");
}

// Of consecutive elements as they are shown: pieces of one long text belong together.
std::string joined(const Texts& texts) {
  std::string out;
  for (const std::string& text : texts.literal) out += text;
  return out;
}

const std::set<std::string> kWords = {
    "header",  "plain_text", "rich_text", "rich_text_section", "rich_text_preformatted",
    "text",    "actions",    "button",    "primary",           "danger",
    "approve", "deny",       "take_back", "comment",           "open"};

void only_ours_is_live(const Card& card, const Texts& texts) {
  const std::set<std::string> ours = {card.page, slack_value(card.action, card.digest),
                                      "Waits for people (act_01)"};
  for (const std::string& live : texts.live) {
    CAPTURE(live);
    const bool known = kWords.contains(live) || ours.contains(live);
    RC_ASSERT(known);
  }
}

void nothing_hides(const Texts& texts) {
  int marked = 0;  // a mark may go on in the next piece of its text
  for (const std::string& text : texts.literal) {
    RC_ASSERT(!text.empty());
    RC_ASSERT(!first_invalid_utf8(text));
    RC_ASSERT(characters(text) <= kSlackTextMax);
    for (std::size_t at = 0; at < text.size();) {
      const char32_t c = next_code_point(text, at);
      const Kind kind = kind_of(c);
      marked += c == 0x27E6 ? 1 : c == 0x27E7 ? -1 : 0;
      const bool seen = kind == Kind::kVisible || kind == Kind::kSpace || kind == Kind::kNewline ||
                        kind == Kind::kCombining || (kind == Kind::kRightToLeft);
      RC_ASSERT(seen);
      if (kind == Kind::kRightToLeft) RC_ASSERT(marked == 1);
    }
  }
}

}  // namespace

TEST_CASE("a card has its buttons, with the action and the digest of the case") {
  const Encoded message = block_kit(a_card());
  CHECK(message.whole);
  const std::string text = doc::write_json(message.value);
  for (const char* part :
       {R"({"type":"header","text":{"type":"plain_text","text":"Waits for people","emoji":false}})",
        R"("action_id":"approve","value":"act_01|sha256:00","style":"primary")",
        R"("action_id":"deny","value":"act_01|sha256:00","style":"danger")",
        R"("action_id":"open","url":"https://keyturn.example/a/act_01")", "DROP TABLE t",
        R"x("text":"Waits for people (act_01)")x"}) {
    CAPTURE(part);
    CHECK(text.contains(part));
  }
}

TEST_CASE("what is not whole is not approved here, and says so") {
  Card card = a_card();
  SUBCASE("it was not whole before") {
    card.whole = false;
  }
  SUBCASE("a statement is too long") {
    card.shown[0].runs = runs_of("SELECT 1" + std::string(13000, 'x') + "; DROP TABLE t");
  }
  SUBCASE("many short fields") {
    for (int i = 0; i < 3000; ++i) card.shown[1].fields.push_back({runs_of("a"), runs_of("b")});
  }
  SUBCASE("many sections") {
    card.shown.insert(card.shown.end(), 60, card.shown[1]);
  }
  SUBCASE("warnings that have no room") {
    card.shown[1].warnings.assign(300, std::string(100, 'w'));
    card.shown[1].fields.clear();
  }
  SUBCASE("a long reason") {
    card.status.push_back({runs_of("why"), runs_of(std::string(12000, 'y'))});
  }
  SUBCASE("a long name") {
    card.status.push_back({runs_of(std::string(2000, 'n')), runs_of("v")});
  }
  const Encoded message = block_kit(card);
  CHECK_FALSE(message.whole);
  CHECK_FALSE(offers_approve(message));
  CHECK(doc::write_json(message.value).contains("open to see all of it."));
  CHECK(doc::write_json(message.value).contains("\"action_id\":\"deny\""));
  CHECK(message.value.find("blocks")->as_array().size() <= kSlackBlocksMax);
}

TEST_CASE("a long text that fits is there to its last byte, in pieces") {
  Card card = a_card();
  std::string sql = "SELECT 1";
  for (int i = 0; i < 2000; ++i) sql += i % 7 == 0 ? "\n" : "\u00e9x";
  sql += "; DROP TABLE orders";
  card.shown[0].runs = runs_of(sql);
  const Encoded message = block_kit(card);
  CHECK(message.whole);
  Texts texts;
  collect(message.value, texts);
  CHECK(joined(texts).contains(sql));
}

TEST_CASE(
    "whatever bytes come, no markup of theirs is live, nothing hides, and all is there or none "
    "approves") {
  CHECK(rc::check([] {
    const auto piece = rc::gen::oneOf(
        rc::gen::arbitrary<std::string>(),
        rc::gen::element<std::string>(
            "<!channel>", "<@U0123456>", "*bold*", "`code`", "```\n", "<https://evil.example|ok>",
            ":white_check_mark:", "\u202Eabc", "\u200B", "\u05D0\u05D1", "&lt;", "\n\n\n\n", "~x~",
            "https://evil.example", "\u27E6ok\u27E7", "\xFF", std::string(900, 'z')));
    const auto bytes = rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                                    [](const std::vector<std::string>& parts) {
                                      std::string out;
                                      for (const std::string& part : parts) out += part;
                                      return out;
                                    });
    Card card = a_card();
    card.status = {{runs_of(*bytes), runs_of(*bytes)}, {runs_of("why"), runs_of(*bytes)}};
    const std::string sql = *bytes;
    const std::string value = *bytes;
    card.shown = {
        {.title = "SQL statement",
         .kind = SectionKind::kCode,
         .runs = runs_of(sql),
         .bytes = sql.size()},
        {.title = "Arguments",
         .kind = SectionKind::kFields,
         .fields = {{runs_of(*bytes), runs_of(value)}}},
        {.title = "Changed by policy", .kind = SectionKind::kDiff, .runs = runs_of(*bytes)}};
    const Encoded message = block_kit(card);
    Texts texts;
    collect(message.value, texts);
    only_ours_is_live(card, texts);
    nothing_hides(texts);
    RC_ASSERT(offers_approve(message) == message.whole);
    if (message.whole) {
      RC_ASSERT(joined(texts).contains(to_plain_text(runs_of(sql))));
      RC_ASSERT(joined(texts).contains(to_plain_text(runs_of(value))));
    }
    std::size_t all = 50 * message.value.find("blocks")->as_array().size();
    for (const std::string& text : texts.literal) all += characters(text);
    RC_ASSERT(all <= 13000);
  }));
}
