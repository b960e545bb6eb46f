// Lines over two pipes, as programs speak on their standard input and output.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "net/loop.h"

namespace keyturn::net {

// I/O thread only; one reader, any number of writers, whose lines go out in order. Whoever waits in
// a member keeps the object.
class LinePipe {
 public:
  // Takes both descriptors over.
  LinePipe(Loop& loop, int read_fd, int write_fd, std::size_t line_bytes_max);
  ~LinePipe();
  LinePipe(const LinePipe&) = delete;
  LinePipe& operator=(const LinePipe&) = delete;

  // Without its line break; empty ones are skipped. What stands before the end without a line break
  // is none. Codes: closed (by the other side, or by us), too_large.
  Task<Result<std::string>> read();
  // `line` holds no line break. Returns when the kernel has it. Codes: closed (also: nothing was
  // taken for `patience`).
  Task<Result<void>> write(std::string line, Duration patience = std::chrono::minutes(2));
  void close();  // whoever waits is refused

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keyturn::net
