// What the tests of this room share.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "base/task_impl.h"
#include "net/loop.h"

namespace keyturn::connectors::testing {

class TempFolder {
 public:
  explicit TempFolder(mode_t mode = 0700) {
    std::string name = "/tmp/keyturn-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    ::chmod(name.c_str(), mode);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, const std::string& content, mode_t mode = 0644) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  ::chmod(path.c_str(), mode);
}

template <class T>
Task<void> keep(Task<T> task, std::optional<T>& into, net::Loop& loop) {
  into.emplace(co_await std::move(task));
  loop.stop();
}

// Runs one task to its end on this thread.
template <class T>
T await(net::Loop& loop, Task<T> task) {
  std::optional<T> result;
  loop.spawn(keep(std::move(task), result, loop));
  loop.run();
  return std::move(*result);
}

}  // namespace keyturn::connectors::testing
