// Comprehensions. Each goes through a list (elements, or index and element) or a map (keys, or key
// and value).
#include <algorithm>

#include "cel/nodes.h"

namespace keyturn::cel {
namespace {

// Steps through a range with the variables set. `visit` returns false to stop.
class Range {
 public:
  Range(Frame& frame, const Loop& loop) : frame_(frame), loop_(loop) {}

  // Null pointer: gone through (or stopped). Else what is wrong.
  template <class Visit>
  const Value* go(Visit visit) {
    const Value& range = loop_.range->eval(frame_, scratch_);
    if (range.is_list()) return list(range, visit);
    if (range.is_map()) return map(range, visit);
    if (range.is_error()) return &range;
    const Value* args[] = {&range};
    return &(problem_ = no_overload("comprehension", args));
  }

 private:
  template <class Visit>
  const Value* list(const Value& range, Visit visit) {
    std::int64_t index = 0;
    Value index_value;
    for (const Value& item : range.items()) {
      if (!frame_.charge(1)) return exhausted();
      if (loop_.two) {
        index_value = Value::integer(index++);
        frame_.locals[loop_.depth] = &index_value;
        frame_.locals[loop_.depth + 1] = &item;
      } else {
        frame_.locals[loop_.depth] = &item;
      }
      if (!visit()) break;
    }
    return nullptr;
  }

  template <class Visit>
  const Value* map(const Value& range, Visit visit) {
    for (const MapEntry& entry : range.entries()) {
      if (!frame_.charge(1)) return exhausted();
      frame_.locals[loop_.depth] = &entry.key;
      if (loop_.two) frame_.locals[loop_.depth + 1] = &entry.value;
      if (!visit()) break;
    }
    return nullptr;
  }

  const Value* exhausted() { return &(problem_ = over_limit()); }

  Frame& frame_;
  const Loop& loop_;
  Value scratch_;
  Value problem_;
};

// The range, and for each element a step and the parts.
Bound of_loop(Estimate& estimate, const Loop& loop, const NodePtr& filter, const NodePtr& part,
              Bound* each = nullptr) {
  const Bound range = loop.range->bound(estimate);
  const Extent element = range.of.element();
  estimate.set_local(loop.depth, loop.two ? either(element, Extent::scalar()) : element);
  if (loop.two) estimate.set_local(loop.depth + 1, element);
  const Bound of_part = part->bound(estimate);
  Amount turn = plus(1, of_part.most);
  if (filter) turn = plus(turn, filter->bound(estimate).most);
  if (each != nullptr) *each = of_part;
  return {plus(1, range.least), plus(plus(1, range.most), times(range.of.items, turn)), range.of};
}

// A list or a map of what the part gives for each element, each time `entries` of them.
Extent collected(const Extent& range, const Extent& part, Amount entries) {
  Extent out = either(range, part);
  out.items = std::max(times(range.items, entries), part.items);
  out.values = plus(1, times(range.items, plus(part.values, 1)));
  out.simple = false;
  return out;
}

Value predicate_error(Value value) {
  if (value.is_error()) return value;
  const Value* args[] = {&value};
  return no_overload("condition", args);
}

Truth other_value(Value& scratch, const Value& value) {
  scratch = Value(value);
  return Truth::kOther;
}

class QuantifierNode final : public ConditionNode {
 public:
  QuantifierNode(Loop loop, NodePtr predicate, bool all)
      : loop_(std::move(loop)),
        predicate_(std::move(predicate)),
        deciding_(all ? Truth::kFalse : Truth::kTrue) {}

  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    bool decided = false;
    bool failed = false;
    Value error;
    Range range(frame, loop_);
    const Value* problem = range.go([&] {
      const Truth truth = predicate_->test(frame, scratch);
      decided = truth == deciding_;
      if (truth == Truth::kOther && !failed) {
        failed = true;
        error = predicate_error(std::move(scratch));
      }
      return !decided;
    });
    if (problem != nullptr) return other_value(scratch, *problem);
    if (decided) return deciding_;
    if (failed) return other_value(scratch, error);
    return truth_of(deciding_ == Truth::kFalse);
  }
  Bound bound(Estimate& estimate) const override {
    const Bound out = of_loop(estimate, loop_, nullptr, predicate_);
    return {out.least, out.most, Extent::scalar()};
  }

 private:
  Loop loop_;
  NodePtr predicate_;
  Truth deciding_;
};

class ExistsOneNode final : public ConditionNode {
 public:
  ExistsOneNode(Loop loop, NodePtr predicate)
      : loop_(std::move(loop)), predicate_(std::move(predicate)) {}

  Truth test(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    std::size_t count = 0;
    bool failed = false;
    Range range(frame, loop_);
    const Value* problem = range.go([&] {
      const Truth truth = predicate_->test(frame, scratch);
      failed = truth == Truth::kOther;
      count += truth == Truth::kTrue ? 1 : 0;
      return !failed;
    });
    if (problem != nullptr) return other_value(scratch, *problem);
    if (failed) return other_value(scratch, predicate_error(std::move(scratch)));
    return truth_of(count == 1);
  }
  Bound bound(Estimate& estimate) const override {
    const Bound out = of_loop(estimate, loop_, nullptr, predicate_);
    return {out.least, out.most, Extent::scalar()};
  }

 private:
  Loop loop_;
  NodePtr predicate_;
};

// Goes through a range and hands each element that passes the filter to `take`, which evaluates it
// and returns false, with the error in `error`, when that fails.
template <class Take>
Value collect(Frame& frame, const Loop& loop, const NodePtr& filter, Take take) {
  ++frame.steps;
  bool failed = false;
  Value error;
  Range range(frame, loop);
  const Value* problem = range.go([&] {
    if (filter) {
      const Truth truth = filter->test(frame, error);
      if (truth == Truth::kFalse) return true;
      if (truth == Truth::kOther) {
        failed = true;
        error = predicate_error(std::move(error));
        return false;
      }
    }
    failed = !take(error);
    return !failed;
  });
  if (problem != nullptr) return *problem;
  return failed ? std::move(error) : Value();
}

class CollectNode final : public Node {
 public:
  CollectNode(Loop loop, NodePtr filter, NodePtr item)
      : loop_(std::move(loop)), filter_(std::move(filter)), item_(std::move(item)) {}

  const Value& eval(Frame& frame, Value& scratch) const override {
    std::vector<Value> out;
    Value error = collect(frame, loop_, filter_, [&](Value& inner) {
      const Value& item = item_->eval(frame, inner);
      if (item.is_error()) {
        if (&item != &inner) inner = Value(item);
        return false;
      }
      out.push_back(item);
      return true;
    });
    if (error.is_error()) return scratch = std::move(error);
    return scratch = Value::list(std::move(out));
  }
  Bound bound(Estimate& estimate) const override {
    Bound item;
    Bound out = of_loop(estimate, loop_, filter_, item_, &item);
    out.of = collected(out.of, item.of, 1);
    out.of.simple_items = item.of.simple;
    return out;
  }

 private:
  Loop loop_;
  NodePtr filter_;
  NodePtr item_;
};

class CollectMapNode final : public Node {
 public:
  CollectMapNode(Loop loop, NodePtr filter, NodePtr value, bool entries)
      : loop_(std::move(loop)),
        filter_(std::move(filter)),
        value_(std::move(value)),
        entries_(entries) {}

  const Value& eval(Frame& frame, Value& scratch) const override {
    std::vector<MapEntry> out;
    Value error = collect(frame, loop_, filter_, [&](Value& inner) {
      const Value& value = value_->eval(frame, inner);
      if (value.is_error()) {
        if (&value != &inner) inner = Value(value);
        return false;
      }
      if (!entries_) {
        out.push_back({*frame.locals[loop_.depth], value});
        return true;
      }
      return add_entries(frame, value, out, inner);
    });
    if (error.is_error()) return scratch = std::move(error);
    return scratch = Value::map(std::move(out));
  }
  Bound bound(Estimate& estimate) const override {
    Bound value;
    Bound out = of_loop(estimate, loop_, filter_, value_, &value);
    const Amount entries = entries_ ? value.of.items : 1;
    if (entries_) out.most = plus(out.most, times(out.of.items, entries));
    out.of = collected(out.of, value.of, entries);
    out.of.simple_items = entries_ ? value.of.simple_items : value.of.simple;
    return out;
  }

 private:
  static bool add_entries(Frame& frame, const Value& map, std::vector<MapEntry>& out,
                          Value& error) {
    if (!map.is_map()) {
      const Value* args[] = {&map};
      Value problem = no_overload("transformMapEntry", args);
      error = std::move(problem);
      return false;
    }
    if (!frame.charge(map.entries().size())) {
      error = over_limit();
      return false;
    }
    for (const MapEntry& entry : map.entries()) out.push_back(entry);
    return true;
  }

  Loop loop_;
  NodePtr filter_;
  NodePtr value_;
  bool entries_;
};

class BindNode final : public Node {
 public:
  BindNode(std::size_t depth, NodePtr value, NodePtr body)
      : depth_(depth), value_(std::move(value)), body_(std::move(body)) {}
  const Value& eval(Frame& frame, Value& scratch) const override {
    ++frame.steps;
    Value inner;
    frame.locals[depth_] = &value_->eval(frame, inner);
    // The result may be a part of `inner`, which ends here.
    const Value& result = body_->eval(frame, scratch);
    if (&result != &scratch) scratch = Value(result);
    return scratch;
  }
  Bound bound(Estimate& estimate) const override {
    const Bound value = value_->bound(estimate);
    estimate.set_local(depth_, value.of);
    const Bound body = body_->bound(estimate);
    return {plus(plus(1, value.least), body.least), plus(plus(1, value.most), body.most), body.of};
  }

 private:
  std::size_t depth_;
  NodePtr value_;
  NodePtr body_;
};

}  // namespace

NodePtr quantifier_node(Loop loop, NodePtr predicate, bool all) {
  return std::make_unique<QuantifierNode>(std::move(loop), std::move(predicate), all);
}
NodePtr exists_one_node(Loop loop, NodePtr predicate) {
  return std::make_unique<ExistsOneNode>(std::move(loop), std::move(predicate));
}
NodePtr collect_node(Loop loop, NodePtr filter, NodePtr item) {
  return std::make_unique<CollectNode>(std::move(loop), std::move(filter), std::move(item));
}
NodePtr collect_map_node(Loop loop, NodePtr filter, NodePtr value) {
  return std::make_unique<CollectMapNode>(std::move(loop), std::move(filter), std::move(value),
                                          false);
}
NodePtr collect_entries_node(Loop loop, NodePtr filter, NodePtr entries) {
  return std::make_unique<CollectMapNode>(std::move(loop), std::move(filter), std::move(entries),
                                          true);
}
NodePtr bind_node(std::size_t depth, NodePtr value, NodePtr body) {
  return std::make_unique<BindNode>(depth, std::move(value), std::move(body));
}

}  // namespace keyturn::cel
