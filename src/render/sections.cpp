// Sections on the wire, back from it, and on a terminal.
#include <algorithm>

#include "base/bytes.h"
#include "render/case_view.h"
#include "render/characters.h"

namespace keyturn::render {
namespace {

std::optional<SectionKind> kind_from_text(std::string_view text) {
  for (const SectionKind kind :
       {SectionKind::kCode, SectionKind::kText, SectionKind::kFields, SectionKind::kDiff}) {
    if (to_text(kind) == text) return kind;
  }
  return std::nullopt;
}

std::optional<Mark> mark_from_text(std::string_view text) {
  for (const Mark mark : {Mark::kControl, Mark::kInvisible, Mark::kBidi, Mark::kLookalike,
                          Mark::kWhitespace, Mark::kSecret}) {
    if (to_text(mark) == text) return mark;
  }
  return std::nullopt;
}

// The words in a marked run, on one line; what cannot be seen as its code point.
std::string only_visible(std::string_view text) {
  if (first_invalid_utf8(text)) return "not UTF-8";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    switch (kind_of(c)) {
      case Kind::kVisible:
      case Kind::kSpace:
      case Kind::kCombining:
      case Kind::kRightToLeft:
        // Brackets are how to_plain_text() says where our words end.
        out += c == 0x27E6 || c == 0x27E7 ? code(c) : std::string(text.substr(start, at - start));
        break;
      case Kind::kTab:
      case Kind::kNewline:
      case Kind::kControl:
      case Kind::kInvisible:
      case Kind::kBidiControl:
      case Kind::kOtherSpace:
        out += code(c);
        break;
    }
  }
  return out;
}

Runs runs_from(const doc::Value* value) {
  Runs out;
  if (value == nullptr || !value->is_array()) return out;
  for (const doc::Value& v : value->as_array()) {
    if (const auto mark = mark_from_text(v.text("mark"))) {
      out.push_back(own(only_visible(v.text("t")), *mark, v.text("t").size()));
    } else {
      Rendered again = render_text(v.text("t"), Style::kProse);
      for (Run& run : again.runs) out.push_back(std::move(run));
    }
  }
  return out;
}

std::string indented(std::string_view text, std::string_view first, std::string_view rest) {
  std::string out(first);
  for (const char c : text) {
    out += c;
    if (c == '\n') out += rest;
  }
  return out + "\n";
}

}  // namespace

std::string_view to_text(SectionKind kind) {
  switch (kind) {
    case SectionKind::kCode:
      return "code";
    case SectionKind::kText:
      return "text";
    case SectionKind::kFields:
      return "fields";
    case SectionKind::kDiff:
      return "diff";
  }
  return "text";
}

doc::Value to_value(const std::vector<Section>& sections) {
  doc::Value out{doc::Array{}};
  for (const Section& s : sections) {
    doc::Value v = doc::object({{"title", s.title}, {"kind", to_text(s.kind)}});
    if (s.kind == SectionKind::kFields) {
      doc::Value fields{doc::Array{}};
      for (const Field& f : s.fields) {
        fields.push(doc::object({{"name", to_value(f.name)}, {"value", to_value(f.value)}}));
      }
      v.set("fields", std::move(fields));
    } else {
      v.set("runs", to_value(s.runs));
    }
    v.set("bytes", static_cast<std::uint64_t>(s.bytes));
    v.set("warnings", doc::array_of(s.warnings));
    out.push(std::move(v));
  }
  return out;
}

std::vector<Section> sections_from_value(const doc::Value& value) {
  std::vector<Section> out;
  if (!value.is_array()) return out;
  for (const doc::Value& v : value.as_array()) {
    Section s;
    s.title = to_plain_text(render_text(v.text("title")).runs);
    s.kind = kind_from_text(v.text("kind")).value_or(SectionKind::kText);
    std::ranges::replace(s.title, '\n', ' ');
    s.runs = runs_from(v.find("runs"));
    const doc::Value* fields = v.find("fields");
    if (fields != nullptr && fields->is_array()) {
      for (const doc::Value& f : fields->as_array()) {
        s.fields.push_back({runs_from(f.find("name")), runs_from(f.find("value"))});
      }
    }
    s.bytes = static_cast<std::size_t>(std::max<std::int64_t>(0, v.integer("bytes")));
    const doc::Value* warnings = v.find("warnings");
    if (warnings != nullptr && warnings->is_array()) {
      for (const doc::Value& w : warnings->as_array()) {
        if (!w.is_string()) continue;
        std::string text = to_plain_text(render_text(w.as_string()).runs);
        std::ranges::replace(text, '\n', ' ');
        s.warnings.push_back(std::move(text));
      }
    }
    out.push_back(std::move(s));
  }
  return out;
}

std::string to_plain_text(const std::vector<Section>& sections) {
  std::string out;
  for (const Section& s : sections) {
    out += s.title + "\n";
    for (const std::string& warning : s.warnings) out += "  ! " + warning + "\n";
    if (s.kind == SectionKind::kFields) {
      for (const Field& f : s.fields) {
        out += indented(to_plain_text(f.name) + ": " + to_plain_text(f.value), "  ", "    | ");
      }
    } else {
      out += indented(to_plain_text(s.runs), "  | ", "  | ");
    }
    out += "\n";
  }
  return out;
}

}  // namespace keyturn::render
