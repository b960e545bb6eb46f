// Makes nodes.
#pragma once

#include <re2/re2.h>

#include <string>
#include <vector>

#include "cel/environment.h"
#include "cel/node.h"
#include "cel/time_zone.h"

namespace keyturn::cel {

struct BuiltinEntry;

NodePtr path_node(Slot slot);
NodePtr has_path_node(Slot slot);  // has(path)
NodePtr local_node(std::size_t depth);
NodePtr select_node(NodePtr operand, std::string field, bool simple);  // simple: its type says so
NodePtr has_node(NodePtr operand, std::string field);

NodePtr and_node(std::vector<NodePtr> terms);
NodePtr or_node(std::vector<NodePtr> terms);
NodePtr not_node(NodePtr operand);
NodePtr conditional_node(NodePtr condition, NodePtr yes, NodePtr no);

NodePtr equal_node(NodePtr a, NodePtr b, bool negated);
enum class Relation : std::uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual };
NodePtr relation_node(NodePtr a, NodePtr b, Relation relation);
NodePtr in_node(NodePtr item, NodePtr container);

NodePtr call_node(const BuiltinEntry& entry, std::vector<NodePtr> args);
NodePtr custom_call_node(FunctionBody body, std::vector<NodePtr> args);
NodePtr matches_node(NodePtr text, std::shared_ptr<const RE2> pattern);
NodePtr time_field_node(NodePtr operand, TimeField field, std::shared_ptr<const TimeZone> zone);
NodePtr list_node(std::vector<NodePtr> items, std::vector<bool> optional);
NodePtr map_node(std::vector<NodePtr> keys_and_values, std::vector<bool> optional);

// Comprehensions. `depth` is that of the first variable they bind; `two` when they bind two.
struct Loop {
  NodePtr range;
  std::size_t depth = 0;
  bool two = false;
};
NodePtr quantifier_node(Loop loop, NodePtr predicate, bool all);
NodePtr exists_one_node(Loop loop, NodePtr predicate);
NodePtr collect_node(Loop loop, NodePtr filter, NodePtr item);       // filter may be null
NodePtr collect_map_node(Loop loop, NodePtr filter, NodePtr value);  // under the key of the range
NodePtr collect_entries_node(Loop loop, NodePtr filter, NodePtr entries);
NodePtr bind_node(std::size_t depth, NodePtr value, NodePtr body);

}  // namespace keyturn::cel
