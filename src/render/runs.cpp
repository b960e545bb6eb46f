#include "render/runs.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "base/bytes.h"
#include "render/characters.h"
#include "render/fields.h"

namespace keyturn::render {
namespace {

// Counts of what a text was caught at.
struct Surprises {
  std::size_t control = 0, bad_bytes = 0, invisible = 0, bidi = 0, right_to_left = 0;
  std::size_t lookalike = 0, stacked = 0, spaces = 0, pushes = 0;

  std::vector<std::string> warnings() const {
    std::vector<std::string> out;
    const auto say = [&](std::size_t n, std::string_view one, std::string_view many) {
      if (n > 0) out.push_back(std::to_string(n) + " " + std::string(n == 1 ? one : many));
    };
    say(control, "control character", "control characters");
    say(bad_bytes, "byte that is not UTF-8", "bytes that are not UTF-8");
    say(invisible, "invisible character", "invisible characters");
    say(bidi, "character that changes the direction of text",
        "characters that change the direction of text");
    say(right_to_left, "right-to-left letter: the order on screen may differ",
        "right-to-left letters: the order on screen may differ");
    say(lookalike, "character that looks like another", "characters that look like others");
    say(stacked, "stacked combining mark", "stacked combining marks");
    say(spaces, "space that is not a plain space", "spaces that are not plain spaces");
    say(pushes, "long stretch of white space", "long stretches of white space");
    return out;
  }
};

bool is_blank_byte(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

class Renderer {
 public:
  explicit Renderer(Style style) : style_(style) {}

  Rendered render(std::string_view text) {
    for (std::size_t from = 0; from < text.size();) {
      const std::string_view rest = text.substr(from);
      const std::size_t good = first_invalid_utf8(rest).value_or(rest.size());
      valid(rest.substr(0, good));
      from += good;
      if (from < text.size()) bad_byte(text[from++]);
    }
    flush();
    return {std::move(runs_), text.size(), surprises_.warnings()};
  }

 private:
  // ---- output
  void plain(std::string_view text) {
    if (text.empty()) return;
    flush();
    if (runs_.empty() || runs_.back().mark != Mark::kNone) runs_.push_back({});
    runs_.back().t += text;
    runs_.back().bytes += text.size();
  }

  // Equal neighbours become one run with a count.
  void marked(std::string text, Mark mark, std::size_t bytes) {
    can_carry_ = false;
    if (pending_ && pending_->t == text && pending_->mark == mark) {
      ++repeats_;
      pending_->bytes += bytes;
      return;
    }
    flush();
    pending_ = Run{std::move(text), mark, bytes};
    repeats_ = 1;
  }

  void flush() {
    last_apart_ = false;
    if (!pending_) return;
    if (repeats_ > 1) pending_->t += " \u00D7" + std::to_string(repeats_);
    runs_.push_back(*std::move(pending_));
    pending_.reset();
  }

  // ---- input
  void bad_byte(char byte) {
    ++surprises_.bad_bytes;
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02X",
                  static_cast<unsigned>(static_cast<std::uint8_t>(byte)));
    marked(text, Mark::kControl, 1);
  }

  void valid(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (is_blank_byte(text[at])) {
        std::size_t end = at;
        while (end < text.size() && is_blank_byte(text[end])) ++end;
        blank(text.substr(at, end - at));
        at = end;
        continue;
      }
      std::size_t end = at;
      const char32_t c = next_code_point(text, end);
      if (is_word(c) && kind_of(c) != Kind::kCombining) {
        at = word(text, at);
      } else {
        single(c, text.substr(at, end - at));
        at = end;
      }
    }
  }

  std::size_t word(std::string_view text, std::size_t from) {
    std::size_t end = from;
    bool ascii = true;
    for (std::size_t next = from; next < text.size(); end = next) {
      const char32_t c = next_code_point(text, next);
      if (!is_word(c)) break;
      ascii = ascii && c < 0x80;
    }
    const std::string_view whole = text.substr(from, end - from);
    if (ascii) {
      plain(whole);
      can_carry_ = true;
      marks_ = 0;
      return end;
    }
    const bool deceives = confusables().word_deceives(whole);
    for (std::size_t at = 0; at < whole.size();) {
      const std::size_t start = at;
      const char32_t c = next_code_point(whole, at);
      const std::string_view bytes = whole.substr(start, at - start);
      const bool suspect = c >= 0x80 && kind_of(c) != Kind::kCombining &&
                           (!is_latin(c) || confusables().looks_like_ascii(c));
      if (deceives && suspect) {
        lookalike(c, bytes);
      } else {
        visible(c, bytes);
      }
    }
    return end;
  }

  void lookalike(char32_t c, std::string_view bytes) {
    ++surprises_.lookalike;
    marked(std::string(bytes) + "[" + code(c) + "]", Mark::kLookalike, bytes.size());
  }

  // A character of the kinds that may stand for themselves.
  void visible(char32_t c, std::string_view bytes) {
    if (kind_of(c) == Kind::kCombining) return combining(c, bytes);
    plain(bytes);
    can_carry_ = true;
    marks_ = 0;
  }

  void combining(char32_t c, std::string_view bytes) {
    if (can_carry_ && marks_ < kMarksMax && !is_enclosing(c)) {
      ++marks_;
      if (last_apart_) {
        runs_.back().t += bytes;
        runs_.back().bytes += bytes.size();
      } else {
        plain(bytes);
      }
      return;
    }
    ++surprises_.stacked;
    marked(describe(c), Mark::kInvisible, bytes.size());
  }

  void single(char32_t c, std::string_view bytes) {
    switch (kind_of(c)) {
      case Kind::kVisible:
        if (c >= 0x80 && confusables().looks_like_ascii(c) &&
            !(style_ == Style::kProse && is_typographic(c))) {
          return lookalike(c, bytes);
        }
        return visible(c, bytes);
      case Kind::kCombining:
        return combining(c, bytes);
      case Kind::kRightToLeft:
        ++surprises_.right_to_left;
        return right_to_left(bytes);
      case Kind::kControl:
        ++surprises_.control;
        return marked(describe(c), Mark::kControl, bytes.size());
      case Kind::kInvisible:
        ++surprises_.invisible;
        return marked(describe(c), Mark::kInvisible, bytes.size());
      case Kind::kBidiControl:
        ++surprises_.bidi;
        return marked(describe(c), Mark::kBidi, bytes.size());
      case Kind::kOtherSpace:
        ++surprises_.spaces;
        return marked(describe(c), Mark::kWhitespace, bytes.size());
      case Kind::kSpace:
      case Kind::kTab:
      case Kind::kNewline:
        return blank(bytes);
    }
  }

  // Letters that are themselves, but in a run of their own.
  void right_to_left(std::string_view bytes) {
    if (!last_apart_) {
      flush();
      runs_.push_back({{}, Mark::kBidi, 0});
    }
    runs_.back().t += bytes;
    runs_.back().bytes += bytes.size();
    last_apart_ = true;
    can_carry_ = true;
    marks_ = 0;
  }

  // A stretch of spaces, tabs, CR and LF.
  void blank(std::string_view stretch) {
    can_carry_ = false;
    const auto newlines = static_cast<std::size_t>(std::ranges::count(stretch, '\n'));
    if (newlines > kNewlinesMax) {
      const std::size_t last = stretch.rfind('\n');
      pushed(stretch.substr(0, last));
      plain("\n");
      stretch.remove_prefix(last + 1);
    }
    while (!stretch.empty()) {
      const std::size_t end = std::min(stretch.find_first_of("\r\n"), stretch.size());
      across(stretch.substr(0, end));
      stretch.remove_prefix(end);
      if (stretch.empty()) break;
      if (stretch.front() == '\n') {
        plain("\n");
      } else {
        ++surprises_.control;
        marked(describe('\r'), Mark::kControl, 1);
      }
      stretch.remove_prefix(1);
    }
  }

  // Spaces and tabs within a line.
  void across(std::string_view stretch) {
    if (stretch.size() > kSpacesMax) return pushed(stretch);
    for (const char c : stretch) {
      if (c == ' ') {
        plain(" ");
      } else {
        flush();
        runs_.push_back({"\u21E5", Mark::kWhitespace, 1});
      }
    }
  }

  void pushed(std::string_view stretch) {
    if (stretch.empty()) return;
    ++surprises_.pushes;
    std::string text;
    const auto say = [&](char c, std::string_view what) {
      const auto n = static_cast<std::size_t>(std::ranges::count(stretch, c));
      if (n > 0) text += (text.empty() ? "[" : ", ") + counted(n, what);
    };
    say('\n', "newline");
    say(' ', "space");
    say('\t', "tab");
    say('\r', "carriage return");
    flush();
    runs_.push_back({text + "]", Mark::kWhitespace, stretch.size()});
  }

  const Confusables& confusables() {
    if (!confusables_) confusables_.emplace();
    return *confusables_;
  }

  Style style_;
  Runs runs_;
  std::optional<Run> pending_;
  std::size_t repeats_ = 0;
  bool last_apart_ = false;  // the last run holds right-to-left letters and is still open
  bool can_carry_ = false;   // the last thing put out can carry a combining mark
  std::size_t marks_ = 0;    // combining marks it carries
  Surprises surprises_;
  std::optional<Confusables> confusables_;
};

}  // namespace

std::string_view to_text(Mark mark) {
  switch (mark) {
    case Mark::kNone:
      return "";
    case Mark::kControl:
      return "control";
    case Mark::kInvisible:
      return "invisible";
    case Mark::kBidi:
      return "bidi";
    case Mark::kLookalike:
      return "lookalike";
    case Mark::kWhitespace:
      return "whitespace";
    case Mark::kSecret:
      return "secret";
  }
  return "";
}

Rendered render_text(std::string_view bytes, Style style) {
  return Renderer(style).render(bytes);
}

void append(Rendered& to, Rendered tail) {
  for (Run& run : tail.runs) to.runs.push_back(std::move(run));
  to.bytes += tail.bytes;
  for (std::string& warning : tail.warnings) to.warnings.push_back(std::move(warning));
}

Run own(std::string text, Mark mark, std::size_t bytes) {
  return {std::move(text), mark, bytes};
}

doc::Value to_value(const Runs& runs) {
  doc::Array out;
  for (const Run& run : runs) {
    doc::Value v = doc::object({{"t", run.t}});
    if (run.mark != Mark::kNone) v.set("mark", to_text(run.mark));
    out.push_back(std::move(v));
  }
  return doc::Value(std::move(out));
}

std::string to_plain_text(const Runs& runs) {
  constexpr std::string_view kOpen = "\u27E6";
  constexpr std::string_view kClose = "\u27E7";
  std::string out;
  for (const Run& run : runs) {
    if (run.mark != Mark::kNone) {
      out.append(kOpen).append(run.t).append(kClose);
      continue;
    }
    for (std::size_t at = 0; at < run.t.size();) {
      const std::string_view rest = std::string_view(run.t).substr(at);
      if (rest.starts_with(kOpen) || rest.starts_with(kClose)) {
        out.append(kOpen).append(rest.starts_with(kOpen) ? "U+27E6" : "U+27E7").append(kClose);
        at += kOpen.size();
      } else {
        out += rest.front();
        ++at;
      }
    }
  }
  return out;
}

}  // namespace keyturn::render
