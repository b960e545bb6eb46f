// What a program cannot do, shown with real programs: keyturn_exec_probe tries it.
#include <sys/socket.h>
#include <sys/un.h>

#include <map>
#include <sstream>
#include <thread>

#include "connectors/exec/limits.h"
#include "connectors/exec/testing.h"

namespace keyturn::connectors::exec {
namespace {

using connectors::testing::read_file;
using connectors::testing::TempFolder;
using connectors::testing::write_file;
using testing::Fifo;
using testing::Rig;
using testing::tool_of;
using namespace std::chrono_literals;

catalog::Tool probe(std::vector<std::string> words) {
  words.insert(words.begin(), testing::own_program("keyturn_exec_probe"));
  return tool_of(std::move(words));
}

// "ptrace: EPERM" -> {"ptrace", "EPERM"}
std::map<std::string, std::string> answers(const std::string& text) {
  std::map<std::string, std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.rfind(": ");
    if (colon != std::string::npos) out[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return out;
}

int number_in(const Outcome& outcome) {
  CAPTURE(outcome.reason);
  CAPTURE(outcome.stderr_text);
  REQUIRE(!outcome.stdout_text.empty());
  return std::stoi(outcome.stdout_text);
}

bool is_usual(const std::string& call) {
  return call == "socket unix" || call == "socket inet" || call == "socket inet6" ||
         call == "socket netlink" || call == "unshare files";
}

}  // namespace

TEST_CASE("a sandboxed program is refused the system calls that no tool needs") {
  Rig rig;
  auto tool = probe({"calls"});
  const auto got = answers(rig.run(tool).stdout_text);
  CHECK(got.size() > 40);
  for (const auto& [call, answer] : got) {
    CAPTURE(call);
    if (is_usual(call))
      CHECK(answer == "done");
    else if (call.starts_with("socket "))
      CHECK(answer == "EAFNOSUPPORT");
    else
      CHECK(answer == (call == "clone3" ? "ENOSYS" : "EPERM"));
  }
  tool.sandbox.network = true;
  CHECK(answers(rig.run(tool).stdout_text) == got);
  // It is the filter that refuses, and no other barrier: without it these get further.
  tool.sandbox = {.enabled = false};
  const auto open = answers(rig.run(tool).stdout_text);
  for (const char* call : {"ptrace", "process_vm_readv", "kcmp", "pidfd_getfd", "keyctl", "clone3",
                           "add_key", "io_uring_enter", "setns", "ioctl TIOCSTI"}) {
    CAPTURE(call);
    CHECK(open.at(call) != got.at(call));
  }
}

TEST_CASE("a program of another architecture does not run in a sandbox") {
#if defined(__x86_64__)
  Rig rig;
  const TempFolder folder(0755);
  // 32-bit: exit(7) as its whole text.
  constexpr unsigned char program[] = {
      0x7f, 'E',  'L',  'F', 1,    1,    1, 0, 0,    0,    0, 0, 0,    0, 0,    0,   2, 0, 3, 0,
      1,    0,    0,    0,   0x54, 0x80, 4, 8, 0x34, 0,    0, 0, 0,    0, 0,    0,   0, 0, 0, 0,
      0x34, 0,    0x20, 0,   1,    0,    0, 0, 0,    0,    0, 0, 1,    0, 0,    0,   0, 0, 0, 0,
      0,    0x80, 4,    8,   0,    0x80, 4, 8, 0x60, 0,    0, 0, 0x60, 0, 0,    0,   5, 0, 0, 0,
      0,    0x10, 0,    0,   0xb8, 1,    0, 0, 0,    0xbb, 7, 0, 0,    0, 0xcd, 0x80};
  const std::string path = folder.path() + "/small";
  write_file(path, std::string(reinterpret_cast<const char*>(program), sizeof program), 0755);
  auto tool = tool_of({path});
  const Outcome outcome = rig.run(tool);
  CHECK(outcome.kind == OutcomeKind::kFailed);
  CHECK(outcome.exit_code != 7);
#endif
}

TEST_CASE("a fork bomb is bounded, and ended") {
  Rig rig;
  auto tool = probe({"fork", "2000"});
  tool.limits.processes = 30;
  CHECK(number_in(rig.run(tool)) == 29);  // and itself
  tool.limits = {};
  CHECK(number_in(rig.run(tool)) == 255);
  const TempFolder folder(0755);
  Fifo said(folder.path() + "/said");
  auto bomb = tool_of({"/bin/sh", "-c", "exec 3>" + said.path + "; b() { b | b & }; b; wait"});
  bomb.sandbox.read_write = {said.path};
  bomb.limits.processes = 20;
  bomb.timeout = 500ms;
  const Fd ours(::open(said.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  said.held.reset();
  const Outcome outcome = rig.run(bomb);
  CAPTURE(outcome.reason);
  pollfd closed{ours.get(), POLLIN, 0};
  CHECK(::poll(&closed, 1, 20'000) == 1);  // end of file: none of it is left
  char byte = 0;
  CHECK(::read(ours.get(), &byte, 1) == 0);
}

TEST_CASE("one execution's processes are not counted against another's") {
  Rig first, second;
  const TempFolder folder(0755);
  const Fifo said(folder.path() + "/said"), go(folder.path() + "/go");
  auto holds = probe({"fork-and-wait", "25", said.path, go.path});
  holds.sandbox.read_write = {said.path, go.path};
  holds.limits.processes = 30;
  std::thread holding([&] { CHECK(number_in(first.run(holds)) == 25); });
  CHECK(said.read_line() == "up");
  auto tool = probe({"fork", "25"});
  tool.limits.processes = 30;
  CHECK(number_in(second.run(tool)) == 25);
  go.write_line("go");
  holding.join();
}

TEST_CASE("memory, open files and the size of files are bounded") {
  Rig rig;
  const TempFolder folder(0755);
  const std::string path = folder.path() + "/out";
  write_file(path, "", 0666);
  auto memory = probe({"allocate", "400"});
  memory.limits.memory_bytes = 64 << 20;
  auto files = probe({"open", "2000"});
  files.limits.open_files = 300;
  auto size = probe({"write", "100", path});
  size.limits.file_bytes =
      204'800;  // more than the probe itself, which bwrap lays into the sandbox
  size.sandbox.read_write = {path};
  const auto sandboxed = [&](bool enabled) {
    for (catalog::Tool* tool : {&memory, &files, &size}) tool->sandbox.enabled = enabled;
  };
  SUBCASE("in a sandbox") {}
  SUBCASE("without a sandbox") {
    sandboxed(false);
  }
  const int megabytes = number_in(rig.run(memory));
  CHECK(megabytes > 20);
  CHECK(megabytes < 64);
  const int descriptors = number_in(rig.run(files));
  CHECK(descriptors > 280);
  CHECK(descriptors < 300);
  const Outcome cut = rig.run(size);
  CHECK(cut.kind == OutcomeKind::kFailed);
  CHECK(cut.reason.find(std::to_string(SIGXFSZ)) != std::string::npos);
  CHECK(read_file(path).size() == 204'800);
}

TEST_CASE("a program larger than the files that it may write runs in a sandbox") {
  Rig rig;
  const TempFolder folder(0755);
  const std::string path = folder.path() + "/out";
  write_file(path, "", 0666);
  auto tool = probe({"write", "100", path});
  tool.limits.file_bytes = 8192;
  tool.sandbox.read_write = {path};
  const Outcome cut = rig.run(tool);
  CHECK(cut.reason.find(std::to_string(SIGXFSZ)) != std::string::npos);
  CHECK(read_file(path).size() == 8192);
}

TEST_CASE("a program that crashes leaves no core file, wherever it stands") {
  Rig rig;
  const TempFolder folder(0777);
  auto tool = probe({"abort"});
  tool.cwd = folder.path();
  tool.sandbox.read_write = {folder.path()};
  BOTH_WAYS(tool)
  const Outcome outcome = rig.run(tool);
  CHECK(outcome.kind == OutcomeKind::kFailed);
  CHECK(outcome.reason.find("signal 6") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
  auto limits = tool_of({"/bin/cat", "/proc/self/limits"});
  limits.sandbox = tool.sandbox;
  // One byte, not none: then a crash handler is not started either.
  CHECK(rig.run(limits).stdout_text.find("Max core file size        1                    1") !=
        std::string::npos);
}

TEST_CASE("a program reaches no socket in the data folder, whatever its tool binds") {
  Rig rig;
  const std::string path = rig.data() + "/admin.sock";
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{.sun_family = AF_UNIX};
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  REQUIRE(::listen(listener.get(), 5) == 0);
  // Even where its permissions say otherwise.
  ::chmod(path.c_str(), 0777);
  auto tool = probe({"connect", path});
  SUBCASE("in a sandbox that may write around it") {
    ::chmod(rig.data().c_str(), 0777);
    tool.sandbox.read_write = {"/tmp"};
    tool.sandbox.network = true;
  }
  SUBCASE("without a sandbox, as another user") {
    tool.sandbox.enabled = false;
    if (!rig.isolation().drops_user) return;
  }
  const Outcome outcome = rig.run(tool);
  CAPTURE(outcome.stdout_text);
  CHECK((outcome.stdout_text == "EACCES\n" || outcome.stdout_text == "ENOENT\n"));
  pollfd waiting{listener.get(), POLLIN, 0};
  CHECK(::poll(&waiting, 1, 0) == 0);
}

TEST_CASE("limits are part of what is reviewed") {
  Rig rig;
  auto tool = tool_of({"/bin/true"});
  const auto described = rig.describe(tool);
  REQUIRE(described);
  CHECK(doc::write_json(*described->description.find("limits")) ==
        R"({"memory":"4GiB","processes":256,"open_files":1024,"file_size":"16GiB"})");
  tool.limits.processes = 300;
  CHECK(rig.execute(tool, described->description).error().code == "drift");
}

}  // namespace keyturn::connectors::exec
