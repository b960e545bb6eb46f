#include "doc/read.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace keyturn::doc {
namespace {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "a boolean";
    case Kind::kNumber:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kArray:
      return "a list";
    case Kind::kObject:
      return "an object";
  }
  return "";
}

std::string in_quotes(std::string_view key) {
  return "\"" + std::string(key) + "\"";
}

std::string expected(std::string_view what, const Value& found) {
  return "must be " + std::string(what) + ", not " + std::string(name_of(found.kind()));
}

// "a, b and c", each once, in the order in which they were asked for.
std::string listed(const std::vector<std::string_view>& words) {
  std::vector<std::string_view> once;
  for (const std::string_view word : words) {
    if (std::ranges::find(once, word) == once.end()) once.push_back(word);
  }
  std::string out;
  for (std::size_t i = 0; i < once.size(); ++i) {
    out += i == 0 ? "" : i + 1 < once.size() ? ", " : " and ";
    out += once[i];
  }
  return once.empty() ? "nothing" : out;
}

}  // namespace

std::string pointer_escape(std::string_view token) {
  std::string out;
  out.reserve(token.size());
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string to_text(const Problem& problem, std::string_view file) {
  const std::string_view severity = problem.warning ? "warning: " : "";
  if (problem.position.line != 0) {
    std::string out(file);
    out += ":" + std::to_string(problem.position.line) + ":" +
           std::to_string(problem.position.column) + ": ";
    out += severity;
    return out + problem.message;
  }
  std::string out(problem.warning ? "warning: " : "error: ");
  out += problem.message;
  if (!problem.pointer.empty()) out += " (at " + problem.pointer + ")";
  return out;
}

bool has_errors(const Problems& problems) {
  return std::ranges::any_of(problems, [](const Problem& p) { return !p.warning; });
}

void add(FileProblems& to, std::string_view file, const Problems& problems) {
  for (const Problem& problem : problems) to.push_back({std::string(file), problem});
}

std::string to_text(const FileProblem& problem) {
  return to_text(problem.problem, problem.file);
}

Value to_value(const FileProblem& problem) {
  const Problem& what = problem.problem;
  return object({{"file", problem.file},
                 {"line", what.position.line},
                 {"column", what.position.column},
                 {"pointer", what.pointer},
                 {"code", what.code},
                 {"message", what.message},
                 {"warning", what.warning}});
}

ObjectReader::ObjectReader(const Value& value, std::string pointer, Problems& problems)
    : value_(value),
      pointer_(std::move(pointer)),
      problems_(problems),
      is_object_(value.is_object()) {
  if (!is_object_) problem("wrong_type", expected("an object", value));
}

const Value* ObjectReader::take(std::string_view key) {
  if (!is_object_) return nullptr;
  known_.emplace_back(key);
  return value_.find(key);
}

const Value* ObjectReader::any(std::string_view key) {
  return take(key);
}

std::optional<std::string> ObjectReader::string(std::string_view key) {
  const Value* found = take(key);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) return found->as_string();
  problem("wrong_type", in_quotes(key) + " " + expected("a string", *found), key);
  return std::nullopt;
}

std::optional<bool> ObjectReader::boolean(std::string_view key) {
  const Value* found = take(key);
  if (found == nullptr) return std::nullopt;
  if (found->is_bool()) return found->as_bool();
  problem("wrong_type", in_quotes(key) + " " + expected("true or false", *found), key);
  return std::nullopt;
}

std::optional<std::int64_t> ObjectReader::integer(std::string_view key, std::int64_t least,
                                                  std::int64_t most) {
  const Value* found = take(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number()) {
    problem("wrong_type", in_quotes(key) + " " + expected("a whole number", *found), key);
    return std::nullopt;
  }
  const auto number = found->as_int64();
  if (number && *number >= least && *number <= most) return number;
  problem("out_of_range",
          in_quotes(key) + " must be a whole number from " + std::to_string(least) + " to " +
              std::to_string(most) + ", not " + found->as_number().text,
          key);
  return std::nullopt;
}

std::optional<double> ObjectReader::number(std::string_view key) {
  const Value* found = take(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number()) {
    problem("wrong_type", in_quotes(key) + " " + expected("a number", *found), key);
    return std::nullopt;
  }
  const auto number = found->as_double();
  if (!number) problem("out_of_range", in_quotes(key) + " is too large a number", key);
  return number;
}

std::optional<Duration> ObjectReader::duration(std::string_view key) {
  const Value* found = take(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) {
    problem("wrong_type",
            in_quotes(key) + " " + expected("a duration with its unit (30s, 15m, 4h, 7d)", *found),
            key);
    return std::nullopt;
  }
  const auto duration = parse_duration(found->as_string());
  if (!duration) {
    problem("bad_duration",
            in_quotes(key) + ": " + in_quotes(found->as_string()) +
                " is no duration; write a number and its unit, like 30s, 15m, 4h or 7d",
            key);
  }
  return duration;
}

std::optional<std::vector<std::string>> ObjectReader::strings(std::string_view key) {
  const Value* found = take(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_array()) {
    problem("wrong_type", in_quotes(key) + " " + expected("a list of strings", *found), key);
    return std::nullopt;
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < found->as_array().size(); ++i) {
    const Value& item = found->as_array()[i];
    if (!item.is_string()) {
      problems_.push_back({"wrong_type",
                           in_quotes(key) + " " + expected("a list of strings", item) + " in it",
                           pointer_to(key) + "/" + std::to_string(i), item.position()});
      return std::nullopt;
    }
    out.push_back(item.as_string());
  }
  return out;
}

std::optional<std::vector<std::string>> ObjectReader::strings_or_one(std::string_view key) {
  const Value* found = is_object_ ? value_.find(key) : nullptr;
  if (found == nullptr || !found->is_string()) return strings(key);
  take(key);
  return std::vector{found->as_string()};
}

const Value* ObjectReader::object(std::string_view key) {
  const Value* found = take(key);
  if (found == nullptr || found->is_object()) return found;
  problem("wrong_type", in_quotes(key) + " " + expected("an object", *found), key);
  return nullptr;
}

const Value* ObjectReader::array(std::string_view key) {
  const Value* found = take(key);
  if (found == nullptr || found->is_array()) return found;
  problem("wrong_type", in_quotes(key) + " " + expected("a list", *found), key);
  return nullptr;
}

std::string ObjectReader::require_string(std::string_view key) {
  if (is_object_ && value_.find(key) == nullptr) {
    take(key);
    problem("missing_field", "the field " + in_quotes(key) + " is missing");
    return {};
  }
  return string(key).value_or("");
}

void ObjectReader::problem(std::string code, std::string message, std::string_view key) {
  const Value* at = key.empty() ? nullptr : value_.find(key);
  problems_.push_back({std::move(code), std::move(message),
                       key.empty() ? pointer_ : pointer_to(key),
                       (at != nullptr ? at : &value_)->position()});
}

std::string ObjectReader::pointer_to(std::string_view key) const {
  return pointer_ + "/" + pointer_escape(key);
}

void ObjectReader::finish() {
  if (!is_object_) return;
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const Member& member : value_.as_object()) {
    if (std::ranges::find(known, member.key) != known.end()) continue;
    const std::string_view nearest = nearest_word(member.key, known.data(), known.size());
    std::string message = "unknown field " + in_quotes(member.key);
    message += nearest.empty() ? "; here may stand " + listed(known)
                               : " (did you mean " + in_quotes(nearest) + "?)";
    problems_.push_back(
        {"unknown_field", std::move(message), pointer_to(member.key),
         member.key_position.line != 0 ? member.key_position : member.value.position()});
  }
}

}  // namespace keyturn::doc
