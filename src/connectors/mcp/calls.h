// Where a released call meets the client that waits for it: the gate starts an execution on its own
// task, the client's connection lives in another.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "gate/executor.h"
#include "model/action.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

class Attendant {
 public:
  virtual ~Attendant() = default;
  // Sends the call to the server and everything that comes back to the client. A refusal: nothing
  // was sent.
  virtual Task<Result<Outcome>> run(gate::Order order) = 0;
};

class Calls {
 public:
  explicit Calls(net::Loop& loop) : loop_(loop) {}
  // One attendant an action; it stays until it is taken or leaves.
  void attend(const ActionId& action, std::shared_ptr<Attendant> attendant);
  void leave(const ActionId& action);
  // Takes the attendant, waiting a moment for one that is just coming. Null: nobody came.
  Task<std::shared_ptr<Attendant>> take(ActionId action, Duration most);

 private:
  struct Place {
    std::shared_ptr<Attendant> attendant;
    std::shared_ptr<net::Waiter> waiter;  // of the executor, while it waits
  };
  net::Loop& loop_;
  std::map<std::string, Place> places_;
};

}  // namespace keyturn::connectors::mcp
