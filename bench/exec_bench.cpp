// Prints how long an execution of /bin/true takes from order to outcome (copies, digests, spool,
// start, end), in a sandbox and without, with a small and a large server; beside posix_spawn of the
// same program. Milliseconds.
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/random.h"
#include "base/task_impl.h"
#include "connectors/executors.h"

namespace {

using namespace keyturn;
using Clock = std::chrono::steady_clock;

constexpr int kRuns = 200;

void print(const char* name, std::vector<double> ms) {
  std::ranges::sort(ms);
  std::printf("%-44s p50 %6.2f  p95 %6.2f  p99 %6.2f\n", name, ms[ms.size() / 2],
              ms[ms.size() * 95 / 100], ms[ms.size() * 99 / 100]);
}

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void spawn_bare() {
  std::vector<double> ms;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = Clock::now();
    char name[] = "true";
    char* argv[] = {name, nullptr};
    pid_t pid = -1;
    if (::posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environ) != 0) std::abort();
    ::waitpid(pid, nullptr, 0);
    ms.push_back(since(start));
  }
  print("posix_spawn of /bin/true", std::move(ms));
}

Task<void> measure(net::Loop& loop, gate::Executor& executor, const catalog::Tool& tool,
                   const char* name) {
  SystemRandom random;
  auto described = co_await executor.describe(tool, doc::Object{});
  if (!described) {
    std::printf("%s: %s\n", name, described.error().message.c_str());
    loop.stop();
    co_return;
  }
  std::vector<double> ms;
  for (int i = 0; i < kRuns; ++i) {
    gate::Order order{ActionId(make_sortable_id("act_", unix_ms(SystemClock().now()), random)),
                      &tool, doc::Object{}, described->description};
    const auto start = Clock::now();
    auto outcome = co_await executor.execute(std::move(order));
    ms.push_back(since(start));
    if (!outcome || outcome->kind != OutcomeKind::kSucceeded) std::abort();
  }
  print(name, std::move(ms));
  loop.stop();
}

}  // namespace

int main() {
  std::string folder = "/tmp/keyturn-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  connectors::exec::HelperStart how{.data_folder = folder};
  how.program =
      (std::filesystem::canonical("/proc/self/exe").parent_path() / "keyturn_exec_helper").string();
  how.arguments = {"exec-helper", "--linger-ms", "10"};
  auto connection = connectors::exec::start_helper(how);
  if (!connection) {
    std::fprintf(stderr, "%s\n", connection.error().message.c_str());
    return 1;
  }
  net::Loop loop;
  SystemClock clock;
  {
    auto executor = connectors::make_executor(loop, clock, {.helper = how}, std::move(*connection));
    if (!executor) return 1;
    catalog::Tool tool;
    tool.name = "true";
    tool.exec = {"/bin/true"};
    const auto run = [&](const char* name) {
      loop.spawn(measure(loop, **executor, tool, name));
      loop.run();
    };
    spawn_bare();
    run("order to outcome, sandboxed");
    std::vector<char> ballast(std::size_t{1} << 30, 'x');
    run("order to outcome, sandboxed, server of 1 GiB");
    tool.sandbox.enabled = false;
    run("order to outcome, without a sandbox");
    std::printf("(server memory held: %zu MiB)\n", ballast.size() >> 20);
  }
  std::filesystem::remove_all(folder);
  return 0;
}
