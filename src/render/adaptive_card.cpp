#include "render/adaptive_card.h"

#include <algorithm>

#include "doc/json.h"

namespace keyturn::render {
namespace {

constexpr std::string_view kNotWhole =
    "Not all of it is shown here. Open it to see all of it: it can be approved there only.";
constexpr std::size_t kFrameBytes = 600;  // what is around body and actions, and kNotWhole
constexpr std::size_t kIdMax = 200, kUrlMax = 2000, kLabelMax = 60;

constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool made_of(std::string_view text, std::string_view others, std::size_t most) {
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, [&](char c) {
    return kLetters.contains(c) || others.contains(c);
  });
}

bool is_id(std::string_view text) {
  return made_of(text, "_:.-", kIdMax);
}

bool is_url(std::string_view text) {
  return (text.starts_with("https://") || text.starts_with("http://")) &&
         made_of(text, ":/?#[]@!$&'()*+,;=-._~%", kUrlMax);
}

std::string label_of(const CardButton& button) {
  if (made_of(button.label, " .,'-", kLabelMax)) return button.label;
  switch (button.kind) {
    case CardButton::Kind::kApprove:
      return "Approve";
    case CardButton::Kind::kDeny:
      return "Deny";
    case CardButton::Kind::kTakeBack:
      return "Take back";
    case CardButton::Kind::kComment:
      return "Comment";
    case CardButton::Kind::kOpen:
      break;
  }
  return "Open";
}

std::size_t bytes_of(const Runs& runs) {
  std::size_t out = 0;
  for (const Run& run : runs) out += run.t.size();
  return out;
}

std::size_t bytes_of(const Section& section) {
  std::size_t out = bytes_of(section.runs);
  for (const Field& field : section.fields) out += bytes_of(field.name) + bytes_of(field.value);
  return out;
}

class Encoder {
 public:
  Encoder(const Card& card, const AdaptiveOptions& options) : card_(card), options_(options) {}

  Encoded encode() {
    doc::Array actions = actions_of(card_.whole);
    left_ = options_.bytes_max - std::min(options_.bytes_max, frame(actions));
    whole_ = card_.whole;
    put(card_.heading.size(),
        [&] { return adaptive_lines(card_.heading, {.bold = true, .large = true}); });
    for (const Field& field : card_.status) {
      put(bytes_of(field.name) + bytes_of(field.value),
          [&] { return adaptive_field(field, {.bold = true}); });
    }
    for (const Section& section : card_.shown)
      put(bytes_of(section), [&] { return in_elements(section); });
    for (const std::string& remark : card_.remarks)
      put(remark.size(), [&] { return adaptive_lines(remark, {.subtle = true}); });
    if (!whole_) {
      for (doc::Value& line : adaptive_lines(kNotWhole, {.bold = true}))
        body_.push_back(std::move(line));
      actions = actions_of(false);
    }
    doc::Value out = adaptive_document(std::move(body_), std::move(actions));
    if (doc::Value again = refresh(); !again.is_null()) out.set("refresh", std::move(again));
    return {std::move(out), whole_};
  }

 private:
  // Something of so many bytes, and made so, if it fits.
  template <class Make>
  void put(std::size_t bytes, Make make) {
    doc::Array elements;
    std::size_t size = bytes;
    if (bytes <= left_) {
      elements = make();
      size = 0;
      for (const doc::Value& one : elements) size += doc::write_json(one).size() + 1;
    }
    if (size > left_) {
      whole_ = false;
      return;
    }
    left_ -= size;
    for (doc::Value& one : elements) body_.push_back(std::move(one));
  }

  // Our words outside, theirs in a box: a text cannot pass for a title.
  doc::Array in_elements(const Section& section) const {
    doc::Array out = adaptive_lines(section.title, {.bold = true});
    for (const std::string& warning : section.warnings) {
      for (doc::Value& line :
           adaptive_lines("Look out: " + warning, {.bold = true, .subtle = true}))
        out.push_back(std::move(line));
    }
    doc::Array items;
    const bool is_code = section.kind != SectionKind::kText;
    if (section.kind == SectionKind::kFields) {
      for (const Field& field : section.fields) {
        for (doc::Value& line : adaptive_field(field, {.subtle = true}))
          items.push_back(std::move(line));
      }
    } else {
      items = adaptive_lines(section.runs, {.mono = is_code});
    }
    if (!items.empty()) {
      out.push_back(doc::object({{"type", "Container"},
                                 {"style", "emphasis"},
                                 {"spacing", "Small"},
                                 {"items", std::move(items)}}));
    }
    return out;
  }

  doc::Array actions_of(bool whole) const {
    doc::Array out;
    const bool is_named = is_id(card_.action) && is_id(card_.digest);
    for (const CardButton& button : card_.buttons) {
      if (button.kind == CardButton::Kind::kOpen) {
        if (is_url(card_.page)) {
          out.push_back(doc::object(
              {{"type", "Action.OpenUrl"}, {"title", label_of(button)}, {"url", card_.page}}));
        }
      } else if (is_named && (whole || button.kind != CardButton::Kind::kApprove)) {
        out.push_back(of(button));
      }
    }
    return out;
  }

  doc::Value of(const CardButton& button) const {
    doc::Value execute =
        adaptive_execute(label_of(button), to_text(button.kind),
                         doc::object({{"action", card_.action}, {"digest", card_.digest}}));
    if (button.kind == CardButton::Kind::kDeny)
      return asking(std::move(execute), "destructive", "reason", "Why? Whoever asked reads it.");
    if (button.kind == CardButton::Kind::kComment)
      return asking(std::move(execute), "", "text", "What do you want to say about it?");
    execute.set("associatedInputs", "none");
    if (button.kind == CardButton::Kind::kApprove) execute.set("style", "positive");
    return execute;
  }

  // A button that opens a line to write on, with the real one under it.
  static doc::Value asking(doc::Value execute, std::string_view style, std::string_view input,
                           std::string_view label) {
    // Not isRequired: there are clients that ask for every input of a card then, whatever is
    // pressed.
    doc::Value field = doc::object({{"type", "Input.Text"},
                                    {"id", input},
                                    {"label", label},
                                    {"isMultiline", true},
                                    {"maxLength", kAdaptiveInputMax}});
    doc::Value out = doc::object({{"type", "Action.ShowCard"}, {"title", execute.text("title")}});
    if (!style.empty()) {
      out.set("style", style);
      execute.set("style", style);
    }
    doc::Array body, actions;
    body.push_back(std::move(field));
    actions.push_back(std::move(execute));
    out.set("card", doc::object({{"type", "AdaptiveCard"},
                                 {"body", std::move(body)},
                                 {"actions", std::move(actions)}}));
    return out;
  }

  std::size_t frame(const doc::Array& actions) const {
    return kFrameBytes + doc::write_json(doc::Value(actions)).size() +
           doc::write_json(refresh()).size();
  }

  doc::Value refresh() const {
    doc::Array users;
    for (const std::string& user : options_.refresh_for) {
      if (users.size() < kRefreshedUsersMax && is_id(user)) users.emplace_back(user);
    }
    if (users.empty() || !is_id(card_.action)) return {};
    return doc::object(
        {{"action", doc::object({{"type", "Action.Execute"},
                                 {"verb", "refresh"},
                                 {"data", doc::object({{"action", card_.action}})}})},
         {"userIds", std::move(users)}});
  }

  const Card& card_;
  const AdaptiveOptions& options_;
  doc::Array body_;
  std::size_t left_ = 0;
  bool whole_ = true;
};

}  // namespace

Encoded adaptive_card(const Card& card, const AdaptiveOptions& options) {
  return Encoder(card, options).encode();
}

doc::Value adaptive_execute(std::string title, std::string_view verb, doc::Value data) {
  return doc::object({{"type", "Action.Execute"},
                      {"title", std::move(title)},
                      {"verb", verb},
                      {"data", std::move(data)}});
}

doc::Value adaptive_document(doc::Array body, doc::Array actions) {
  return doc::object({{"type", "AdaptiveCard"},
                      {"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
                      {"version", "1.5"},
                      {"fallbackText", "Open Keyturn to see this request."},
                      {"msteams", doc::object({{"width", "Full"}})},
                      {"body", std::move(body)},
                      {"actions", std::move(actions)}});
}

}  // namespace keyturn::render
