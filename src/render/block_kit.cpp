#include "render/block_kit.h"

#include <algorithm>

#include "base/bytes.h"

namespace keyturn::render {
namespace {

constexpr std::size_t kHeadingMax = 150, kSlackLabelMax = 75, kSlackUrlMax = 3000, kValueMax = 2000;
constexpr std::size_t kRemarksMax = 10, kRemarkMax = 300;
constexpr std::size_t kButtonsMax = 10;
// Heading, remarks, the line about what is missing, and buttons.
constexpr std::size_t kReserved =
    kHeadingMax + kRemarksMax * (kRemarkMax / 2) + kButtonsMax * kSlackLabelMax;
constexpr std::string_view kOpenToSee = "open to see all of it";

std::string cut(std::string_view text, std::size_t most) {
  std::size_t at = 0;
  for (std::size_t n = 0; n < most && at < text.size(); ++n) next_code_point(text, at);
  return std::string(text.substr(0, at));
}

// Weight that is left of a message.
class Room {
 public:
  bool takes(std::size_t weight) {
    if (weight > left_) return false;
    left_ -= weight;
    return true;
  }

 private:
  std::size_t left_ = kSlackMessageMax - kReserved;
};

std::size_t weight_of(const Runs& runs) {
  return characters(to_plain_text(runs));
}

void add_field(RichText& to, Room& room, const Field& field, bool& whole) {
  const std::size_t name = weight_of(field.name), value = weight_of(field.value);
  if (name > kSlackTextMax / 2 || !room.takes(name + value + 10)) {
    whole = false;
    return;
  }
  to.line().literal_line(field.name, false).own(": ");
  if (to_plain_text(field.value).contains('\n'))
    to.preformatted(field.value);
  else
    to.literal(field.value);
}

// False: some of it is left out.
bool add_fields(RichText& to, Room& room, const std::vector<Field>& fields) {
  bool whole = true;
  for (const Field& field : fields) add_field(to, room, field, whole);
  return whole;
}

bool add_section(doc::Value& blocks, Room& room, const Section& section) {
  RichText text;
  text.own(cut(section.title, kHeadingMax), true);
  bool whole = room.takes(characters(section.title) + 80);
  for (const std::string& warning : section.warnings) {
    if (room.takes(characters(warning) + 2))
      text.line().own("! " + warning);
    else
      whole = false;
  }
  switch (section.kind) {
    case SectionKind::kFields:
      whole = add_fields(text, room, section.fields) && whole;
      break;
    case SectionKind::kCode:
    case SectionKind::kText:
    case SectionKind::kDiff:
      if (whole && room.takes(weight_of(section.runs)))
        text.preformatted(section.runs);
      else
        whole = false;
      break;
  }
  if (!whole)
    text.line().own("(not all of it: " + std::to_string(section.bytes) + " bytes; " +
                        std::string(kOpenToSee) + ")",
                    false, true);
  blocks.push(text.block());
  return whole;
}

doc::Value button_of(const Card& card, const CardButton& button) {
  const std::string label = cut(button.label, kSlackLabelMax);
  doc::Value out = doc::object({{"type", "button"},
                                {"text", slack_plain(label, kSlackLabelMax)},
                                {"action_id", to_text(button.kind)}});
  if (button.kind == CardButton::Kind::kOpen) {
    out.set("url", card.page);
    return out;
  }
  out.set("value", slack_value(card.action, card.digest));
  if (button.kind == CardButton::Kind::kApprove) out.set("style", "primary");
  if (button.kind == CardButton::Kind::kDeny) out.set("style", "danger");
  return out;
}

bool has_page(const Card& card) {
  return card.page.starts_with("http") && card.page.size() <= kSlackUrlMax;
}

void add_buttons(doc::Value& blocks, const Card& card, bool whole) {
  doc::Value buttons{doc::Array{}};
  bool has_open = false;
  for (const CardButton& button : card.buttons) {
    if (buttons.as_array().size() >= kButtonsMax) break;
    if (button.kind == CardButton::Kind::kApprove && !whole) continue;
    if (button.kind == CardButton::Kind::kOpen) {
      if (!has_page(card) || has_open) continue;
      has_open = true;
    } else if (slack_value(card.action, card.digest).size() > kValueMax) {
      continue;
    }
    buttons.push(button_of(card, button));
  }
  if (!whole && !has_open && has_page(card))
    buttons.push(button_of(card, {CardButton::Kind::kOpen, "See all of it"}));
  if (!buttons.as_array().empty())
    blocks.push(doc::object({{"type", "actions"}, {"elements", std::move(buttons)}}));
}

void add_remarks(doc::Value& blocks, const Card& card, bool whole) {
  RichText text;
  std::size_t count = 0;
  for (const std::string& remark : card.remarks) {
    if (++count > kRemarksMax) break;
    text.line().own(cut(remark, kRemarkMax), false, true);
  }
  if (!whole)
    text.line().own("Not all of it is shown here, so it cannot be approved here: " +
                        std::string(kOpenToSee) + ".",
                    true);
  if (!text.empty()) blocks.push(text.block());
}

}  // namespace

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void RichText::text(doc::Array& to, std::string_view all, const doc::Value& style) {
  weight_ += characters(all);
  while (!all.empty()) {
    const std::string piece = cut(all, kSlackTextMax);
    all.remove_prefix(piece.size());
    doc::Value element = doc::object({{"type", "text"}, {"text", piece}});
    if (!style.is_null()) element.set("style", style);
    to.push_back(std::move(element));
  }
}

RichText& RichText::own(std::string_view words, bool bold, bool italic) {
  doc::Value style;
  if (bold) style.set("bold", true);
  if (italic) style.set("italic", true);
  text(elements_, words, style);
  return *this;
}

RichText& RichText::literal(const Runs& runs, bool code) {
  text(elements_, to_plain_text(runs), code ? doc::object({{"code", true}}) : doc::Value());
  return *this;
}

RichText& RichText::literal_line(const Runs& runs, bool code) {
  std::string line;
  for (const char c : to_plain_text(runs)) {
    if (c == '\n')
      line += "\u27E6U+000A\u27E7";
    else
      line += c;
  }
  text(elements_, line, code ? doc::object({{"code", true}}) : doc::object({{"bold", true}}));
  return *this;
}

RichText& RichText::mention(std::string_view user) {
  elements_.push_back(doc::object({{"type", "user"}, {"user_id", user}}));
  weight_ += user.size();
  return *this;
}

RichText& RichText::link(std::string_view url, std::string_view label) {
  elements_.push_back(doc::object({{"type", "link"}, {"url", url}, {"text", label}}));
  weight_ += characters(label);
  return *this;
}

RichText& RichText::line() {
  if (!elements_.empty()) text(elements_, "\n", {});
  return *this;
}

void RichText::end_section() {
  if (elements_.empty()) return;
  paragraphs_.push_back(
      doc::object({{"type", "rich_text_section"}, {"elements", std::move(elements_)}}));
  elements_ = {};
}

RichText& RichText::preformatted(const Runs& runs) {
  const std::string all = to_plain_text(runs);
  if (all.empty()) return line().own("(empty)", false, true);
  end_section();
  doc::Array elements;
  text(elements, all, {});
  paragraphs_.push_back(
      doc::object({{"type", "rich_text_preformatted"}, {"elements", std::move(elements)}}));
  return *this;
}

doc::Value RichText::block() {
  end_section();
  return doc::object({{"type", "rich_text"}, {"elements", std::move(paragraphs_)}});
}

doc::Value slack_plain(std::string_view text, std::size_t most) {
  return doc::object({{"type", "plain_text"}, {"text", cut(text, most)}, {"emoji", false}});
}

std::string slack_escaped(std::string_view ours) {
  std::string out;
  for (const char c : ours) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string slack_value(std::string_view action, std::string_view digest) {
  return std::string(action) + "|" + std::string(digest);
}

Encoded block_kit(const Card& card) {
  Room room;
  doc::Value blocks{doc::Array{}};
  bool whole = card.whole;
  blocks.push(doc::object({{"type", "header"}, {"text", slack_plain(card.heading, kHeadingMax)}}));
  if (!card.status.empty()) {
    RichText status;
    room.takes(60);
    whole = add_fields(status, room, card.status) && whole;
    if (!status.empty()) blocks.push(status.block());
  }
  constexpr std::size_t kOthers = 4;  // header, status, remarks, buttons
  for (const Section& section : card.shown) {
    if (blocks.as_array().size() + kOthers > kSlackBlocksMax) {
      whole = false;
      break;
    }
    whole = add_section(blocks, room, section) && whole;
  }
  add_remarks(blocks, card, whole);
  add_buttons(blocks, card, whole);
  const std::string fallback =
      slack_escaped(cut(card.heading, kHeadingMax)) + " (" + card.action + ")";
  return {doc::object({{"blocks", std::move(blocks)}, {"text", fallback}}), whole};
}

}  // namespace keyturn::render
