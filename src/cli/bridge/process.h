// The server that `keyturn mcp -- COMMAND…` runs: a process of its own group, spoken to in lines.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyturn::cli::bridge {

class Process {
 public:
  // Looked for in PATH. Its environment is ours without KEYTURN_TOKEN, its stderr ours. Call it
  // before there are threads: the kernel ends the process when the thread that started it ends.
  // Codes: no_program, cannot_start.
  [[nodiscard]] static Result<std::unique_ptr<Process>> start(
      const std::vector<std::string>& command);
  ~Process();  // as end()
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  int descriptor() const { return pidfd_; }  // readable when it has ended
  // One line. False: it does not read any more. Any thread.
  bool write(std::string_view line);
  // The next line, without its break; nullopt: it says no more, or end() is over. One thread reads.
  std::optional<std::string> read();
  // Closes its stdin; SIGTERM after `term`, SIGKILL after `kill` from now, to the whole group.
  // Returns when it has ended: its exit code, 128 + N for signal N. What it said can still be read.
  int end(std::chrono::milliseconds term, std::chrono::milliseconds kill);

 private:
  Process() = default;
  bool has_ended(std::chrono::milliseconds within) const;
  void close_stdin();

  pid_t pid_ = -1;
  int pidfd_ = -1, in_ = -1, out_ = -1;
  std::atomic<bool> ending_ = false, gone_ = false;
  std::mutex in_mutex_;
  std::optional<int> code_;
  std::string pending_;
};

}  // namespace keyturn::cli::bridge
