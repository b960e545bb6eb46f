#include "connectors/sql/plan_text.h"

#include <algorithm>

#include "doc/json.h"

namespace keyturn::connectors::sql {
namespace {

// "Index Scan using orders_pkey on orders, about 12 rows"
std::string line_of(const doc::Value& node) {
  std::string out(node.text("Node Type"));
  const bool changes = out == "ModifyTable";
  if (changes && node.find("Operation") != nullptr) out = node.text("Operation");
  if (node.find("Index Name") != nullptr) out += " using " + std::string(node.text("Index Name"));
  if (node.find("Relation Name") != nullptr) {
    const std::string table(node.text("Relation Name"));
    out += " on " + table;
    const std::string alias(node.text("Alias"));
    if (!alias.empty() && alias != table) out += " " + alias;
  } else if (node.find("CTE Name") != nullptr) {
    out += " on " + std::string(node.text("CTE Name"));
  }
  // What changes rows says 0: the rows are those of the node below it.
  if (!changes && node.find("Plan Rows") != nullptr)
    out += ", about " + std::string(node.find("Plan Rows")->as_number().text) + " rows";
  return out;
}

void add(const doc::Value& node, std::size_t depth, std::vector<std::string>& to) {
  if (to.size() >= kPlanLinesMax) return;
  std::string line = line_of(node);
  // Names are the statement's words: none of them begins a line of its own.
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  to.push_back(std::string(depth * 2, ' ') + line);
  const doc::Value* below = node.find("Plans");
  if (below == nullptr || !below->is_array()) return;
  for (const doc::Value& one : below->as_array()) add(one, depth + 1, to);
  if (to.size() == kPlanLinesMax) to.emplace_back("…");
}

}  // namespace

std::vector<std::string> plan_lines(std::string_view json) {
  std::vector<std::string> out;
  const auto tree = doc::parse_json(json);
  if (!tree || !tree->is_array() || tree->as_array().empty()) return out;
  if (const doc::Value* plan = tree->as_array()[0].find("Plan")) add(*plan, 0, out);
  return out;
}

}  // namespace keyturn::connectors::sql
