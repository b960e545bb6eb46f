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

 private:
  Slot slot_;
};

class LocalNode final : public Node {
 public:
  explicit LocalNode(std::size_t depth) : depth_(depth) {}
  const Value& eval(Frame& frame, Value&) const override { return *frame.locals[depth_]; }

 private:
  std::size_t depth_;
};

class SelectNode final : public Node {
 public:
  SelectNode(NodePtr operand, std::string field)
      : operand_(std::move(operand)), field_(std::move(field)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    return select_field(operand_->eval(frame, scratch), field_, scratch);
  }

 private:
  NodePtr operand_;
  std::string field_;
};

class HasNode final : public Node {
 public:
  HasNode(NodePtr operand, std::string field)
      : operand_(std::move(operand)), field_(std::move(field)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    return scratch = has_field(operand_->eval(frame, scratch), field_);
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
      if (truth != Truth::kOther || other) continue;
      other = true;
      first = std::move(scratch);
    }
    if (!other) return kDeciding == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
    scratch = not_a_condition(kDeciding == Truth::kTrue ? "||" : "&&", std::move(first));
    return Truth::kOther;
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
NodePtr select_node(NodePtr operand, std::string field) {
  return std::make_unique<SelectNode>(std::move(operand), std::move(field));
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
