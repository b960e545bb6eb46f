// Reading a tree into a struct, with errors that say where and what to do. Collects every problem
// rather than stopping at the first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "doc/value.h"

namespace keyturn::doc {

struct Problem {
  std::string code;     // unknown_field, missing_field, wrong_type, out_of_range, ...
  std::string message;  // `unknown field "tol" (did you mean "tool"?)`
  std::string pointer;  // JSON Pointer (RFC 6901) of the value
  Position position;    // where it stood; line 0 when unknown
  bool warning = false;
};

// "policy.yaml:41:9: message" - or "error: message" with the pointer when there is no position.
std::string to_text(const Problem& problem, std::string_view file);

using Problems = std::vector<Problem>;
bool has_errors(const Problems& problems);

// Of several files, the one it stands in.
struct FileProblem {
  std::string file;
  Problem problem;
};
using FileProblems = std::vector<FileProblem>;

void add(FileProblems& to, std::string_view file, const Problems& problems);
std::string to_text(const FileProblem& problem);
// {file, line, column, pointer, code, message, warning}
Value to_value(const FileProblem& problem);

// The fields of one object. Every field that is asked for is ticked off; finish() reports the rest
// as unknown, with the nearest known name. A reader of something that is no object reports that
// once and then answers "absent" to everything. Borrowed: the value and the problems outlive the
// reader.
class ObjectReader {
 public:
  ObjectReader(const Value& value, std::string pointer, Problems& problems);

  // Absent -> nullptr / nullopt. Wrong type -> a problem, and then as if absent.
  const Value* any(std::string_view key);
  std::optional<std::string> string(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view key);
  std::optional<Duration> duration(std::string_view key);                        // "4h"
  std::optional<std::vector<std::string>> strings(std::string_view key);         // array of strings
  std::optional<std::vector<std::string>> strings_or_one(std::string_view key);  // "a" or ["a","b"]
  const Value* object(std::string_view key);
  const Value* array(std::string_view key);

  std::string require_string(std::string_view key);  // absent -> a problem, and ""
  void problem(std::string code, std::string message, std::string_view key = {});
  std::string pointer_to(std::string_view key) const;
  const std::string& pointer() const { return pointer_; }
  const Value& value() const { return value_; }

  void finish();

 private:
  const Value* take(std::string_view key);
  const Value& value_;
  std::string pointer_;
  Problems& problems_;
  std::vector<std::string> known_;
  bool is_object_;
};

std::string pointer_escape(std::string_view token);  // RFC 6901: ~ -> ~0, / -> ~1

}  // namespace keyturn::doc
