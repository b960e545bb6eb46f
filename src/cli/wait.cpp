#include "cli/wait.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

#include "base/bytes.h"
#include "base/percent.h"
#include "cli/action_text.h"

namespace keyturn::cli {
namespace {

using Seconds = std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

constexpr Seconds kPollFor{55};          // under what proxies usually allow
constexpr Seconds kSilencePatience{60};  // with a server that does not answer
constexpr Seconds kRetryAfter{1};
constexpr int kInterrupted = 130;  // what shells say of SIGINT

// For the signal handler, which may use nothing that allocates. Written before it is installed.
constinit std::array<char, 512> farewell_words{};
constinit std::size_t farewell_size = 0;
struct sigaction farewell_before{};

extern "C" void say_farewell(int) {
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, farewell_words.data(), farewell_size);
  ::_exit(kInterrupted);
}

// Of the terminal that stderr is. A line that wraps could not be rewritten.
std::size_t columns() {
  constexpr std::size_t kUsual = 80;
  struct winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

Seconds left_until(std::optional<SteadyClock::time_point> deadline) {
  if (!deadline) return Seconds::max();
  return std::chrono::ceil<Seconds>(*deadline - SteadyClock::now());
}

}  // namespace

std::string elapsed_text(Seconds elapsed) {
  const auto s = elapsed.count();
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string cut(std::string_view line, std::size_t columns) {
  std::size_t at = 0, wide = 0;
  while (at < line.size() && wide + 1 < columns) {
    next_code_point(line, at);
    ++wide;
  }
  return std::string(line.substr(0, at));
}

Progress::Progress(Console& console) : console_(console) {
  if (console_.err_terminal) ticker_ = std::thread([this] { tick(); });
}

Progress::~Progress() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (ticker_.joinable()) ticker_.join();
  if (drawn_ && console_.err_terminal) console_.err << "\r\x1b[K" << std::flush;
}

void Progress::say(const std::string& words, bool only_if_long) {
  const std::scoped_lock lock(mutex_);
  if (words == words_) return;
  words_ = words;
  if (!only_if_long) draw();
}

void Progress::note(const std::string& line) {
  const std::scoped_lock lock(mutex_);
  console_.err << (drawn_ && console_.err_terminal ? "\r\x1b[K" : "") << line << std::endl;
}

void Progress::draw() {
  drawn_ = true;
  const auto elapsed = std::chrono::duration_cast<Seconds>(SteadyClock::now() - start_);
  const std::string line = fmt::format("waiting {} · {}", elapsed_text(elapsed), words_);
  if (console_.err_terminal)
    console_.err << "\r\x1b[K" << on_err(console_, Tone::kDim, cut(line, columns())) << std::flush;
  else
    console_.err << line << std::endl;
}

void Progress::tick() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, Seconds(1), [this] { return stopping_; })) {
    if (!words_.empty()) draw();
  }
}

Farewell::Farewell(const std::string& words) {
  farewell_size = std::min(words.size(), farewell_words.size());
  std::copy_n(words.begin(), farewell_size, farewell_words.begin());
  struct sigaction action{};
  action.sa_handler = say_farewell;
  ::sigaction(SIGINT, &action, &farewell_before);
}

Farewell::~Farewell() {
  ::sigaction(SIGINT, &farewell_before, nullptr);
}

Farewell leave_review(const std::string& action_id) {
  return Farewell(
      fmt::format("\n{0} goes on without you. Come back to it: keyturn watch {0}\n"
                  "Take it back: keyturn cancel {0}\n",
                  one_line(action_id)));
}

Attempt<doc::Value> await_settled(Session& session, const Remote& remote, doc::Value action,
                                  std::optional<Seconds> most) {
  if (is_settled(action)) return action;
  const std::string id(action.text("id"));
  std::optional<SteadyClock::time_point> deadline;
  if (most) deadline = SteadyClock::now() + *most;
  auto silent_since = SteadyClock::now();
  bool invited = false;
  Progress progress(session.console);
  const auto say = [&] {
    if (state_of(action) == State::kPending && !std::exchange(invited, true))
      progress.note(fmt::format("{} waits for people: {}", one_line(id),
                                one_line(action.text("review_url"))));
    progress.say(outcome_line(action), state_of(action) == State::kExecuting);
  };
  say();
  const Farewell farewell = leave_review(id);
  while (!is_settled(action)) {
    const Seconds left = left_until(deadline);
    if (left <= Seconds(0)) return action;
    const std::string path = fmt::format("/v1/actions/{}?after_version={}", percent_encoded(id),
                                         action.integer("version"));
    const auto asked = SteadyClock::now();
    Attempt<doc::Value> next = remote.get(path, std::min(kPollFor, left));
    if (next) {
      silent_since = SteadyClock::now();
      action = std::move(*next);
      if (!is_settled(action)) say();
      continue;
    }
    constexpr int kUnavailable = 503;  // it starts, or stops
    const bool gone = next.error().exit == Exit::kUnreachable ||
                      next.error().problem.integer("status") == kUnavailable;
    if (!gone || asked - silent_since > kSilencePatience) return next;
    progress.say("the server does not answer, trying again");
    std::this_thread::sleep_for(kRetryAfter);
  }
  return action;
}

}  // namespace keyturn::cli
