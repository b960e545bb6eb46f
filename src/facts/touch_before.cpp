#include "facts/touch_before.h"

#include <algorithm>

namespace keyturn::facts {
namespace {

bool meet(const std::set<std::string>& a, const std::set<std::string>& b) {
  return a.contains("*") || b.contains("*") ||
         std::ranges::any_of(a, [&](const std::string& one) { return b.contains(one); });
}

bool is_target(const Touch& touch, const std::string& table) {
  return touch.verb != "INSERT" && std::ranges::any_of(touch.targets, [&](const Target& one) {
           return one.table.name == table;
         });
}

}  // namespace

void Before::limit(const Looked& looked, Touch& touch) const {
  if (touch.counting.empty()) return;
  for (const Change& change : changes_) {
    const bool of_others = looked.relations.contains(change.table);
    if (!of_others && !is_target(touch, change.table)) continue;
    if (change.only_removes && !of_others) {
      touch.at_most = true;
      continue;
    }
    if (change.only_sets && !meet(looked.columns, change.columns)) continue;
    return touch.decline("statement " + std::to_string(change.statement) +
                         " of the list changes what it looks at");
  }
}

void Before::add(std::string_view node, const doc::Value& body, const Facts& facts) {
  ++statements_;
  const doc::Value* statements = facts.tree.find_path({"sql", "statements"});
  const doc::Value* relations = facts.tree.find_path({"sql", "relations"});
  if (statements == nullptr || relations == nullptr) return;
  const bool alone = statements->as_array().size() == 1;
  for (const doc::Value& relation : relations->as_array()) {
    if (relation.text("access") != "write") continue;
    Change change{.statement = statements_, .table = std::string(relation.text("name"))};
    change.only_removes = alone && (node == "DeleteStmt" || node == "TruncateStmt");
    const doc::Value* set = body.find("targetList");
    if (alone && node == "UpdateStmt" && set != nullptr && set->is_array()) {
      change.only_sets = true;
      for (const doc::Value& one : set->as_array()) {
        const doc::Value* target = one.find("ResTarget");
        change.columns.emplace(target == nullptr ? "*" : target->text("name"));
      }
    }
    changes_.push_back(std::move(change));
  }
}

}  // namespace keyturn::facts
