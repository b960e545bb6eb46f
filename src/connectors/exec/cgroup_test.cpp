// Real groups, where this machine lets the test make some: the folder in KEYTURN_TEST_CGROUP (with
// the controllers memory and pids on for its children), else below the root of version 2 when we
// are root and no systemd owns it. What a group does without controllers is shown there, too.
#include "connectors/exec/cgroup.h"

#include <signal.h>
#include <sys/wait.h>

#include "connectors/exec/launch.h"
#include "connectors/exec/testing.h"

namespace keyturn::connectors::exec {
namespace {

using connectors::testing::read_file;

std::string make_root() {
  if (const char* given = std::getenv("KEYTURN_TEST_CGROUP")) return given;
  if (::geteuid() != 0 || read_file("/proc/1/comm") == "systemd\n") return {};
  const std::string mount = cgroup_mount(read_file("/proc/self/mountinfo"));
  if (mount.empty()) return {};
  std::string path = mount + "/keyturn-test-XXXXXX";
  return ::mkdtemp(path.data()) == nullptr ? std::string() : path;
}

// Removes what is empty, from below.
struct Root {
  Root() : path(make_root()), given(std::getenv("KEYTURN_TEST_CGROUP") != nullptr) {}
  ~Root() {
    if (path.empty() || given) return;
    ::rmdir((path + "/keyturn").c_str());
    ::rmdir(path.c_str());
  }
  CgroupTree tree() const {
    return {path, given ? std::vector<std::string>{"memory", "pids"} : std::vector<std::string>{}};
  }
  std::string path;
  bool given;
};

pid_t start(std::vector<std::string> argv, const Cgroup& group) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Launch what{.program_path = argv[0],
              .argv = argv,
              .stdout_fd = null.get(),
              .stderr_fd = null.get(),
              .cgroup_fd = group.join_fd()};
  const auto pid = launch(what);
  REQUIRE_MESSAGE(pid, pid.error().message);
  return *pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("where a process stands is read from /proc") {
  CHECK(cgroup_path("0::/system.slice/keyturn.service\n") == "/system.slice/keyturn.service");
  CHECK(cgroup_path("9:name=systemd:/x\n4:memory:/y\n0::/\n") == "/");
  CHECK(cgroup_path("4:memory:/y\n").empty());
  CHECK(cgroup_mount("24 1 0:22 / /sys rw - sysfs sysfs rw\n"
                     "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n") ==
        "/sys/fs/cgroup");
  CHECK(cgroup_mount("35 24 0:30 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n").empty());
  CHECK(cgroup_mount("35 24 0:30 /elsewhere /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n").empty());
}

TEST_CASE("a group that nobody gave away is left alone") {
  const auto found = CgroupTree::find();
  if (found) return;  // this test runs in a delegated one
  CHECK(found.error().code == "no_cgroup");
  CHECK(found.error().message.size() > 20);
}

TEST_CASE("an execution's group holds all of it, ends all of it, and goes") {
  const Root root;
  if (root.path.empty()) return;
  CgroupTree tree = root.tree();
  auto group = tree.make("act_1", {}, 0);
  REQUIRE_MESSAGE(group, group.error().message);
  const std::string path = (*group)->path();
  // The child in a session of its own is in the group, too.
  const pid_t pid = start({"/bin/sh", "-c", "setsid sleep 1000 & exec sleep 1000"}, **group);
  while (read_file(path + "/cgroup.procs").find('\n') ==
         read_file(path + "/cgroup.procs").rfind('\n')) {
    ::sched_yield();
  }
  (*group)->kill_all();
  const int status = wait_for(pid);
  CHECK(WIFSIGNALED(status));
  while (!read_file(path + "/cgroup.procs").empty()) ::sched_yield();
  SUBCASE("with the last process") {
    group->reset();
  }
  SUBCASE("or with the next execution, when a process outlived it") {
    const pid_t left = start({"/bin/sleep", "1000"}, **group);
    group->reset();
    CHECK(std::filesystem::exists(path));
    ::kill(left, SIGKILL);
    wait_for(left);
    CHECK(tree.make("act_2", {}, 0));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("only Keyturn's own processes are moved out of the group that is divided") {
  const Root root;
  if (root.path.empty() || root.given) return;
  CgroupTree tree = root.tree();
  auto itself = std::make_unique<Cgroup>(root.path, catalog::Limits{}, 0);
  const pid_t ours = start({"/bin/sleep", "1000"}, *itself),
              other = start({"/bin/sleep", "1000"}, *itself);
  const auto refused = tree.enable({ours});
  REQUIRE(!refused);
  CHECK(refused.error().message.find(std::to_string(other)) != std::string::npos);
  CHECK_FALSE(tree.enabled());
  CHECK(tree.enable({ours, other}));
  CHECK(tree.enabled());
  CHECK(read_file(root.path + "/cgroup.procs").empty());
  for (const pid_t pid : {ours, other}) {
    ::kill(pid, SIGKILL);
    wait_for(pid);
  }
}

TEST_CASE("memory and processes are bounded for all of an execution together") {
  const Root root;
  if (!root.given) return;
  CgroupTree tree = root.tree();
  const std::string probe = testing::own_program("keyturn_exec_probe");
  SUBCASE("memory") {
    auto group = tree.make("act_memory", {.memory_bytes = 64 << 20}, 0);
    REQUIRE_MESSAGE(group, group.error().message);
    const int status = wait_for(start({probe, "allocate", "400"}, **group));
    CHECK(WIFSIGNALED(status));
    CHECK((*group)->ran_out_of_memory());
  }
  SUBCASE("processes") {
    auto group = tree.make("act_processes", {.processes = 10}, 0);
    REQUIRE_MESSAGE(group, group.error().message);
    const pid_t pid = start({"/bin/sh", "-c", probe + " fork 100 >&2; exit 0"}, **group);
    wait_for(pid);
    CHECK(read_file((*group)->path() + "/pids.events").find("max 0") == std::string::npos);
  }
  SUBCASE("limits come back after they were turned off") {
    auto group = tree.make("act_again", {.memory_bytes = 64 << 20}, 0);
    REQUIRE(group);
    const pid_t pid = start({"/bin/sleep", "1000"}, **group);
    tree.disable();
    CHECK_FALSE(std::filesystem::exists((*group)->path() + "/memory.max"));
    REQUIRE(tree.enable({}));
    CHECK((*group)->limit());
    CHECK(read_file((*group)->path() + "/memory.max") == "67108864\n");
    (*group)->kill_all();
    wait_for(pid);
  }
}

}  // namespace keyturn::connectors::exec
