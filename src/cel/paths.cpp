#include "cel/paths.h"

namespace keyturn::cel {

Slot PathTable::intern(Slot parent, std::string_view name) {
  std::string key = std::to_string(parent) + " " + std::string(name);
  if (const auto found = slots_.find(key); found != slots_.end()) return found->second;
  const std::size_t slot = size_.load(std::memory_order_relaxed);
  if (slot == kChunk * kChunks) return kNoSlot;
  auto& chunk = chunks_[slot / kChunk];
  if (!chunk) chunk = std::make_unique<std::array<PathStep, kChunk>>();
  (*chunk)[slot % kChunk] = PathStep{parent, std::string(name)};
  slots_.emplace(std::move(key), static_cast<Slot>(slot));
  size_.store(slot + 1, std::memory_order_release);
  return static_cast<Slot>(slot);
}

Slot PathTable::root(std::string_view name) {
  const std::lock_guard lock(mutex_);
  for (const auto& [known, slot] : *roots_) {
    if (known == name) return slot;
  }
  const Slot slot = intern(kNoSlot, name);
  if (slot == kNoSlot) return slot;
  auto roots = std::make_shared<Roots>(*roots_);
  roots->emplace_back(name, slot);
  roots_ = std::move(roots);
  return slot;
}

Slot PathTable::child(Slot parent, std::string_view field) {
  if (parent == kNoSlot) return kNoSlot;
  const std::lock_guard lock(mutex_);
  return intern(parent, field);
}

std::shared_ptr<const PathTable::Roots> PathTable::roots() const {
  const std::lock_guard lock(mutex_);
  return roots_;
}

std::string path_text(const PathTable& table, Slot slot) {
  const PathStep& step = table.step(slot);
  if (step.parent == kNoSlot) return step.name;
  return path_text(table, step.parent) + "." + step.name;
}

}  // namespace keyturn::cel
