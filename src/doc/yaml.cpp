#include "doc/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <variant>

#include "base/bytes.h"
#include "doc/yaml_scalar.h"

namespace keyturn::doc {
namespace {

// Leaves yaml-cpp's parser in the middle; caught in parse_yaml().
struct Abort {
  Problem problem;
};

Problem problem_at(const Position& position, std::string code, std::string message) {
  return {std::move(code), std::move(message), "", position};
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const ParseLimits& limits) : text_(text), limits_(limits) {}

  Value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      refuse_at(at(mark), "invalid_yaml", "a second document starts here; one file holds one");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, anchor);
    if (!expects_key()) return add(at(mark), Value(nullptr));
    const std::string_view word = null_word_at(byte_of(mark));
    if (word.empty()) refuse_at(at(mark), "invalid_yaml", "a key is missing before the \":\"");
    take_key(at(mark), std::string(word));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse_at(at(mark), "invalid_yaml", "aliases (*name) are not supported; write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    check(mark, anchor);
    const bool plain = tag == "?";
    if (!plain && !closes_quote(byte_of(mark))) {
      refuse_at(at(mark), "invalid_yaml", "a string has no closing quote");
    }
    if (expects_key()) {
      if (plain && text == "<<") {
        refuse_at(at(mark), "invalid_yaml", "merge keys (<<) are not supported");
      }
      return take_key(at(mark), text);
    }
    if (!plain) return add(at(mark), Value(text));
    auto value = plain_scalar(text);
    if (!value) refuse_at(at(mark), "invalid_yaml", std::move(value.error().message));
    if (value->is_number() && value->as_number().text.size() > limits_.number_digits_max) {
      refuse_at(at(mark), "too_large", "a number is too long");
    }
    add(at(mark), *std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    enter(mark, anchor, Value(Array{}));
  }
  void OnSequenceEnd() override { leave(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    enter(mark, anchor, Value(Object{}));
  }
  void OnMapEnd() override { leave(); }

 private:
  // A collection that is still open.
  struct Frame {
    Value value;
    std::optional<std::pair<std::string, Position>> key;  // of the member whose value comes next
    std::set<std::string, std::less<>> keys;
  };

  static Position at(const YAML::Mark& mark) {
    return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1),
            byte_of(mark)};
  }
  static std::size_t byte_of(const YAML::Mark& mark) { return static_cast<std::size_t>(mark.pos); }

  [[noreturn]] void refuse_at(const Position& position, std::string code, std::string message) {
    throw Abort{problem_at(position, std::move(code), std::move(message))};
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().value.is_object() && !open_.back().key;
  }

  void check(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      refuse_at(at(mark), "invalid_yaml", "anchors (&name) are not supported; write the value out");
    }
    // yaml-cpp reports "!" for a quoted scalar and for the tag "!" alike: look at the text itself.
    if (byte_of(mark) < text_.size() && text_[byte_of(mark)] == '!') {
      refuse_at(at(mark), "invalid_yaml", "tags (!name) are not supported; remove it");
    }
    if (++values_ > limits_.values_max) {
      refuse_at(at(mark), "too_large",
                "more than " + std::to_string(limits_.values_max) + " values");
    }
  }

  void enter(const YAML::Mark& mark, YAML::anchor_t anchor, Value empty) {
    check(mark, anchor);
    if (expects_key()) {
      refuse_at(at(mark), "invalid_yaml", "a key must be a string, not a list or an object");
    }
    if (open_.size() >= limits_.depth_max) {
      refuse_at(at(mark), "too_deep",
                "nested deeper than " + std::to_string(limits_.depth_max) + " levels");
    }
    empty.set_position(at(mark));
    open_.push_back({std::move(empty), {}, {}});
  }

  void leave() {
    Value done = std::move(open_.back().value);
    open_.pop_back();
    const Position position = done.position();
    add(position, std::move(done));
  }

  void take_key(const Position& position, std::string key) {
    Frame& frame = open_.back();
    if (!frame.keys.insert(key).second) {
      refuse_at(position, "duplicate_key", "the key \"" + key + "\" stands twice in one object");
    }
    frame.key = {std::move(key), position};
  }

  void add(const Position& position, Value value) {
    value.set_position(position);
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = open_.back();
    if (frame.value.is_array()) {
      frame.value.as_array().push_back(std::move(value));
      return;
    }
    frame.value.as_object().push_back(
        {std::move(frame.key->first), std::move(value), frame.key->second});
    frame.key.reset();
  }

  // yaml-cpp takes the end of the file for a closing quote.
  bool closes_quote(std::size_t start) const {
    const char quote = start < text_.size() ? text_[start] : '\0';
    if (quote != '"' && quote != '\'') return true;  // a block scalar
    for (std::size_t i = start + 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        if (quote == '"' || !text_.substr(i + 1).starts_with('\'')) return true;
        ++i;
      } else if (quote == '"' && text_[i] == '\\') {
        ++i;
      }
    }
    return false;
  }

  std::string_view null_word_at(std::size_t byte) const {
    for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
      if (byte < text_.size() && text_.substr(byte).starts_with(word)) return word;
    }
    return {};
  }

  std::string_view text_;
  const ParseLimits& limits_;
  Value root_;
  std::vector<Frame> open_;
  std::size_t values_ = 0;
  std::size_t documents_ = 0;
};

Position position_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte);
  const std::size_t line_end = before.rfind('\n');
  const std::size_t start = line_end == std::string_view::npos ? 0 : line_end + 1;
  return {static_cast<std::uint32_t>(1 + std::ranges::count(before, '\n')),
          static_cast<std::uint32_t>(byte - start + 1), byte};
}

// YAML 1.2 §5.1: what a YAML text may hold. yaml-cpp takes U+0004 for the end of its input.
std::optional<std::size_t> first_unprintable(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t start = i;
    const char32_t c = next_code_point(text, i);
    const bool control = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
    if (control || (c >= 0x7F && c <= 0x9F && c != 0x85) || c == 0xFEFF || c == 0xFFFE ||
        c == 0xFFFF) {
      return start;
    }
  }
  return std::nullopt;
}

std::optional<Problem> check_bytes(std::string_view text, const ParseLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return problem_at(
        {1, 1, 0}, "too_large",
        "the YAML text is longer than " + std::to_string(limits.bytes_max) + " bytes");
  }
  if (const auto bad = first_invalid_utf8(text)) {
    return problem_at(position_of(text, *bad), "invalid_yaml", "invalid UTF-8");
  }
  if (const auto bad = first_unprintable(text)) {
    return problem_at(position_of(text, *bad), "invalid_yaml",
                      "a control character or byte order mark; remove it");
  }
  return std::nullopt;
}

std::expected<Value, Problem> parse(std::string_view text, const ParseLimits& limits) {
  if (auto problem = check_bytes(text, limits)) return std::unexpected(*std::move(problem));
  TreeBuilder builder(text, limits);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (Abort& abort) {
    return std::unexpected(std::move(abort.problem));
  } catch (const YAML::Exception& error) {
    const Position position{static_cast<std::uint32_t>(std::max(error.mark.line, 0) + 1),
                            static_cast<std::uint32_t>(std::max(error.mark.column, 0) + 1), 0};
    return std::unexpected(problem_at(position, "invalid_yaml", error.msg));
  }
  Value tree = builder.take();
  if (tree.position().line == 0) tree.set_position({1, 1, 0});  // nothing stands in it
  return tree;
}

}  // namespace

Result<Value> parse_yaml(std::string_view text, std::string_view name, const ParseLimits& limits) {
  auto tree = parse(text, limits);
  if (tree) return std::move(*tree);
  Problem& problem = tree.error();
  return refuse(std::move(problem.code), std::move(problem.message),
                std::string(name) + ":" + std::to_string(problem.position.line) + ":" +
                    std::to_string(problem.position.column));
}

std::optional<Value> parse_yaml(std::string_view text, const ParseLimits& limits,
                                Problems& problems) {
  auto tree = parse(text, limits);
  if (tree) return std::move(*tree);
  problems.push_back(std::move(tree.error()));
  return std::nullopt;
}

}  // namespace keyturn::doc
