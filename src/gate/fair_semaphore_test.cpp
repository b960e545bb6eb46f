#include "gate/fair_semaphore.h"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <vector>

#include "base/task_impl.h"

namespace keyturn::gate {
namespace {

using namespace std::chrono_literals;

struct Line {
  explicit Line(FairSemaphore::Limits limits) : turns(limits) {}

  void ask(const std::string& who) {
    const std::string name = who + std::to_string(++asked[who]);
    boost::asio::co_spawn(io, take(this, who, name), boost::asio::detached);
    run();
  }
  static Task<void> take(Line* line, std::string who, std::string name) {
    std::optional<FairSemaphore::Hold> hold = co_await line->turns.take(who);
    if (!hold) {
      line->gave_up.push_back(name);
      co_return;
    }
    line->order.push_back(name);
    line->holds.emplace(name, std::move(*hold));
  }
  void leave(const std::string& name) {
    holds.erase(name);
    run();
  }
  void run() {
    io.restart();
    io.poll();
  }

  boost::asio::io_context io;
  FairSemaphore turns;
  std::map<std::string, int> asked;
  std::vector<std::string> order, gave_up;
  std::map<std::string, FairSemaphore::Hold> holds;
};

using Names = std::vector<std::string>;

TEST_CASE("one who asks for much leaves room for others, and goes on as it is done") {
  Line line({.all = 3, .of_one = 2, .patience = 1h});
  for (int i = 0; i < 4; ++i) line.ask("a");
  CHECK(line.order == Names{"a1", "a2"});
  line.ask("b");
  CHECK(line.order == Names{"a1", "a2", "b1"});
  line.leave("a1");
  CHECK(line.order == Names{"a1", "a2", "b1", "a3"});
}

TEST_CASE("whoever has the fewest under way is next, then who came first") {
  Line line({.all = 2, .of_one = 2, .patience = 1h});
  for (int i = 0; i < 3; ++i) line.ask("a");
  line.ask("b");
  line.ask("c");
  line.leave("a1");
  CHECK(line.order == Names{"a1", "a2", "b1"});
  line.leave("a2");
  CHECK(line.order == Names{"a1", "a2", "b1", "a3"});
  line.leave("b1");
  CHECK(line.order.back() == "c1");
}

TEST_CASE("patience ends, and takes no place from anybody") {
  Line line({.all = 1, .of_one = 1, .patience = 1ms});
  line.ask("a");
  line.ask("b");
  line.io.restart();
  line.io.run();  // until its time is over
  CHECK(line.gave_up == Names{"b1"});
  line.leave("a1");
  line.ask("b");
  CHECK(line.order == Names{"a1", "b2"});
}

TEST_CASE("a place may outlive the line") {
  std::optional<FairSemaphore::Hold> left;
  {
    Line line({.all = 1, .of_one = 1, .patience = 1h});
    line.ask("a");
    line.ask("b");
    left.emplace(std::move(line.holds.at("a1")));
  }
  left.reset();
}

}  // namespace
}  // namespace keyturn::gate
