// What the tests of this folder share: a server's end of the real helper.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/random.h"
#include "connectors/executors.h"
#include "connectors/testing.h"
#include "doc/json.h"

namespace keyturn::connectors::exec::testing {

// Of the folder that this test's program stands in.
inline std::string own_program(const std::string& name) {
  return (std::filesystem::canonical("/proc/self/exe").parent_path() / name).string();
}

inline ActionId new_action() {
  SystemRandom random;
  return ActionId(make_sortable_id("act_", unix_ms(SystemClock().now()), random));
}

inline catalog::Tool tool_of(std::vector<std::string> argv) {
  catalog::Tool tool;
  tool.name = "test";
  tool.exec = std::move(argv);
  tool.timeout = std::chrono::seconds(20);
  return tool;
}

// What a server has: a data folder, a helper, an executor.
class Rig {
 public:
  Rig() { start(); }
  explicit Rig(int linger_ms) { start(own_program("keyturn_exec_helper"), linger_ms); }
  ~Rig() { stop_server(); }

  // `linger_ms`: how long the helper stays without a server.
  void start(const std::string& program = own_program("keyturn_exec_helper"), int linger_ms = 100) {
    HelperStart how{.data_folder = data_.path(), .program = program};
    how.arguments = {"exec-helper", "--linger-ms", std::to_string(linger_ms)};
    loop_ = std::make_unique<net::Loop>();
    auto connection = start_helper(how);
    REQUIRE_MESSAGE(connection, connection.error().message);
    if (connection->child > 0) helper_ = connection->child;
    isolation_ = connection->isolation;
    auto executor = make_executor(*loop_, clock_, {.helper = how}, std::move(*connection));
    REQUIRE_MESSAGE(executor, executor.error().message);
    executor_ = std::move(*executor);
  }
  // As after kill -9: connections and memory are gone.
  void stop_server() {
    executor_.reset();
    loop_.reset();
  }
  void kill_helper() {
    ::kill(helper_, SIGKILL);
    ::waitpid(helper_, nullptr, 0);
  }

  Result<gate::Described> describe(const catalog::Tool& tool, doc::Value args = doc::Object{}) {
    return connectors::testing::await(*loop_, executor_->describe(tool, std::move(args)));
  }
  Result<Outcome> execute(const catalog::Tool& tool, const doc::Value& description,
                          doc::Value args = doc::Object{}) {
    return connectors::testing::await(
        *loop_, executor_->execute({new_action(), &tool, std::move(args), description}));
  }
  Outcome run(const catalog::Tool& tool, doc::Value args = doc::Object{}) {
    const auto described = describe(tool, args);
    REQUIRE_MESSAGE(described, described.error().message);
    const auto outcome = execute(tool, described->description, args);
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    return *outcome;
  }
  Outcome recover(const ActionId& action) {
    return connectors::testing::await(*loop_, executor_->recover(action));
  }

  net::Loop& loop() { return *loop_; }
  gate::Executor& executor() { return *executor_; }
  const std::string& data() const { return data_.path(); }
  const Isolation& isolation() const { return isolation_; }

 private:
  connectors::testing::TempFolder data_;
  SystemClock clock_;
  Isolation isolation_;
  pid_t helper_ = -1;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<gate::Executor> executor_;
};

// Both ways: in a sandbox, and without one.
#define BOTH_WAYS(tool)             \
  SUBCASE("in a sandbox") {         \
    (tool).sandbox.enabled = true;  \
  }                                 \
  SUBCASE("without a sandbox") {    \
    (tool).sandbox.enabled = false; \
  }

// A pipe with a name, for a program to say something and to wait for a word. Never blocks a test
// for ever.
struct Fifo {
  explicit Fifo(const std::string& at) : path(at) {
    ::mkfifo(path.c_str(), 0666);
    ::chmod(path.c_str(), 0666);
    held.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  }
  std::string read_line() const {
    pollfd entry{held.get(), POLLIN, 0};
    if (::poll(&entry, 1, 20'000) != 1) return "nothing was said in 20 seconds";
    std::string line(200, '\0');
    const ssize_t n = ::read(held.get(), line.data(), line.size());
    line.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    while (!line.empty() && line.back() == '\n') line.pop_back();
    return line;
  }
  void write_line(const std::string& line) const { REQUIRE(write_all(held.get(), line + "\n")); }
  std::string path;
  Fd held;
};

}  // namespace keyturn::connectors::exec::testing
