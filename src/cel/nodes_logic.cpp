// Variables, fields and logic.
#include <algorithm>

#include "cel/nodes.h"
#include "cel/select.h"

namespace keyturn::cel {
namespace {

class PathNode final : public Node {
 public:
  explicit PathNode(Slot slot) : slot_(slot) {}
  const Value& eval(Frame& frame, Value&) const override { return frame.input->read(slot_); }
  Bound bound(Estimate& estimate) const override { return {0, 0, estimate.path(slot_)}; }

 private:
  Slot slot_;
};

class HasPathNode final : public Node {
 public:
  explicit HasPathNode(Slot slot) : slot_(slot) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    return scratch = frame.input->has(slot_);
  }
  Bound bound(Estimate&) const override { return {1, 1, Extent::scalar()}; }

 private:
  Slot slot_;
};

class LocalNode final : public Node {
 public:
  explicit LocalNode(std::size_t depth) : depth_(depth) {}
  const Value& eval(Frame& frame, Value&) const override { return *frame.locals[depth_]; }
  Bound bound(Estimate& estimate) const override { return {0, 0, estimate.local(depth_)}; }

 private:
  std::size_t depth_;
};

class SelectNode final : public Node {
 public:
  SelectNode(NodePtr operand, std::string field, bool simple)
      : operand_(std::move(operand)), field_(std::move(field)), simple_(simple) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    return select_field(operand_->eval(frame, scratch), field_, scratch);
  }
  Bound bound(Estimate& estimate) const override {
    const Bound operand = operand_->bound(estimate);
    const Extent extents[] = {operand.of};
    Extent of = bound_of_part(extents).of;
    if (simple_) of = {of.text, 0, 1, true, false};
    return {plus(1, operand.least), plus(1, operand.most), of};
  }

 private:
  NodePtr operand_;
  std::string field_;
  bool simple_;
};

class HasNode final : public Node {
 public:
  HasNode(NodePtr operand, std::string field)
      : operand_(std::move(operand)), field_(std::move(field)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    return scratch = has_field(operand_->eval(frame, scratch), field_);
  }
  Bound bound(Estimate& estimate) const override {
    const Bound operand = operand_->bound(estimate);
    return {plus(1, operand.least), plus(1, operand.most), Extent::scalar()};
  }

 private:
  NodePtr operand_;
  std::string field_;
};

Value not_a_condition(const char* op, Value value) {
  if (value.is_error()) return value;
  const Value* args[] = {&value};
  return no_overload(op, args);
}

// cel-spec "Logical Operators": the deciding value wins wherever it stands, over errors too.
template <Truth kDeciding>
class LogicNode final : public ConditionNode {
 public:
  explicit LogicNode(std::vector<NodePtr> terms) : terms_(std::move(terms)) {}

  Truth test(Frame& frame, Value& scratch) const override {
    frame.steps += terms_.size();
    bool other = false;
    Value first;
    for (const NodePtr& term : terms_) {
      const Truth truth = term->test(frame, scratch);
      if (truth == kDeciding) return kDeciding;
      if (truth != Truth::kOther) continue;
      if (frame.exhausted()) return truth;  // past the limit no other term may decide
      if (other) continue;
      other = true;
      first = std::move(scratch);
    }
    if (!other) return kDeciding == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
    scratch = not_a_condition(kDeciding == Truth::kTrue ? "||" : "&&", std::move(first));
    return Truth::kOther;
  }
  // The first term is always evaluated, and may decide.
  Bound bound(Estimate& estimate) const override {
    Bound out{terms_.size(), terms_.size(), Extent::scalar()};
    for (const NodePtr& term : terms_) {
      const Bound of = term->bound(estimate);
      if (&term == &terms_.front()) out.least = plus(out.least, of.least);
      out.most = plus(out.most, of.most);
    }
    return out;
  }

 private:
  std::vector<NodePtr> terms_;
};

class NotNode final : public ConditionNode {
 public:
  explicit NotNode(NodePtr operand) : operand_(std::move(operand)) {}
  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    const Truth truth = operand_->test(frame, scratch);
    if (truth != Truth::kOther) return truth_of(truth == Truth::kFalse);
    scratch = not_a_condition("!", std::move(scratch));
    return Truth::kOther;
  }
  Bound bound(Estimate& estimate) const override {
    const Bound operand = operand_->bound(estimate);
    return {plus(1, operand.least), plus(1, operand.most), Extent::scalar()};
  }

 private:
  NodePtr operand_;
};

class ConditionalNode final : public Node {
 public:
  ConditionalNode(NodePtr condition, NodePtr yes, NodePtr no)
      : condition_(std::move(condition)), yes_(std::move(yes)), no_(std::move(no)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    const Truth truth = condition_->test(frame, scratch);
    if (truth == Truth::kTrue) return yes_->eval(frame, scratch);
    if (truth == Truth::kFalse) return no_->eval(frame, scratch);
    return scratch = not_a_condition("?:", std::move(scratch));
  }
  Bound bound(Estimate& estimate) const override {
    const Bound condition = condition_->bound(estimate);
    const Bound yes = yes_->bound(estimate);
    const Bound no = no_->bound(estimate);
    return {plus(1, condition.least), plus(plus(1, condition.most), std::max(yes.most, no.most)),
            either(yes.of, no.of)};
  }

 private:
  NodePtr condition_;
  NodePtr yes_;
  NodePtr no_;
};

}  // namespace

NodePtr path_node(Slot slot) {
  return std::make_unique<PathNode>(slot);
}
NodePtr has_path_node(Slot slot) {
  return std::make_unique<HasPathNode>(slot);
}
NodePtr local_node(std::size_t depth) {
  return std::make_unique<LocalNode>(depth);
}
NodePtr select_node(NodePtr operand, std::string field, bool simple) {
  return std::make_unique<SelectNode>(std::move(operand), std::move(field), simple);
}
NodePtr has_node(NodePtr operand, std::string field) {
  return std::make_unique<HasNode>(std::move(operand), std::move(field));
}
NodePtr and_node(std::vector<NodePtr> terms) {
  return std::make_unique<LogicNode<Truth::kFalse>>(std::move(terms));
}
NodePtr or_node(std::vector<NodePtr> terms) {
  return std::make_unique<LogicNode<Truth::kTrue>>(std::move(terms));
}
NodePtr not_node(NodePtr operand) {
  return std::make_unique<NotNode>(std::move(operand));
}
NodePtr conditional_node(NodePtr condition, NodePtr yes, NodePtr no) {
  return std::make_unique<ConditionalNode>(std::move(condition), std::move(yes), std::move(no));
}

}  // namespace keyturn::cel
