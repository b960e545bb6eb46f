// A file descriptor that is closed when its owner goes.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace keyturn::connectors {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// "No such file or directory", for errno values.
std::string errno_text(int error);

struct Pipe {
  Fd read, write;
};
Pipe make_pipe();  // close-on-exec; throws std::system_error when the process has no descriptors
                   // left
void set_nonblocking(int fd);
// A descriptor of the same file with an offset of its own, for reading; none when that fails.
Fd reopen(const Fd& fd);

// Writes all of it, or refuses (io_error).
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes);

}  // namespace keyturn::connectors
