#include "cel/diagnostic.h"

#include "cel/reporter.h"

namespace keyturn::cel {

std::string to_text(const Diagnostic& d) {
  std::string out = std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.message;
  if (!d.suggestion.empty()) out += " (did you mean " + d.suggestion + "?)";
  return out;
}

void Reporter::add(std::size_t offset, std::string message, std::string suggestion) {
  if (full()) return;
  Diagnostic d{offset, 1, 1, std::move(message), std::move(suggestion)};
  for (std::size_t i = 0; i < offset && i < source_.size(); ++i) {
    if (source_[i] == '\n') {
      ++d.line;
      d.column = 1;
    } else {
      ++d.column;
    }
  }
  diagnostics_.push_back(std::move(d));
}

}  // namespace keyturn::cel
