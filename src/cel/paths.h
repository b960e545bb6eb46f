// Paths such as action.args.amount, interned to small numbers (slots). Each prefix is a path of its
// own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cel/value.h"

namespace keyturn::cel {

using Slot = std::uint32_t;
constexpr Slot kNoSlot = ~Slot{0};

struct PathStep {
  Slot parent = kNoSlot;  // kNoSlot: a root
  std::string name;       // of the field, or of the root
};

// Grows only, under a lock; what has been handed out never moves, so that it is read without one.
class PathTable {
 public:
  using Roots = std::vector<std::pair<std::string, Slot>>;

  // kNoSlot when the table is full.
  Slot root(std::string_view name);
  Slot child(Slot parent, std::string_view field);
  const PathStep& step(Slot slot) const { return (*chunks_[slot / kChunk])[slot % kChunk]; }
  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  std::shared_ptr<const Roots> roots() const;

 private:
  static constexpr std::size_t kChunk = 256;
  static constexpr std::size_t kChunks = 256;
  Slot intern(Slot parent, std::string_view name);  // the lock is held

  mutable std::mutex mutex_;
  std::array<std::unique_ptr<std::array<PathStep, kChunk>>, kChunks> chunks_;
  std::atomic<std::size_t> size_ = 0;
  std::unordered_map<std::string, Slot> slots_;  // key: parent's slot, a space, the name
  std::shared_ptr<const Roots> roots_ = std::make_shared<Roots>();
};

std::string path_text(const PathTable& table, Slot slot);  // "action.args.amount"

}  // namespace keyturn::cel
