#include "ledger/leaf_skim.h"

#include <charconv>
#include <cstring>

namespace keyturn::ledger {
namespace {

class Skimmer {
 public:
  explicit Skimmer(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  bool at_end() const { return at_ == end_; }

  // A string, its quotes left out.
  std::optional<std::string_view> string() {
    if (!take('"')) return std::nullopt;
    const char* const begin = at_;
    if (!skip_string()) return std::nullopt;
    return std::string_view(begin, static_cast<std::size_t>(at_ - 1 - begin));
  }

  // Any value, as it is written.
  std::optional<std::string_view> value() {
    const char* const begin = at_;
    std::size_t depth = 0;
    while (at_ != end_) {
      const char c = *at_;
      if (depth == 0 && at_ != begin && (c == ',' || c == '}')) break;
      ++at_;
      if (c == '"') {
        if (!skip_string()) return std::nullopt;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return std::nullopt;
        --depth;
      }
    }
    if (depth != 0 || at_ == begin) return std::nullopt;
    return std::string_view(begin, static_cast<std::size_t>(at_ - begin));
  }

 private:
  // From behind the opening quote to behind the closing one.
  bool skip_string() {
    while (true) {
      const auto left = static_cast<std::size_t>(end_ - at_);
      const auto* quote = static_cast<const char*>(std::memchr(at_, '"', left));
      if (quote == nullptr) return false;
      const char* slash = quote;
      while (slash > at_ && slash[-1] == '\\') --slash;
      at_ = quote + 1;
      if (((quote - slash) & 1) == 0) return true;
    }
  }

  const char* at_;
  const char* const end_;
};

bool is_text(std::string_view value) {
  return value.size() >= 2 && value.front() == '"' && value.back() == '"';
}

std::string_view inside(std::string_view value) {
  return is_text(value) ? value.substr(1, value.size() - 2) : std::string_view();
}

}  // namespace

std::optional<LeafEnvelope> skim_leaf(std::string_view leaf) {
  Skimmer in(leaf);
  LeafEnvelope out;
  bool has_prev = false;
  if (!in.take('{')) return std::nullopt;
  do {
    const auto key = in.string();
    if (!key || !in.take(':')) return std::nullopt;
    const auto value = in.value();
    if (!value) return std::nullopt;
    if (*key == "stream") out.stream = inside(*value);
    if (*key == "type") out.type = inside(*value);
    if (*key == "time") out.time = inside(*value);
    if (*key == "private") out.private_part = inside(*value);
    if (*key == "prev" && (has_prev = is_text(*value))) out.prev = inside(*value);
    if (*key == "position") {
      const char* const last = value->data() + value->size();
      const auto [end, error] = std::from_chars(value->data(), last, out.position);
      if (error != std::errc{} || end != last) return std::nullopt;
    }
  } while (in.take(','));
  if (!in.take('}') || !in.at_end() || !has_prev) return std::nullopt;
  if (out.stream.empty() || out.type.empty() || out.time.empty() || out.position == 0)
    return std::nullopt;
  return out;
}

}  // namespace keyturn::ledger
