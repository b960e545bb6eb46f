// Teams sends a request again when the answer is late or lost: it is done once, and answered the
// same.
//
// Threads: the I/O thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/time.h"
#include "net/loop.h"

namespace keyturn::channels::teams {

class Once {
 public:
  static constexpr Duration kKept = std::chrono::hours(2);  // longer than a token of theirs lasts
  static constexpr std::size_t kMax = 10'000, kAnswersMax = 200;
  static constexpr Duration kWaitMax = std::chrono::seconds(20);

  Once(net::Loop& loop, const Clock& clock) : loop_(loop), clock_(clock) {}

  // What `work` gave for this key, now or before; "" when that does not come in kWaitMax, or was
  // more than kAnswersMax keys ago.
  Task<std::string> run(std::string key, std::function<Task<std::string>()> work);

 private:
  struct Entry {
    Time at;
    bool done = false;
    std::string answer;
    std::vector<std::shared_ptr<net::Waiter>> waiting;
  };
  void forget_old();
  void done(const std::shared_ptr<Entry>& entry);

  net::Loop& loop_;
  const Clock& clock_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::deque<std::string> order_;
  std::deque<std::weak_ptr<Entry>> answered_;
};

}  // namespace keyturn::channels::teams
