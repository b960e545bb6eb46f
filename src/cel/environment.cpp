#include "cel/environment.h"

#include <map>

#include "cel/declarations.h"
#include "cel/paths.h"

namespace keyturn::cel {
namespace {

using Functions = std::map<std::string, Function, std::less<>>;

std::shared_ptr<const Functions> standard() {
  static const std::shared_ptr<const Functions> functions = [] {
    auto out = std::make_shared<Functions>();
    for (Function& f : standard_functions()) {
      std::string name = f.name;
      out->emplace(std::move(name), std::move(f));
    }
    return out;
  }();
  return functions;
}

}  // namespace

struct Environment::Rep {
  std::map<std::string, Type, std::less<>> variables;
  Functions functions;
  std::shared_ptr<const Functions> standard_functions = standard();
  std::string container;
  std::shared_ptr<PathTable> paths = std::make_shared<PathTable>();
};

Environment::Environment() : rep_(std::make_unique<Rep>()) {}
Environment::~Environment() = default;
Environment::Environment(Environment&&) noexcept = default;
Environment& Environment::operator=(Environment&&) noexcept = default;

Environment::Environment(const Environment& other) : rep_(std::make_unique<Rep>(*other.rep_)) {
  rep_->paths = std::make_shared<PathTable>();
  for (const auto& [name, type] : rep_->variables) rep_->paths->root(name);
}

Environment& Environment::operator=(const Environment& other) {
  Environment copy(other);
  rep_.swap(copy.rep_);
  return *this;
}

Environment& Environment::variable(std::string name, Type type) {
  rep_->paths->root(name);
  rep_->variables.insert_or_assign(std::move(name), std::move(type));
  return *this;
}

Environment& Environment::function(Function function) {
  std::string name = function.name;
  rep_->functions.insert_or_assign(std::move(name), std::move(function));
  return *this;
}

Environment& Environment::container(std::string name) {
  rep_->container = std::move(name);
  return *this;
}

const Type* Environment::find_variable(std::string_view name) const {
  const auto found = rep_->variables.find(name);
  return found == rep_->variables.end() ? nullptr : &found->second;
}

const Function* Environment::find_function(std::string_view name) const {
  if (const auto found = rep_->functions.find(name); found != rep_->functions.end()) {
    return &found->second;
  }
  const auto found = rep_->standard_functions->find(name);
  return found == rep_->standard_functions->end() ? nullptr : &found->second;
}

const std::string& Environment::container() const {
  return rep_->container;
}

std::vector<std::string> Environment::variable_names() const {
  std::vector<std::string> out;
  for (const auto& [name, type] : rep_->variables) out.push_back(name);
  return out;
}

std::vector<std::string> Environment::function_names() const {
  std::vector<std::string> out;
  for (const auto& [name, f] : rep_->functions) out.push_back(name);
  for (const auto& [name, f] : *rep_->standard_functions) out.push_back(name);
  return out;
}

const std::shared_ptr<PathTable>& Environment::paths() const {
  return rep_->paths;
}

}  // namespace keyturn::cel
