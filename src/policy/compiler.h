// CEL sources of a document into programs, with problems placed in the document.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "policy/rep.h"

namespace keyturn::policy {

class Compiler {
 public:
  // All borrowed while it lives; `source` is the document's text.
  Compiler(Document::Rep& document, std::string_view source, const catalog::Catalog* tools,
           doc::Problems& problems);

  // Compiles the expression in `value` (a string; true and false also work). `what` begins every
  // message: `rule "x"`. With `tool`, action.args is checked against that tool's parameters.
  std::optional<Condition> compile(const doc::Value& value, const std::string& pointer,
                                   const std::string& what, const cel::Type& expected,
                                   std::string_view tool = {});

  // `variables:` of the document, into document.variables and the environment's types.
  void variables(const doc::Value& value, const std::string& pointer);

  // Does it read a path that `wanted` says yes to, directly or through variables?
  template <class Wanted>
  bool reads(const Condition& condition, const Wanted& wanted) const {
    for (const cel::AttributePath& path : condition.program.paths()) {
      if (wanted(path.text)) return true;
      if (const Variable* variable = variable_of(path.text)) {
        if (reads(variable->value, wanted)) return true;
      }
    }
    return false;
  }

 private:
  const cel::Environment& environment_for(std::string_view tool);
  std::optional<cel::Program> checked(const doc::Value& value, const std::string& text,
                                      const std::string& pointer, const std::string& what,
                                      const cel::Environment& environment,
                                      const cel::Type& expected);
  void problem(std::string code, std::string message, const doc::Value& value,
               const std::string& pointer, std::string_view text, std::size_t offset);
  const Variable* variable_of(std::string_view path) const;
  void declare_variables(std::vector<cel::Field> fields);

  Document::Rep& document_;
  std::string_view source_;
  const catalog::Catalog* tools_;
  doc::Problems& problems_;
  cel::Limits limits_;
  std::map<std::string, cel::Environment, std::less<>> typed_;
};

}  // namespace keyturn::policy
