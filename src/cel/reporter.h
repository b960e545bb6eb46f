// Collects diagnostics and turns offsets into lines and columns.
#pragma once

#include <string>
#include <string_view>

#include "cel/diagnostic.h"

namespace keyturn::cel {

class Reporter {
 public:
  Reporter(std::string_view source, std::size_t max) : source_(source), max_(max) {}
  void add(std::size_t offset, std::string message, std::string suggestion = {});
  bool failed() const { return !diagnostics_.empty(); }
  bool full() const { return diagnostics_.size() >= max_; }
  Diagnostics take() { return std::move(diagnostics_); }

 private:
  std::string_view source_;
  std::size_t max_;
  Diagnostics diagnostics_;
};

}  // namespace keyturn::cel
