#include "render/adaptive_card.h"

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

// Every string of a card, apart: the text of a TextRun in a RichTextBlock, and all others. `shown`:
// the texts as they follow each other.
struct Texts {
  std::vector<std::string> literal;
  std::string shown;
  std::set<std::string> live;
};

void collect(const doc::Value& value, bool in_inlines, Texts& to) {
  if (value.is_array()) {
    for (const doc::Value& one : value.as_array()) collect(one, in_inlines, to);
  } else if (value.is_object()) {
    const bool is_run = in_inlines && value.text("type") == "TextRun";
    const bool is_rich = value.text("type") == "RichTextBlock";
    for (const doc::Member& member : value.as_object()) {
      to.live.insert(member.key);
      if (is_run && member.key == "text" && member.value.is_string()) {
        to.literal.push_back(member.value.as_string());
        to.shown += member.value.as_string();
      } else {
        collect(member.value, is_rich && member.key == "inlines", to);
      }
    }
  } else if (value.is_string()) {
    to.live.insert(value.as_string());
  }
}

Texts texts_of(const Encoded& made) {
  Texts out;
  collect(made.value, false, out);
  return out;
}

bool offers_approve(const Encoded& made) {
  return texts_of(made).live.contains("approve");
}

void replace_all(std::string& in, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = in.find(what, at)) != std::string::npos; at += with.size())
    in.replace(at, what.size(), with);
}

// Our marks for what a client would not show, undone.
std::string undone(std::string shown) {
  replace_all(shown, "\u27E6\u21B5\u27E7", "\n");
  for (int n = 64; n > 1; --n)
    replace_all(shown, "\u27E6\u2423\u00D7" + std::to_string(n) + "\u27E7", std::string(n, ' '));
  replace_all(shown, "\u27E6\u2423\u27E7", " ");
  return shown;
}

// Whatever a card says that is not in a TextRun.
std::set<std::string> ours() {
  Card card = a_card();
  Texts all = texts_of(adaptive_card(card, {.refresh_for = {"29:abc"}}));
  card.buttons.push_back({CardButton::Kind::kOpen, ""});
  for (std::string_view word : {"Warning", "isSubtle", "spacing", "None", "Small", "Large", "size",
                                "color", "Monospace", "fontType", "Open", "Deny", "Approve",
                                "Take back", "Comment", "weight", "Bolder", "refresh", "userIds"})
    all.live.insert(std::string(word));
  return std::move(all.live);
}

void nothing_hides(const std::vector<std::string>& literal) {
  for (const std::string& text : literal) {
    RC_ASSERT(!text.empty());
    RC_ASSERT(!text.contains("{{"));
    RC_ASSERT(!text.contains("  "));
    RC_ASSERT(!first_invalid_utf8(text));
    const bool is_mark = text.starts_with("\u27E6") && text.ends_with("\u27E7");
    for (std::size_t at = 0; at < text.size();) {
      const Kind kind = kind_of(next_code_point(text, at));
      const bool seen = kind == Kind::kVisible || kind == Kind::kSpace ||
                        kind == Kind::kCombining || (kind == Kind::kRightToLeft && is_mark);
      RC_ASSERT(seen);
    }
  }
}

const auto kPiece = rc::gen::oneOf(
    rc::gen::arbitrary<std::string>(),
    rc::gen::element<std::string>(
        "{{DATE(2020-01-01T00:00:00Z)}}", "{{", "{", "{{{", "${x}", "<at>all</at>", "**b**",
        "[a](https://evil.example)", "<b>", "\u202Eabc", "\u200B", "\u05D0\u05D1", "&lt;", "\n",
        "\n\n\n\n", " ", "  ", "   x ", " \n ", "https://evil.example", "\u27E6ok\u27E7",
        "\u27E6\u21B5\u27E7", "\xFF", "\u2423", std::string(900, 'z')));

std::string some_bytes() {
  std::string out;
  for (const std::string& part : *rc::gen::container<std::vector<std::string>>(kPiece)) out += part;
  return out;
}

Card any_card() {
  Card card = a_card();
  card.heading = some_bytes();
  card.status = {{runs_of(some_bytes()), runs_of(some_bytes())}};
  card.shown = {{.title = some_bytes(), .kind = SectionKind::kCode, .runs = runs_of(some_bytes())},
                {.title = "Arguments",
                 .kind = SectionKind::kFields,
                 .fields = {{runs_of(some_bytes()), runs_of(some_bytes())}},
                 .warnings = {some_bytes()}},
                {.title = "Reason", .kind = SectionKind::kText, .runs = runs_of(some_bytes())}};
  card.remarks = {some_bytes()};
  return card;
}

}  // namespace

TEST_CASE("a card has its buttons, with the action and the digest of the case") {
  const Encoded made = adaptive_card(a_card(), {.refresh_for = {"29:abc", "29:de f", "29:{{x"}});
  CHECK(made.whole);
  const std::string text = doc::write_json(made.value);
  for (const char* part :
       {R"("version":"1.5")",
        R"("title":"Approve","verb":"approve","data":{"action":"act_01","digest":"sha256:00"})",
        R"("associatedInputs":"none","style":"positive")", R"("id":"reason")", R"("verb":"deny")",
        R"("id":"text")", R"("verb":"comment")", R"("verb":"take_back")",
        R"("text":"DROP TABLE t")",
        R"({"type":"Action.OpenUrl","title":"Open","url":"https://keyturn.example/a/act_01"})",
        R"("userIds":["29:abc"])"}) {
    CAPTURE(part);
    CHECK(text.contains(part));
  }
}

TEST_CASE("what a client would not show is said") {
  const struct {
    const char *text, *shown;
  } rows[] = {
      {"a b", "a b"},
      {"a  b", "a\u27E6\u2423\u00D72\u27E7b"},
      {" a", "\u27E6\u2423\u27E7a"},
      {"a \nb", "a\u27E6\u2423\u27E7\u27E6\u21B5\u27E7b"},
      {"a\n\nb", "a\u27E6\u21B5\u27E7\u27E6\u21B5\u27E7b"},
      {"{{DATE(x)}}", "{{DATE(x)}}"},
      {"\u27E6\u21B5\u27E7", "\u27E6U+27E6\u27E7\u21B5\u27E6U+27E7\u27E7"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    Texts texts;
    collect(doc::Value(adaptive_lines(runs_of(row.text))), false, texts);
    CHECK(texts.shown == std::string(row.shown));
  }
  Texts field;
  collect(doc::Value(adaptive_field({runs_of("name"), runs_of(" v")}, {})), false, field);
  CHECK(field.shown == "name: \u27E6\u2423\u27E7v");
}

TEST_CASE("what is not whole is not approved here, and says so") {
  Card card = a_card();
  SUBCASE("it was not whole before") {
    card.whole = false;
  }
  SUBCASE("a statement is too long") {
    card.shown[0].runs = runs_of("SELECT 1" + std::string(28000, 'x') + "; DROP TABLE t");
  }
  SUBCASE("many short fields") {
    for (int i = 0; i < 3000; ++i) card.shown[1].fields.push_back({runs_of("a"), runs_of("b")});
  }
  SUBCASE("a long reason") {
    card.status.push_back({runs_of("why"), runs_of(std::string(28000, 'y'))});
  }
  const Encoded made = adaptive_card(card);
  CHECK_FALSE(made.whole);
  CHECK_FALSE(offers_approve(made));
  CHECK(texts_of(made).live.contains("deny"));
  CHECK(texts_of(made).shown.contains("Open it to see all of it"));
  CHECK(doc::write_json(made.value).size() <= kAdaptiveBytesMax);
}

TEST_CASE("ids, labels and addresses that are none make no button") {
  Card card = a_card();
  card.page = "javascript:alert(1)";
  card.action = "act_{{DATE(";
  CHECK(adaptive_card(card).value.find("actions")->as_array().empty());
  card = a_card();
  card.buttons[0].label = "[Approve](https://evil.example)";
  CHECK(texts_of(adaptive_card(card)).live.contains("Approve"));
}

TEST_CASE(
    "whatever bytes come, no markup or macro of theirs is live, nothing hides, and all is there or "
    "nobody approves") {
  const std::set<std::string> known = ours();
  CHECK(rc::check([&] {
    const Card card = any_card();
    const Encoded made = adaptive_card(card);
    const Texts texts = texts_of(made);
    for (const std::string& live : texts.live) RC_ASSERT(known.contains(live));
    nothing_hides(texts.literal);
    RC_ASSERT(offers_approve(made) == made.whole);
    RC_ASSERT(doc::write_json(made.value).size() <= kAdaptiveBytesMax);
    if (!made.whole) return;
    const std::string shown = undone(texts.shown);
    for (const Section& section : card.shown) {
      RC_ASSERT(shown.contains(to_plain_text(section.runs)));
      for (const Field& field : section.fields) {
        RC_ASSERT(shown.contains(to_plain_text(field.name) + ": " + to_plain_text(field.value)));
      }
    }
  }));
}

TEST_CASE("labels, ids and addresses of any bytes are never live") {
  CHECK(rc::check([] {
    Card card = a_card();
    card.action = *rc::gen::oneOf(rc::gen::just<std::string>("act_01"), kPiece);
    card.digest = *rc::gen::oneOf(rc::gen::just<std::string>("sha256:00"), kPiece);
    card.page = *rc::gen::oneOf(rc::gen::just<std::string>("https://x.example/a"), kPiece);
    for (CardButton& button : card.buttons) button.label = *kPiece;
    const Encoded made = adaptive_card(card, {.refresh_for = {*kPiece}});
    for (const std::string& live : texts_of(made).live) {
      RC_ASSERT(!live.contains("{{"));
      RC_ASSERT(std::ranges::all_of(live, [](char c) { return c >= ' ' && c < 0x7F; }));
      RC_ASSERT(live.find_first_of("<>[]*`\"") == std::string::npos);
    }
  }));
}
