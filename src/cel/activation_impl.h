// Lookup of slots, memoised.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "cel/paths.h"
#include "cel/program.h"

namespace keyturn::cel {

class Activation::Impl {
 public:
  explicit Impl(std::shared_ptr<PathTable> paths);

  PathTable* paths() const { return paths_.get(); }

  // The value at a slot: stays where it is until a root is set or cleared.
  const Value& read(Slot slot) {
    if (slot < found_.size()) {
      if (const Value* value = found_[slot]) return *value;
    }
    return look_up(slot);
  }
  Value has(Slot slot);  // has(path): a bool, or an error

  void set(std::string_view root, Value value, Resolver* resolver);
  void clear();

 private:
  struct Root {
    Slot slot = kNoSlot;
    bool is_set = false;
    Resolver* resolver = nullptr;
    Value value;
  };
  Root* find_root(Slot slot);
  const Value& look_up(Slot slot);
  const Value& remember(Slot slot, const Value& value);
  void forget();

  std::shared_ptr<PathTable> paths_;
  std::shared_ptr<const PathTable::Roots> names_;
  std::vector<Root> roots_;
  std::vector<const Value*> found_;
  std::deque<Value> owned_;  // results that are not part of a root
  bool looked_ = false;
};

}  // namespace keyturn::cel
