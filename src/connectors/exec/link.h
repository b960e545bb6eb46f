// The server's end of the exec helper.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "connectors/exec/isolation.h"
#include "connectors/fd.h"
#include "doc/value.h"
#include "net/blocking.h"
#include "net/loop.h"

namespace keyturn::connectors::exec {

struct HelperStart {
  std::string data_folder;                 // absolute, 0700
  std::string program = "/proc/self/exe";  // run as: program exec-helper --data … --fd …
  std::vector<std::string> arguments{"exec-helper"};
  Duration patience = std::chrono::seconds(10);  // for its hello
};

// A connection to a helper that said hello.
struct HelperConnection {
  Fd socket;
  pid_t child = -1;  // when we started it
  Isolation isolation;
  // Of another version, with programs that still run: it tells of them, and starts nothing more.
  bool retiring = false;
};

// Connects to the helper that runs, or starts one by posix_spawn with a clean environment. One of
// another version (the server was updated) is retired; once it has nothing to do another is
// started. Blocking. Call it first thing in main: a process is started fastest from a small one.
// Refuses no_helper.
Result<HelperConnection> start_helper(const HelperStart& how);

// Asks the helper, many questions at a time; when it is gone, connects again or starts another. I/O
// thread only.
class HelperLink {
 public:
  HelperLink(net::Loop& loop, net::BlockingPool& pool, HelperStart how,
             HelperConnection connection);
  ~HelperLink();
  HelperLink(const HelperLink&) = delete;
  HelperLink& operator=(const HelperLink&) = delete;

  // The helper's answer to `message`. Refuses helper_lost: the question may or may not have
  // arrived; no_helper: it did not; helper_slow: no answer within `patience`. An order to start
  // something waits, for a time, until a helper that retires is gone.
  // `descriptors` go with it (SCM_RIGHTS), and are closed here.
  Task<Result<doc::Value>> ask(doc::Value message, Duration patience,
                               std::vector<Fd> descriptors = {});

  const Isolation& isolation() const { return isolation_; }

 private:
  struct Question {
    std::shared_ptr<net::Waiter> waiter;
    std::shared_ptr<Result<doc::Value>> answer;
  };
  struct Shared;  // what the reader's thread may touch

  Task<Result<void>> connected();
  Task<Result<void>> connected_to_ours();
  void read_from(HelperConnection connection);
  void hear(std::uint64_t generation, Result<doc::Value> message);
  void stop_reading();

  net::Loop& loop_;
  net::BlockingPool& pool_;
  HelperStart how_;
  Isolation isolation_;
  std::shared_ptr<Shared> shared_;  // null while there is no connection
  std::shared_ptr<HelperLink*> self_;
  std::thread reader_;
  pid_t child_ = -1;
  bool connecting_ = false;
  bool retiring_ = false;
  std::vector<std::shared_ptr<net::Waiter>> until_gone_;  // wait for the end of one that retires
  std::uint64_t generation_ = 0;
  std::int64_t last_question_ = 0;
  std::map<std::int64_t, Question> questions_;
};

}  // namespace keyturn::connectors::exec
