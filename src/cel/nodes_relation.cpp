// ==, !=, <, in.
#include <algorithm>

#include "cel/nodes.h"

namespace keyturn::cel {
namespace {

Truth other(Value& scratch, const Value& value) {
  if (&value != &scratch) scratch = Value(value);
  return Truth::kOther;
}

// Equality with a budget: what it costs is charged, and it ends when the frame is exhausted.
Equality budgeted_equal(Frame& frame, const Value& a, const Value& b) {
  const std::uint64_t left = frame.limit > frame.steps ? frame.limit - frame.steps : 0;
  return equal(a, b, &frame.steps, left + 1);
}

bool simple_equal(const Value& a, const Value& b, bool& result) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kString:
      result = a.text() == b.text();
      return true;
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
      result = a.as_uint() == b.as_uint();
      return true;
    default:
      return false;
  }
}

Truth equality(Frame& frame, const Value& a, const Value& b, bool negated, Value& scratch) {
  bool same = false;
  if (simple_equal(a, b, same)) return truth_of(same != negated);
  if (a.is_error()) return other(scratch, a);
  if (b.is_error()) return other(scratch, b);
  const Equality result = budgeted_equal(frame, a, b);
  if (result != Equality::kError) return truth_of((result == Equality::kEqual) != negated);
  scratch = frame.exhausted() ? over_limit() : Value::error("an element is an error");
  return Truth::kOther;
}

// Two operands, both always evaluated, and `beyond` for what is done with them.
template <class Beyond>
Bound of_operands(Estimate& estimate, const NodePtr& a, const NodePtr& b, Beyond beyond) {
  const Bound left = a->bound(estimate);
  const Bound right = b->bound(estimate);
  const Amount both_most = plus(plus(1, left.most), right.most);
  return {plus(plus(1, left.least), right.least), plus(both_most, beyond(left.of, right.of)),
          Extent::scalar()};
}

class EqualNode final : public ConditionNode {
 public:
  EqualNode(NodePtr a, NodePtr b, bool negated)
      : a_(std::move(a)), b_(std::move(b)), negated_(negated) {}
  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    Value right;
    const Value& a = a_->eval(frame, scratch);
    const Value& b = b_->eval(frame, right);
    return equality(frame, a, b, negated_, scratch);
  }
  Bound bound(Estimate& estimate) const override {
    return of_operands(estimate, a_, b_, equality_cost);
  }

 private:
  NodePtr a_;
  NodePtr b_;
  bool negated_;
};

// One side is a constant: most conditions of policies.
class EqualConstantNode final : public ConditionNode {
 public:
  EqualConstantNode(NodePtr a, Value b, bool negated)
      : a_(std::move(a)), b_(std::move(b)), negated_(negated) {}
  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    return equality(frame, a_->eval(frame, scratch), b_, negated_, scratch);
  }
  Bound bound(Estimate& estimate) const override {
    const Bound a = a_->bound(estimate);
    return {plus(1, a.least), plus(plus(1, a.most), equality_cost(a.of, Extent::of(b_))),
            Extent::scalar()};
  }

 private:
  NodePtr a_;
  Value b_;
  bool negated_;
};

bool holds(Relation relation, int order) {
  switch (relation) {
    case Relation::kLess:
      return order < 0;
    case Relation::kLessEqual:
      return order <= 0;
    case Relation::kGreater:
      return order > 0;
    case Relation::kGreaterEqual:
      return order >= 0;
  }
  return false;
}

std::string_view symbol(Relation relation) {
  switch (relation) {
    case Relation::kLess:
      return "<";
    case Relation::kLessEqual:
      return "<=";
    case Relation::kGreater:
      return ">";
    case Relation::kGreaterEqual:
      return ">=";
  }
  return "";
}

class RelationNode final : public ConditionNode {
 public:
  RelationNode(NodePtr a, NodePtr b, Relation relation)
      : a_(std::move(a)), b_(std::move(b)), relation_(relation) {}
  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    Value right;
    const Value& a = a_->eval(frame, scratch);
    const Value& b = b_->eval(frame, right);
    if (a.is_int() && b.is_int()) {
      return truth_of(holds(relation_, a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int()));
    }
    if (a.is_error()) return other(scratch, a);
    if (b.is_error()) return other(scratch, b);
    if (a.is_string()) frame.steps += a.text().size() / 64;
    const int order = compare(a, b);
    if (order != 2) return truth_of(holds(relation_, order));
    if (a.is_double() || b.is_double()) {
      const bool numbers = (a.is_double() || a.is_int() || a.is_uint()) &&
                           (b.is_double() || b.is_int() || b.is_uint());
      if (numbers) return Truth::kFalse;  // NaN
    }
    const Value* args[] = {&a, &b};
    scratch = no_overload(symbol(relation_), args);
    return Truth::kOther;
  }
  Bound bound(Estimate& estimate) const override {
    return of_operands(estimate, a_, b_,
                       [](const Extent& a, const Extent&) { return a.text / 64; });
  }

 private:
  NodePtr a_;
  NodePtr b_;
  Relation relation_;
};

Truth in_list(Frame& frame, const Value& item, const Value& list, Value& scratch) {
  bool error = false;
  for (const Value& element : list.items()) {
    if (!frame.charge(1)) {
      scratch = over_limit();
      return Truth::kOther;
    }
    bool same = false;
    if (!simple_equal(item, element, same)) {
      const Equality result = budgeted_equal(frame, item, element);
      same = result == Equality::kEqual;
      error |= result == Equality::kError;
    }
    if (same) return Truth::kTrue;
  }
  if (!error) return Truth::kFalse;
  scratch = frame.exhausted() ? over_limit() : Value::error("an element is an error");
  return Truth::kOther;
}

Truth is_in(Frame& frame, const Value& item, const Value& container, Value& scratch) {
  if (item.is_error()) return other(scratch, item);
  if (container.is_list()) return in_list(frame, item, container, scratch);
  if (container.is_map()) return truth_of(container.find(item) != nullptr);
  if (container.is_error()) return other(scratch, container);
  const Value* args[] = {&item, &container};
  scratch = no_overload("in", args);
  return Truth::kOther;
}

class InNode final : public ConditionNode {
 public:
  InNode(NodePtr item, NodePtr container)
      : item_(std::move(item)), container_(std::move(container)) {}
  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    Value right;
    const Value& item = item_->eval(frame, scratch);
    const Value& container = container_->eval(frame, right);
    return is_in(frame, item, container, scratch);
  }
  Bound bound(Estimate& estimate) const override {
    return of_operands(estimate, item_, container_, search_cost);
  }

 private:
  NodePtr item_;
  NodePtr container_;
};

// A constant list of strings, sorted once.
class InStringsNode final : public ConditionNode {
 public:
  InStringsNode(NodePtr item, Value list) : item_(std::move(item)), list_(std::move(list)) {
    for (const Value& v : list_.items()) sorted_.push_back(v.text());
    std::sort(sorted_.begin(), sorted_.end());
  }
  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    const Value& item = item_->eval(frame, scratch);
    if (!item.is_string()) return is_in(frame, item, list_, scratch);
    return truth_of(std::binary_search(sorted_.begin(), sorted_.end(), item.text()));
  }
  Bound bound(Estimate& estimate) const override {
    const Bound item = item_->bound(estimate);
    const Amount search = search_cost(item.of, Extent::of(list_));  // of what is no string
    return {plus(1, item.least), plus(plus(1, item.most), search), Extent::scalar()};
  }

 private:
  NodePtr item_;
  Value list_;
  std::vector<std::string_view> sorted_;
};

bool all_strings(const Value& list) {
  return std::all_of(list.items().begin(), list.items().end(),
                     [](const Value& v) { return v.is_string(); });
}

}  // namespace

NodePtr equal_node(NodePtr a, NodePtr b, bool negated) {
  if (const Value* constant = b->constant()) {
    return std::make_unique<EqualConstantNode>(std::move(a), *constant, negated);
  }
  return std::make_unique<EqualNode>(std::move(a), std::move(b), negated);
}

NodePtr relation_node(NodePtr a, NodePtr b, Relation relation) {
  return std::make_unique<RelationNode>(std::move(a), std::move(b), relation);
}

NodePtr in_node(NodePtr item, NodePtr container) {
  const Value* constant = container->constant();
  if (constant != nullptr && constant->is_list() && constant->items().size() > 6 &&
      all_strings(*constant)) {
    return std::make_unique<InStringsNode>(std::move(item), *constant);
  }
  return std::make_unique<InNode>(std::move(item), std::move(container));
}

}  // namespace keyturn::cel
