// What a program is made of: a tree of nodes, each of which evaluates itself.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cel/activation_impl.h"
#include "cel/estimate.h"
#include "cel/value.h"

namespace keyturn::cel {

// One evaluation under way.
struct Frame {
  Activation::Impl* input = nullptr;
  const Value** locals = nullptr;  // variables of comprehensions and bindings, by depth
  std::uint64_t steps = 0;
  std::uint64_t limit = 0;

  bool exhausted() const { return steps > limit; }
  // Before work or memory that grows with the data. False: do not do it, return over_limit().
  [[nodiscard]] bool charge(std::uint64_t count) {
    steps += count;
    return steps <= limit;
  }
  [[nodiscard]] bool charge_text(std::size_t bytes) { return charge(1 + bytes / 16); }
};

Value over_limit();
Value no_overload(std::string_view function, std::span<const Value* const> args);

enum class Truth : std::uint8_t { kFalse, kTrue, kOther };

class Node {
 public:
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  // The result: a reference to something that stays for the whole evaluation, or to `scratch`.
  virtual const Value& eval(Frame& frame, Value& scratch) const = 0;

  // The result as a condition. kOther: neither true nor false, and `scratch` holds it (an error, or
  // no bool).
  virtual Truth test(Frame& frame, Value& scratch) const {
    const Value& value = eval(frame, scratch);
    if (value.is_bool()) return value.as_bool() ? Truth::kTrue : Truth::kFalse;
    if (&value != &scratch) scratch = Value(value);
    return Truth::kOther;
  }

  virtual const Value* constant() const { return nullptr; }

  // What eval() or test() charges, at least (when an error ends it early, too) and at most.
  virtual Bound bound(Estimate& estimate) const = 0;
};

using NodePtr = std::unique_ptr<const Node>;

// A node whose result is a bool or an error: test() is the real thing.
class ConditionNode : public Node {
 public:
  const Value& eval(Frame& frame, Value& scratch) const final {
    const Truth truth = test(frame, scratch);
    if (truth != Truth::kOther) scratch = Value::boolean(truth == Truth::kTrue);
    return scratch;
  }
};

inline Truth truth_of(bool b) {
  return b ? Truth::kTrue : Truth::kFalse;
}

class ConstantNode final : public Node {
 public:
  explicit ConstantNode(Value value) : value_(std::move(value)) {}
  const Value& eval(Frame&, Value&) const override { return value_; }
  const Value* constant() const override { return &value_; }
  Bound bound(Estimate&) const override { return {0, 0, Extent::of(value_)}; }

 private:
  Value value_;
};

// The strict functions of the language. No argument is an error.
using Arguments = std::span<const Value* const>;
using Builtin = Value (*)(Frame& frame, Arguments args);

}  // namespace keyturn::cel
