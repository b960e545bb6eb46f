#include <string>
#include <utility>

#include "render/adaptive_card.h"

namespace keyturn::render {
namespace {

constexpr std::string_view kOpen = "\u27E6", kClose = "\u27E7", kNewline = "\u21B5",
                           kSpace = "\u2423";

// Writes runs as paragraphs of TextRuns.
class Lines {
 public:
  explicit Lines(AdaptiveLook look) : look_(look) {}

  void add(const Runs& runs) {
    for (const Run& run : runs) {
      if (run.mark == Mark::kNone) {
        plain(run.t);
      } else {
        spaces_out(false);
        mark(run.t, "Warning");
      }
    }
  }
  // What stands before is a name, and a value follows.
  void colon() {
    spaces_out(true);
    write(": ");
    put();
    at_start_ = true;
    look_ = {};
  }

  doc::Array finish() {
    spaces_out(true);
    end_line();
    return std::move(blocks_);
  }

 private:
  void plain(std::string_view text) {
    std::size_t from = 0;
    const auto flush = [&](std::size_t to) {
      if (to > from) word(text.substr(from, to - from));
    };
    for (std::size_t at = 0; at < text.size();) {
      const std::string_view rest = text.substr(at);
      if (rest.front() == ' ') {
        flush(at);
        ++spaces_;
        from = ++at;
      } else if (rest.front() == '\n') {
        flush(at);
        spaces_out(true);
        mark(kNewline, "");
        end_line();
        from = ++at;
      } else if (rest.starts_with(kOpen) || rest.starts_with(kClose)) {
        flush(at);
        spaces_out(false);
        mark(rest.starts_with(kOpen) ? "U+27E6" : "U+27E7", "Warning");
        from = at += kOpen.size();
      } else {
        ++at;
      }
    }
    flush(text.size());
  }

  // Without blanks; a single one before it, between two words, is itself.
  void word(std::string_view text) {
    spaces_out(false);
    for (std::size_t at; (at = text.find("{{")) != std::string_view::npos;
         text.remove_prefix(at + 1)) {
      write(text.substr(0, at + 1));
      put();
    }
    write(text);
  }

  // `edge`: the line ends behind them.
  void spaces_out(bool edge) {
    if (spaces_ == 0) return;
    const std::size_t count = std::exchange(spaces_, 0);
    if (count == 1 && !edge && !at_start_) {
      write(" ");
    } else {
      mark(std::string(kSpace) + (count > 1 ? "\u00D7" + std::to_string(count) : ""), "");
    }
  }

  // Two braces never meet in one run, wherever they come from.
  void write(std::string_view text) {
    if (text_.ends_with('{') && text.starts_with('{')) put();
    text_ += text;
    at_start_ = false;
  }

  void put() {
    if (text_.empty()) return;
    doc::Value run = doc::object({{"type", "TextRun"}, {"text", std::exchange(text_, {})}});
    style(run);
    inlines_.push_back(std::move(run));
  }

  void mark(std::string_view text, std::string_view colour) {
    put();
    at_start_ = false;
    std::string all(kOpen);
    all += text;
    all += kClose;
    for (std::size_t at; (at = all.find("{{")) != std::string::npos; all.erase(0, at + 1))
      put_mark(all.substr(0, at + 1), colour);
    put_mark(all, colour);
  }

  void put_mark(std::string text, std::string_view colour) {
    doc::Value run = doc::object({{"type", "TextRun"}, {"text", std::move(text)}});
    if (!colour.empty()) run.set("color", colour);
    run.set("isSubtle", true);
    inlines_.push_back(std::move(run));
  }

  void style(doc::Value& run) const {
    if (look_.bold) run.set("weight", "Bolder");
    if (look_.large) run.set("size", "Large");
    if (look_.subtle) run.set("isSubtle", true);
    if (look_.mono) run.set("fontType", "Monospace");
  }

  void end_line() {
    put();
    if (inlines_.empty()) return;
    doc::Value block = doc::object({{"type", "RichTextBlock"}, {"inlines", std::move(inlines_)}});
    if (!blocks_.empty()) block.set("spacing", "None");
    blocks_.push_back(std::move(block));
    inlines_ = {};
    at_start_ = true;
  }

  AdaptiveLook look_;
  doc::Array blocks_, inlines_;
  std::string text_;
  std::size_t spaces_ = 0;
  bool at_start_ = true;  // a blank here would not be seen
};

}  // namespace

doc::Array adaptive_lines(const Runs& runs, AdaptiveLook look) {
  Lines lines(look);
  lines.add(runs);
  return lines.finish();
}

doc::Array adaptive_lines(std::string_view text, AdaptiveLook look) {
  return adaptive_lines(render_text(text, Style::kProse).runs, look);
}

doc::Array adaptive_field(const Field& field, AdaptiveLook of_name) {
  Lines lines(of_name);
  lines.add(field.name);
  lines.colon();
  lines.add(field.value);
  return lines.finish();
}

}  // namespace keyturn::render
