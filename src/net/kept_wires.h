// Connections that wait for their next exchange. Internal to net/.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "net/loop.h"
#include "net/wire.h"

namespace keyturn::net {

// I/O thread only. Those that nobody takes are closed in time.
class KeptWires {
 public:
  KeptWires(Loop& loop, std::size_t per_host_max);

  // The one that was used last; null: none is there that still is open.
  std::unique_ptr<Wire> take(const std::string& where);
  void keep(const std::string& where, std::unique_ptr<Wire> wire, Duration most);

 private:
  struct Shelf;
  static Task<void> clear(Loop& loop, std::weak_ptr<Shelf> shelf);
  Loop& loop_;
  std::size_t per_host_max_;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace keyturn::net
