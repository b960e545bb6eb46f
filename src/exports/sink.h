// Where items go. Every call blocks, on a thread of the export's own; one at a time.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "exports/config.h"
#include "exports/item.h"

namespace keyturn::exports {

struct Batch {
  std::vector<Item> items;  // in index order
  std::vector<LeafView> views;
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Delivered when it returns; refused: perhaps some of it was. Messages hold no secret.
  //  connection_lost  what was delivered just before may be lost, too
  //  gone             the receiver wants nothing any more
  // retry_after_s: not before then.
  [[nodiscard]] virtual Result<void> deliver(const Batch& batch) = 0;
  // What was delivered outlives this machine's power. Before a cursor moves.
  [[nodiscard]] virtual Result<void> sync() { return {}; }
};

// `stopping`: set from another thread; a call that waits returns soon then.
using Stopping = std::shared_ptr<const std::atomic<bool>>;
std::unique_ptr<Sink> make_sink(const Export& wanted, Stopping stopping);

}  // namespace keyturn::exports
