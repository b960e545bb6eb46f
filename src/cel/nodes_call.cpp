// Calls, and the making of lists and maps.
#include <array>

#include "cel/builtins.h"
#include "cel/nodes.h"

namespace keyturn::cel {
namespace {

constexpr std::size_t kFewArguments = 3;

// Evaluates arguments side by side; stops at the first error.
template <std::size_t N>
class FixedArguments {
 public:
  // Null pointer: all are values. Else the error.
  const Value* evaluate(Frame& frame, const std::vector<NodePtr>& nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      values_[i] = &nodes[i]->eval(frame, scratch_[i]);
      if (values_[i]->is_error()) return values_[i];
    }
    return nullptr;
  }
  Arguments get(std::size_t count) const { return {values_.data(), count}; }

 private:
  std::array<Value, N> scratch_;
  std::array<const Value*, N> values_{};
};

// Arguments are evaluated one after the other; an error among them ends the call.
Bound of_call(Estimate& estimate, const std::vector<NodePtr>& args, CallBounds call) {
  Bound out{1, 1, {}};
  std::vector<Extent> extents;
  for (const NodePtr& arg : args) {
    const Bound of = arg->bound(estimate);
    if (&arg == &args.front()) out.least = plus(out.least, of.least);
    out.most = plus(out.most, of.most);
    extents.push_back(of.of);
  }
  const CallBound bound = call(extents);
  return {out.least, plus(out.most, bound.most), bound.of};
}

CallBounds bounds_of(const BuiltinEntry& entry) {
  return entry.bound != nullptr ? entry.bound : &bound_of_any;
}

class CallNode final : public Node {
 public:
  CallNode(const BuiltinEntry& entry, std::vector<NodePtr> args)
      : builtin_(entry.call), bound_(bounds_of(entry)), args_(std::move(args)) {}
  Bound bound(Estimate& estimate) const override { return of_call(estimate, args_, bound_); }
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    FixedArguments<kFewArguments> args;
    const Value* error = args.evaluate(frame, args_);
    return scratch = error != nullptr ? Value(*error) : builtin_(frame, args.get(args_.size()));
  }

 private:
  Builtin builtin_;
  CallBounds bound_;
  std::vector<NodePtr> args_;
};

class LongCallNode final : public Node {
 public:
  LongCallNode(const BuiltinEntry& entry, std::vector<NodePtr> args)
      : builtin_(entry.call), bound_(bounds_of(entry)), args_(std::move(args)) {}
  Bound bound(Estimate& estimate) const override { return of_call(estimate, args_, bound_); }
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    std::vector<Value> scratches(args_.size());
    std::vector<const Value*> values;
    for (std::size_t i = 0; i < args_.size(); ++i) {
      values.push_back(&args_[i]->eval(frame, scratches[i]));
      if (values.back()->is_error()) return scratch = Value(*values.back());
    }
    return scratch = builtin_(frame, values);
  }

 private:
  Builtin builtin_;
  CallBounds bound_;
  std::vector<NodePtr> args_;
};

class CustomCallNode final : public Node {
 public:
  CustomCallNode(FunctionBody body, std::vector<NodePtr> args)
      : body_(std::move(body)), args_(std::move(args)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    frame.steps += 10;
    std::vector<Value> values;
    for (const NodePtr& arg : args_) {
      Value inner;
      const Value& value = arg->eval(frame, inner);
      if (value.is_error()) return scratch = Value(value);
      values.push_back(value);
    }
    return scratch = body_(values);
  }
  Bound bound(Estimate& estimate) const override {
    Bound out = of_call(estimate, args_, &bound_of_number);
    out.of = estimate.unknown();
    out.least = plus(out.least, 9);
    out.most = plus(out.most, 9);
    return out;
  }

 private:
  FunctionBody body_;
  std::vector<NodePtr> args_;
};

class MatchesNode final : public ConditionNode {
 public:
  MatchesNode(NodePtr text, std::shared_ptr<const RE2> pattern)
      : text_(std::move(text)), pattern_(std::move(pattern)) {}
  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    const Value& text = text_->eval(frame, scratch);
    if (text.is_string() && frame.charge_text(text.text().size())) {
      const re2::StringPiece piece(text.text().data(), text.text().size());
      return truth_of(RE2::PartialMatch(piece, *pattern_));
    }
    if (text.is_error()) {
      if (&text != &scratch) scratch = Value(text);
      return Truth::kOther;
    }
    const Value* args[] = {&text};
    scratch = text.is_string() ? over_limit() : no_overload("matches", args);
    return Truth::kOther;
  }
  Bound bound(Estimate& estimate) const override {
    const Bound text = text_->bound(estimate);
    return {plus(1, text.least), plus(plus(1, text.most), text_cost(text.of.text)),
            Extent::scalar()};
  }

 private:
  NodePtr text_;
  std::shared_ptr<const RE2> pattern_;
};

class TimeFieldNode final : public Node {
 public:
  TimeFieldNode(NodePtr operand, TimeField field, std::shared_ptr<const TimeZone> zone)
      : operand_(std::move(operand)), field_(field), zone_(std::move(zone)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    const Value& operand = operand_->eval(frame, scratch);
    if (operand.kind() == Kind::kTimestamp) {
      return scratch = Value::integer(field_of(operand.as_timestamp(), field_, *zone_));
    }
    if (operand.is_error()) return operand;
    if (operand.kind() == Kind::kDuration) {
      return scratch = field_of(operand.as_duration(), field_);
    }
    const Value* args[] = {&operand};
    return scratch = no_overload("time field", args);
  }
  Bound bound(Estimate& estimate) const override {
    const Bound operand = operand_->bound(estimate);
    return {plus(1, operand.least), plus(1, operand.most), Extent::scalar()};
  }

 private:
  NodePtr operand_;
  TimeField field_;
  std::shared_ptr<const TimeZone> zone_;
};

// An item after "?": nothing when none. False: not optional.
bool unwrap_item(Value& item, bool& present) {
  present = true;
  if (item.kind() != Kind::kOptional) return false;
  present = item.has_value();
  if (present) item = Value(item.unwrapped());
  return true;
}

// The items of a list, or the keys and values of a map, whose count is charged first.
Bound of_items(Estimate& estimate, const std::vector<NodePtr>& nodes, std::size_t count) {
  Bound out{1 + nodes.size(), 1 + nodes.size(), {0, count, 1, true, false}};
  for (const NodePtr& node : nodes) {
    const Bound of = node->bound(estimate);
    if (&node == &nodes.front()) out.least = plus(out.least, of.least);
    out.most = plus(out.most, of.most);
    out.of = both(out.of, of.of);
  }
  out.of.simple_items = out.of.simple;
  out.of.simple = false;
  return out;
}

class ListNode final : public Node {
 public:
  ListNode(std::vector<NodePtr> items, std::vector<bool> optional)
      : items_(std::move(items)), optional_(std::move(optional)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    frame.steps += 1 + items_.size();
    std::vector<Value> out;
    out.reserve(items_.size());
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Value inner;
      Value item(items_[i]->eval(frame, inner));
      if (item.is_error()) return scratch = std::move(item);
      bool present = true;
      if (i < optional_.size() && optional_[i] && !unwrap_item(item, present)) {
        const Value* args[] = {&item};
        return scratch = no_overload("[?]", args);
      }
      if (present) out.push_back(std::move(item));
    }
    return scratch = Value::list(std::move(out));
  }
  Bound bound(Estimate& estimate) const override {
    return of_items(estimate, items_, items_.size());
  }

 private:
  std::vector<NodePtr> items_;
  std::vector<bool> optional_;
};

class MapNode final : public Node {
 public:
  MapNode(std::vector<NodePtr> items, std::vector<bool> optional)
      : items_(std::move(items)), optional_(std::move(optional)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    frame.steps += 1 + items_.size();
    std::vector<MapEntry> out;
    out.reserve(items_.size() / 2);
    for (std::size_t i = 0; i < items_.size(); i += 2) {
      Value inner;
      Value key(items_[i]->eval(frame, inner));
      if (key.is_error()) return scratch = std::move(key);
      Value value(items_[i + 1]->eval(frame, inner));
      if (value.is_error()) return scratch = std::move(value);
      bool present = true;
      if (i / 2 < optional_.size() && optional_[i / 2] && !unwrap_item(value, present)) {
        const Value* args[] = {&value};
        return scratch = no_overload("{?}", args);
      }
      if (present) out.push_back({std::move(key), std::move(value)});
    }
    return scratch = Value::map(std::move(out));
  }
  Bound bound(Estimate& estimate) const override {
    return of_items(estimate, items_, items_.size() / 2);
  }

 private:
  std::vector<NodePtr> items_;
  std::vector<bool> optional_;
};

}  // namespace

Value over_limit() {
  return Value::error("cost limit exceeded");
}

Value no_overload(std::string_view function, Arguments args) {
  std::string out = "no such overload: " + std::string(function) + "(";
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i != 0) out += ", ";
    out += name_of(args[i]->kind());
  }
  return Value::error(out + ")");
}

NodePtr call_node(const BuiltinEntry& entry, std::vector<NodePtr> args) {
  if (args.size() > kFewArguments) {
    return std::make_unique<LongCallNode>(entry, std::move(args));
  }
  return std::make_unique<CallNode>(entry, std::move(args));
}

NodePtr custom_call_node(FunctionBody body, std::vector<NodePtr> args) {
  return std::make_unique<CustomCallNode>(std::move(body), std::move(args));
}

NodePtr matches_node(NodePtr text, std::shared_ptr<const RE2> pattern) {
  return std::make_unique<MatchesNode>(std::move(text), std::move(pattern));
}

NodePtr time_field_node(NodePtr operand, TimeField field, std::shared_ptr<const TimeZone> zone) {
  return std::make_unique<TimeFieldNode>(std::move(operand), field, std::move(zone));
}

NodePtr list_node(std::vector<NodePtr> items, std::vector<bool> optional) {
  return std::make_unique<ListNode>(std::move(items), std::move(optional));
}

NodePtr map_node(std::vector<NodePtr> keys_and_values, std::vector<bool> optional) {
  return std::make_unique<MapNode>(std::move(keys_and_values), std::move(optional));
}

}  // namespace keyturn::cel
