// keyturn mcp: the MCP server that an agent starts, with Keyturn in between.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "cli/bridge/attachment.h"
#include "cli/bridge/bridge.h"
#include "cli/bridge/process.h"
#include "cli/commands.h"

namespace keyturn::cli {
namespace {

using bridge::Attachment;
using bridge::Bridge;
using bridge::Door;
using bridge::Outlet;
using bridge::Process;
using std::chrono::milliseconds;

constexpr std::size_t kMessageBytesMax = 16 << 20;
constexpr milliseconds kLastAnswers{1'000};  // after the client has said its last
constexpr milliseconds kTerm{2'000}, kKill{5'000}, kKillAfterSignal{3'000};
constexpr milliseconds kLastWords{2'000};  // of a server that has ended
constexpr int kSignalled = 128, kNoProgram = 127, kCannotStart = 126;

struct McpWords {
  std::string upstream;
  std::vector<std::string> command;
};

// Signals, as something to poll. Before there are threads, which inherit what is blocked.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int one : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, one);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    ::signal(SIGPIPE, SIG_IGN);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~Signals() {
    ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int descriptor() const { return fd_; }
  int take() const {
    signalfd_siginfo heard{};
    return ::read(fd_, &heard, sizeof heard) == sizeof heard ? static_cast<int>(heard.ssi_signo)
                                                             : SIGTERM;
  }

 private:
  int fd_ = -1;
  sigset_t before_{};
};

struct End {
  enum class Kind { kClient, kSignal, kServer } kind = Kind::kClient;
  int signal = 0;
};

// The client's lines, out of the bytes that it writes.
class Lines {
 public:
  void feed(std::string_view bytes, Bridge& to) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      if (pending_.size() + part.size() > kMessageBytesMax) too_large_ = true;
      if (!too_large_) pending_ += part;
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
      // What is too large is no message, and is answered as such.
      to.take(std::exchange(too_large_, false) ? "(a line of more than 16 MiB)"
                                               : std::move(pending_));
      pending_.clear();
    }
  }

 private:
  std::string pending_;
  bool too_large_ = false;
};

End listen_to_client(Bridge& bridge, const Outlet& outlet, const Signals& signals,
                     const Process* process) {
  constexpr int kLook = 1'000;  // ms: whether the client still reads
  Lines lines;
  std::array<char, 64 * 1024> bytes{};
  for (;;) {
    std::array<pollfd, 3> look = {{{.fd = STDIN_FILENO, .events = POLLIN},
                                   {.fd = signals.descriptor(), .events = POLLIN},
                                   {.fd = process ? process->descriptor() : -1, .events = POLLIN}}};
    ::poll(look.data(), look.size(), kLook);
    if (look[1].revents != 0) return {End::Kind::kSignal, signals.take()};
    if (look[2].revents != 0) return {End::Kind::kServer};
    if (outlet.is_closed()) return {};
    if (look[0].revents == 0) continue;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    lines.feed({bytes.data(), static_cast<std::size_t>(got)}, bridge);
  }
}

std::string ending_of(const std::vector<std::string>& command, int code) {
  if (code > kSignalled)
    return fmt::format("the MCP server ({}) was ended by signal {}", command.front(),
                       code - kSignalled);
  return fmt::format("the MCP server ({}) ended with exit code {}", command.front(), code);
}

int run_upstream(const Environment& environment, const std::string& upstream) {
  const Signals signals;
  Outlet outlet;
  Door door(environment, upstream);
  Bridge bridge(door, outlet, nullptr);
  const End end = listen_to_client(bridge, outlet, signals, nullptr);
  if (end.kind == End::Kind::kClient) bridge.drain(kLastAnswers);
  bridge.stop();
  return end.kind == End::Kind::kSignal ? kSignalled + end.signal : code(Exit::kOk);
}

int run_command(const Environment& environment, const std::string& upstream,
                const std::vector<std::string>& command) {
  const Signals signals;
  Outlet outlet;
  Result<std::unique_ptr<Process>> started = Process::start(command);
  if (!started) {
    outlet.say(started.error().message);
    return started.error().code == "no_program" ? kNoProgram : kCannotStart;
  }
  Process& process = **started;
  Door door(environment, upstream);
  Attachment attachment(environment, upstream, process, outlet);
  Bridge bridge(door, outlet, &attachment);
  const End end = listen_to_client(bridge, outlet, signals, &process);
  int exit = code(Exit::kOk);
  switch (end.kind) {
    case End::Kind::kClient:
      bridge.drain(kLastAnswers);
      (void)process.end(kTerm, kKill);
      break;
    case End::Kind::kSignal:
      (void)process.end(milliseconds(0), kKillAfterSignal);
      exit = kSignalled + end.signal;
      break;
    case End::Kind::kServer:
      exit = process.end(milliseconds(0), kKill);
      attachment.drain(kLastWords);
      bridge.drain(kLastAnswers);
      outlet.say(ending_of(command, exit));
      bridge.fail_all(ending_of(command, exit));
      break;
  }
  bridge.stop();
  attachment.stop();
  return exit;
}

void run_mcp(Session& session, const McpWords& words) {
  if (words.upstream.empty() && words.command.empty()) {
    session.exit = complain(session, usage("say which MCP server: --upstream NAME (of Keyturn's "
                                           "tools.yaml), or -- COMMAND… to run one here")
                                         .error());
    return;
  }
  session.console.out.flush();
  session.exit =
      words.command.empty()
          ? run_upstream(session.environment, words.upstream)
          : run_command(session.environment, words.upstream.empty() ? "local" : words.upstream,
                        words.command);
}

}  // namespace

void add_mcp(CLI::App& app, Session& session) {
  CLI::App* mcp = app.add_subcommand(
      "mcp", "Be an MCP server on stdin and stdout, every tool call through Keyturn");
  auto words = std::make_shared<McpWords>();
  mcp->add_option("--upstream", words->upstream,
                  "A name under upstreams of Keyturn's tools.yaml (with a COMMAND: \"local\")");
  mcp->add_option("COMMAND", words->command,
                  "After --: an MCP server to run here, beside the agent, with its arguments");
  mcp->footer(
      "For the configuration of an agent: {\"command\": \"keyturn\", \"args\": [\"mcp\", "
      "\"--upstream\", \"files\"],\n"
      "\"env\": {\"KEYTURN_URL\": …, \"KEYTURN_TOKEN\": …}}. With a COMMAND, tools.yaml says "
      "\"attached: true\" of the\n"
      "upstream; the command has the agent's environment, without KEYTURN_TOKEN. Words for people "
      "are on stderr.\n"
      "A Keyturn that starts again is waited for. Ends when the client closes stdin (0), when the "
      "command ends\n"
      "(its exit code; 127: there is none), or by a signal (128 + its number).");
  mcp->callback([&session, words] { run_mcp(session, *words); });
}

}  // namespace keyturn::cli
