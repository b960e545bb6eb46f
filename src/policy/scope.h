// One decision's input as conditions see it: every name is made when it is first asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cel/program.h"
#include "policy/input.h"
#include "policy/rep.h"

namespace keyturn::policy {

// Borrows the document and the input: both must outlive it, and every value got from it.
class Scope {
 public:
  Scope(const Document::Rep& document, const PolicyInput& input);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  cel::Value evaluate(const Condition& condition) const;
  cel::Value get(std::string_view path) const;
  const Risk& risk();
  const CalendarState& calendar();

 private:
  class Root;
  cel::Value action(std::string_view name) const;
  cel::Value resource(std::string_view name) const;
  cel::Value actor(std::string_view name) const;
  cel::Value request(std::string_view name) const;
  cel::Value facts(std::string_view name) const;
  cel::Value risk_field(std::string_view name);
  cel::Value history(std::string_view name) const;
  cel::Value calendar_field(std::string_view name);
  cel::Value claims(std::string_view name) const;
  cel::Value variable(std::string_view name) const;

  const Document::Rep& document_;
  const PolicyInput& input_;
  std::optional<Risk> risk_;
  std::optional<CalendarState> calendar_;
  cel::Activation activation_;
  std::unique_ptr<Root[]> roots_;
};

cel::Value to_cel(Time time);
std::optional<Time> time_from(const cel::Value& timestamp);

}  // namespace keyturn::policy
