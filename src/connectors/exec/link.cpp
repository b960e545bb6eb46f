#include "connectors/exec/link.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "connectors/exec/frame.h"

namespace keyturn::connectors::exec {
namespace {

constexpr int kHelperFd = 3;
constexpr Duration kRetireWait = std::chrono::minutes(5);

std::unexpected<Refusal> no_helper(const std::string& why) {
  return refuse("no_helper",
                "the exec helper cannot be reached: " + why + "; restart the server if this stays");
}

// A clean environment: nothing of the server's, where secrets may be, reaches the helper.
Result<pid_t> spawn(const HelperStart& how, int socket) {
  std::vector<std::string> words{"keyturn"};
  words.insert(words.end(), how.arguments.begin(), how.arguments.end());
  words.insert(words.end(), {"--data", how.data_folder, "--fd", std::to_string(kHelperFd)});
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string path = std::string("PATH=") + kSearchPath, lang = "LANG=C.UTF-8";
  char* env[] = {path.data(), lang.data(), nullptr};

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, 2, 1);
  ::posix_spawn_file_actions_adddup2(&actions, socket, kHelperFd);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, how.program.c_str(), &actions, &attributes, argv.data(), env);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return no_helper("cannot start " + how.program + ": " + errno_text(error));
  return pid;
}

struct Greeting {
  Isolation isolation;
  bool retiring = false;
  std::int64_t running = 0;
};

Result<Greeting> greet(int socket, const HelperStart& how) {
  const timeval limit{std::chrono::duration_cast<std::chrono::seconds>(how.patience).count(), 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const std::string hello = frame_of(
      doc::object({{"op", "hello"}, {"id", 0}, {"program", program_identity(how.program)}}));
  if (auto sent = send_all(socket, hello); !sent) return std::unexpected(sent.error());
  std::string buffer;
  auto answer = read_frame(socket, buffer);
  if (!answer) return std::unexpected(answer.error());
  const timeval forever{};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
  const doc::Value* isolation = answer->find("isolation");
  if (isolation == nullptr) return no_helper("it answered something else");
  return Greeting{isolation_from_value(*isolation), answer->flag("retiring"),
                  answer->integer("running")};
}

Result<HelperConnection> greeted(Fd socket, pid_t child, const HelperStart& how) {
  auto greeting = greet(socket.get(), how);
  if (!greeting) return std::unexpected(greeting.error());
  if (greeting->retiring && greeting->running == 0) return no_helper("it retires");
  return HelperConnection{std::move(socket), child, std::move(greeting->isolation),
                          greeting->retiring};
}

}  // namespace

Result<HelperConnection> start_helper(const HelperStart& how) {
  if (auto socket = connect_to(how.data_folder)) {
    if (auto connection = greeted(std::move(*socket), -1, how)) return connection;
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return no_helper(errno_text(errno));
  Fd ours(ends[0]);
  // Above the number it gets there: dup2 onto itself would keep close-on-exec.
  Fd theirs(::fcntl(ends[1], F_DUPFD_CLOEXEC, kHelperFd + 1));
  ::close(ends[1]);
  auto pid = spawn(how, theirs.get());
  if (!pid) return std::unexpected(pid.error());
  theirs.reset();
  auto connection = greeted(std::move(ours), *pid, how);
  if (!connection) {
    ::waitpid(*pid, nullptr, WNOHANG);
    return no_helper(connection.error().message);
  }
  return connection;
}

struct HelperLink::Shared {
  Fd socket;
  std::mutex writing;
};

HelperLink::HelperLink(net::Loop& loop, net::BlockingPool& pool, HelperStart how,
                       HelperConnection connection)
    : loop_(loop),
      pool_(pool),
      how_(std::move(how)),
      isolation_(connection.isolation),
      self_(std::make_shared<HelperLink*>(this)) {
  read_from(std::move(connection));
}

HelperLink::~HelperLink() {
  *self_ = nullptr;
  stop_reading();
  if (child_ > 0) ::waitpid(child_, nullptr, WNOHANG);
}

void HelperLink::stop_reading() {
  if (shared_) ::shutdown(shared_->socket.get(), SHUT_RDWR);
  if (reader_.joinable()) reader_.join();
  shared_.reset();
}

void HelperLink::read_from(HelperConnection connection) {
  stop_reading();
  if (child_ > 0) ::waitpid(child_, nullptr, WNOHANG);
  child_ = connection.child;
  retiring_ = connection.retiring;
  isolation_ = connection.isolation;  // another helper may find another user, or no sandbox
  shared_ = std::make_shared<Shared>();
  shared_->socket = std::move(connection.socket);
  const std::uint64_t generation = ++generation_;
  reader_ = std::thread([&loop = loop_, self = self_, shared = shared_, generation] {
    std::string buffer;
    for (bool good = true; good;) {
      auto message = read_frame(shared->socket.get(), buffer);
      good = message.has_value();
      loop.post([self, generation, message = std::move(message)]() mutable {
        if (*self != nullptr) (*self)->hear(generation, std::move(message));
      });
    }
  });
}

void HelperLink::hear(std::uint64_t generation, Result<doc::Value> message) {
  if (generation != generation_) return;
  if (message) {
    const auto asked = questions_.find(message->integer("id", -1));
    if (asked == questions_.end()) return;
    *asked->second.answer = std::move(message);
    asked->second.waiter->fire();
    questions_.erase(asked);
    return;
  }
  stop_reading();
  for (auto& [number, question] : std::exchange(questions_, {})) {
    *question.answer = refuse("helper_lost", "the exec helper ended while it was asked");
    question.waiter->fire();
  }
  retiring_ = false;
  for (const auto& waiter : std::exchange(until_gone_, {})) waiter->fire();
}

Task<Result<void>> HelperLink::connected() {
  // One coroutine connects; the others come back when it is done.
  while (connecting_) co_await loop_.sleep(std::chrono::milliseconds(5));
  if (shared_) co_return Result<void>{};
  connecting_ = true;
  const HelperStart how = how_;
  auto connection = co_await net::run_blocking(pool_, [how] { return start_helper(how); });
  connecting_ = false;
  if (!connection) co_return std::unexpected(connection.error());
  read_from(std::move(*connection));
  co_return Result<void>{};
}

Task<Result<void>> HelperLink::connected_to_ours() {
  for (;;) {
    auto ready = co_await connected();
    if (!ready || !retiring_) co_return ready;
    auto gone = std::make_shared<net::Waiter>(loop_);
    until_gone_.push_back(gone);
    const net::Woken woken = co_await gone->wait(kRetireWait);
    if (woken != net::Woken::kFired) {
      co_return no_helper(
          "a program that was started by another version of Keyturn still runs; ask again when it "
          "has ended");
    }
  }
}

Task<Result<doc::Value>> HelperLink::ask(doc::Value message, Duration patience,
                                         std::vector<Fd> descriptors) {
  const std::string_view op = message.text("op");
  const bool starts = op == "start" || op == "child" || op == "look";
  auto ready = starts ? co_await connected_to_ours() : co_await connected();
  if (!ready) co_return std::unexpected(ready.error());
  const std::int64_t number = ++last_question_;
  message.set("id", number);
  if (!descriptors.empty())
    message.set("descriptors", static_cast<std::int64_t>(descriptors.size()));
  Question question{std::make_shared<net::Waiter>(loop_),
                    std::make_shared<Result<doc::Value>>(
                        refuse("helper_slow", "the exec helper did not answer in time"))};
  questions_.emplace(number, question);
  auto sent =
      co_await net::run_blocking(pool_,
                                 [shared = shared_, frame = frame_of(message),
                                  descriptors = std::move(descriptors)]() -> Result<void> {
                                   const std::lock_guard guard(shared->writing);
                                   return send_with(shared->socket.get(), frame, descriptors);
                                 });
  if (!sent && sent.error().code == "overloaded") {
    questions_.erase(number);
    co_return refuse("no_helper", sent.error().message);
  }
  // A failed write is a lost connection: the reader notices too, and answers.
  co_await question.waiter->wait(patience);
  questions_.erase(number);
  co_return *question.answer;
}

}  // namespace keyturn::connectors::exec
