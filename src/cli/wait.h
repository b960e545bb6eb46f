// Waiting for people, in a terminal.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cli/remote.h"

namespace keyturn::cli {

// "0:07", "12:30", "1:02:03".
std::string elapsed_text(std::chrono::seconds elapsed);

// The first `columns` - 1 characters of valid UTF-8.
std::string cut(std::string_view line, std::size_t columns);

// A line on stderr that says what is waited for and how long it has been: rewritten every second on
// a terminal, where nothing of it is left at the end; elsewhere a line whenever the words change.
class Progress {
 public:
  explicit Progress(Console& console);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `only_if_long`: what usually takes an instant. Said after a second on a terminal, else never.
  void say(const std::string& words, bool only_if_long = false);
  // A line that stays.
  void note(const std::string& line);

 private:
  void draw();  // holds mutex_
  void tick();
  Console& console_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string words_;
  bool drawn_ = false;
  bool stopping_ = false;
  std::thread ticker_;
};

// While it lives, SIGINT says `words` on stderr and ends the process with 130: whatever was asked
// of the server stays. At most one at a time.
class Farewell {
 public:
  explicit Farewell(const std::string& words);
  ~Farewell();
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
};
Farewell leave_review(const std::string& action_id);  // says how to come back

// Long-polls until the action is settled, or until `most` is over (then it is as it was last seen).
// Survives a server that goes away for up to a minute.
[[nodiscard]] Attempt<doc::Value> await_settled(Session& session, const Remote& remote,
                                                doc::Value action,
                                                std::optional<std::chrono::seconds> most);

}  // namespace keyturn::cli
