#include "secrets/redact.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/ascii.h"
#include "base/bytes.h"
#include "secrets/rewrite.h"

namespace keyturn::secrets {
namespace {

constexpr std::size_t kLineBytesMin = 16;
constexpr std::size_t kEncodedBytesMin = 5;

std::uint32_t start_of(std::string_view text) {
  std::uint32_t start = 0;
  std::memcpy(&start, text.data(), sizeof start);
  return start;
}

bool is_unreserved(char c) {
  return is_alphanumeric(c) || std::string_view("-._~").contains(c);
}

struct PercentStyle {
  bool every_byte = false;
  bool plus_for_space = false;
  bool lower_hex = false;
  std::string_view also_plain;  // characters that some encoders leave alone
};

std::string percent_encode(std::string_view text, const PercentStyle& style) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = !style.every_byte && (is_unreserved(c) || style.also_plain.contains(c));
    if (is_plain) {
      out += c;
    } else if (c == ' ' && style.plus_for_space) {
      out += '+';
    } else {
      std::string hex = to_hex(std::string_view(&c, 1));
      if (!style.lower_hex)
        std::ranges::transform(hex, hex.begin(),
                               [](char h) { return h >= 'a' ? static_cast<char>(h - 32) : h; });
      out += '%' + hex;
    }
  }
  return out;
}

struct JsonStyle {
  bool slash = false;     // "\/"
  bool only_hex = false;  // \u000a instead of \n
  bool upper_hex = false;
  bool html = false;  // <, >, & and ' as \u00XX
};

std::string json_escape(std::string_view text, const JsonStyle& style) {
  static constexpr std::string_view kShort = "\b\f\n\r\t";
  static constexpr std::string_view kLetters = "bfnrt";
  std::string out;
  for (const char c : text) {
    const std::size_t at = kShort.find(c);
    if (c == '"' || c == '\\' || (c == '/' && style.slash)) {
      out += '\\';
      out += c;
    } else if (at != std::string_view::npos && !style.only_hex) {
      out += '\\';
      out += kLetters[at];
    } else if (static_cast<unsigned char>(c) < 0x20 ||
               (style.html && std::string_view("<>&'").contains(c))) {
      std::string hex = to_hex(std::string_view(&c, 1));
      if (style.upper_hex)
        std::ranges::transform(hex, hex.begin(),
                               [](char h) { return h >= 'a' ? static_cast<char>(h - 32) : h; });
      out += "\\u00" + hex;
    } else {
      out += c;
    }
  }
  return out;
}

// The characters of base64 that depend on `text` alone when `before` bytes (0, 1 or 2) of something
// else share its first group.
std::string base64_core(std::string_view text, std::size_t before, bool is_url) {
  const std::string padded = std::string(before, '\0') + std::string(text);
  std::string encoded = is_url ? to_base64url(padded) : to_base64(padded);
  while (encoded.ends_with('=')) encoded.pop_back();
  const std::size_t first =
      before == 0 ? 0 : before + 1;  // characters that hold bits of what is before
  if (padded.size() % 3 != 0 && !encoded.empty()) encoded.pop_back();  // holds bits of what follows
  return encoded.size() > first ? encoded.substr(first) : std::string();
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string json_escape_all(std::string_view ascii, bool upper_hex) {
  std::string out;
  for (const char c : ascii) {
    std::string hex = to_hex(std::string_view(&c, 1));
    out += "\\u00" + (upper_hex ? upper(std::move(hex)) : hex);
  }
  return out;
}

// How long the longest end of `left` is that `right` begins with (Knuth, Morris, Pratt 1977): both
// are read once.
std::size_t overlap(std::string_view left, std::string_view right) {
  std::vector<std::size_t> back(right.size() + 1, 0);  // of right[0, n): its longest border
  const auto shorter = [&](std::size_t n, char c) {
    while (n > 0 && (n == right.size() || right[n] != c)) n = back[n];
    return n < right.size() && right[n] == c ? n + 1 : 0;
  };
  for (std::size_t i = 1; i < right.size(); ++i) back[i + 1] = shorter(back[i], right[i]);
  std::size_t matched = 0;
  for (const char c : left) matched = shorter(matched, c);
  return matched;
}

void insert_forms(std::set<std::string>& forms, std::string_view value) {
  forms.emplace(value);
  for (const bool lower_hex : {false, true}) {
    for (const bool plus : {false, true}) {
      forms.insert(percent_encode(value, {false, plus, lower_hex, ""}));
      forms.insert(percent_encode(value, {false, plus, lower_hex, "!*'()"}));
      forms.insert(percent_encode(value, {false, plus, lower_hex, "!$&'()*+,;=:@/"}));
    }
    forms.insert(percent_encode(value, {true, false, lower_hex, ""}));
  }
  for (const bool slash : {false, true}) {
    forms.insert(json_escape(value, {.slash = slash}));
    forms.insert(json_escape(value, {.slash = slash, .html = true}));
    forms.insert(json_escape(value, {.slash = slash, .only_hex = true}));
    forms.insert(json_escape(value, {.slash = slash, .only_hex = true, .upper_hex = true}));
  }
  if (std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    forms.insert(json_escape_all(value, false));
    forms.insert(json_escape_all(value, true));
  }
  forms.insert(to_hex(value));
  forms.insert(upper(to_hex(value)));
  for (std::size_t before = 0; before < 3; ++before) {
    for (const bool is_url : {false, true}) {
      std::string core = base64_core(value, before, is_url);
      if (core.size() >= kEncodedBytesMin) forms.insert(std::move(core));
    }
  }
}

void insert_lines(std::set<std::string>& forms, std::string_view value) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find_first_of("\r\n"), value.size());
    const std::string_view line = value.substr(0, end);
    // "-----BEGIN PRIVATE KEY-----" is no secret.
    if (line.size() >= kLineBytesMin && !line.starts_with("-----")) forms.emplace(line);
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

}  // namespace

bool Redactor::add(const std::string& name, const Secret& value) {
  if (value.reveal().size() < kBytesMin) return false;
  std::set<std::string> forms;
  insert_forms(forms, value.reveal());
  insert_lines(forms, value.reveal());
  names_.push_back(name);
  while (!forms.empty())
    add_pattern(std::move(forms.extract(forms.begin()).value()), names_.size() - 1);
  return true;
}

void Redactor::add_pattern(std::string text, std::size_t name) {
  longest_ = std::max(longest_, text.size());
  first_two_.set(start_of(text) & 0xffff);
  auto& bucket = by_start_[start_of(text)];
  const auto longer = [&](std::size_t index) {
    return patterns_[index].text.reveal().size() > text.size();
  };
  const auto place = std::ranges::find_if_not(bucket, longer);
  bucket.insert(place, patterns_.size());
  patterns_.push_back({Secret(std::move(text)), name});
}

const Redactor::Pattern* Redactor::longest_at(std::string_view text, std::size_t at) const {
  const std::string_view rest = text.substr(at);
  if (rest.size() < kBytesMin) return nullptr;
  const std::uint32_t start = start_of(rest);
  if (!first_two_[start & 0xffff]) return nullptr;
  const auto bucket = by_start_.find(start);
  if (bucket == by_start_.end()) return nullptr;
  for (const std::size_t index : bucket->second) {
    if (rest.starts_with(patterns_[index].text.reveal())) return &patterns_[index];
  }
  return nullptr;
}

std::vector<Redactor::Span> Redactor::find(std::string_view text) const {
  std::vector<Span> spans;
  for (std::size_t at = 0; at + kBytesMin <= text.size(); ++at) {
    const Pattern* pattern = longest_at(text, at);
    if (pattern == nullptr) continue;
    if (spans.empty() || at >= spans.back().end) spans.push_back({at, at, {}});
    Span& span = spans.back();
    span.end = std::max(span.end, at + pattern->text.reveal().size());
    if (std::ranges::find(span.names, pattern->name) == span.names.end()) {
      span.names.push_back(pattern->name);
    }
  }
  return spans;
}

std::vector<Redactor::Span> Redactor::together(std::vector<Span> spans) {
  std::ranges::sort(spans, {}, &Span::begin);
  std::vector<Span> out;
  for (Span& span : spans) {
    if (out.empty() || span.begin >= out.back().end) {
      out.push_back(std::move(span));
      continue;
    }
    Span& last = out.back();
    last.end = std::max(last.end, span.end);
    for (const std::size_t name : span.names) {
      if (std::ranges::find(last.names, name) == last.names.end()) last.names.push_back(name);
    }
  }
  return out;
}

void Redactor::append_redacted(std::string& out, std::string_view text, std::size_t to,
                               const std::vector<Span>& spans) const {
  std::size_t from = 0;
  for (const Span& span : spans) {
    if (span.begin >= to) break;
    out += text.substr(from, span.begin - from);
    for (const std::size_t name : span.names) out += "[redacted:" + names_[name] + "]";
    from = span.end;
  }
  if (from < to) out += text.substr(from, to - from);
}

std::vector<Redactor::Span> Redactor::find_halves(std::string_view piece, Missing missing) const {
  std::vector<Span> out;
  for (const Pattern& pattern : patterns_) {
    const std::string_view value = pattern.text.reveal();
    const std::size_t most = std::min(value.size() - 1, piece.size());
    const std::size_t size =
        missing == Missing::kBehind
            ? overlap(piece.substr(piece.size() - most), value.substr(0, most))
            : overlap(value.substr(value.size() - most), piece.substr(0, most));
    if (size < kBytesMin) continue;
    if (missing == Missing::kBehind)
      out.push_back({piece.size() - size, piece.size(), {pattern.name}});
    else
      out.push_back({0, size, {pattern.name}});
  }
  return out;
}

std::string Redactor::redact_piece(std::string_view piece, Missing missing) const {
  if (missing == Missing::kNothing || empty()) return redact(piece);
  std::vector<Span> spans = find(piece);
  std::ranges::move(find_halves(piece, missing), std::back_inserter(spans));
  std::string out;
  append_redacted(out, piece, piece.size(), together(std::move(spans)));
  return out;
}

std::string Redactor::redact(std::string_view text) const {
  if (empty()) return std::string(text);
  std::string out;
  out.reserve(text.size());
  append_redacted(out, text, text.size(), find(text));
  return out;
}

void Redactor::redact(doc::Value& value) const {
  if (empty()) return;
  const auto text = [this](const std::string& t) { return redact(std::string_view(t)); };
  const auto leaf = [&text](doc::Value& v) {
    const std::string& before = v.is_number() ? v.as_number().text : v.as_string();
    if (std::string after = text(before); after != before) v = doc::Value(std::move(after));
  };
  rewrite(value, leaf, text, [](const doc::Member&) { return false; });
}

std::string StreamRedactor::feed(std::string_view bytes) {
  if (redactor_.empty()) return std::string(bytes);
  held_ += bytes;
  const std::size_t kept = redactor_.longest_ - 1;
  if (held_.size() <= kept) return {};
  std::size_t cut = held_.size() - kept;
  const auto spans = redactor_.find(held_);
  for (const auto& span : spans) {
    // A find that reaches past the cut may still grow: it waits whole.
    if (span.begin < cut && span.end > cut) cut = span.begin;
  }
  std::string out;
  redactor_.append_redacted(out, held_, cut, spans);
  held_.erase(0, cut);
  return out;
}

std::string StreamRedactor::finish() {
  std::string out = redactor_.redact(held_);
  held_.clear();
  return out;
}

}  // namespace keyturn::secrets
