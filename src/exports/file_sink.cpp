// A file, a line an item. It is opened again when another file stands at its path (logrotate).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "exports/sinks.h"

namespace keyturn::exports {
namespace {

class FileSink final : public Sink {
 public:
  FileSink(std::string path, Format format) : path_(std::move(path)), format_(format) {}
  ~FileSink() override { close(); }

  Result<void> deliver(const Batch& batch) override {
    if (Result<void> opened = open(); !opened) return opened;
    std::string text;
    for (std::size_t i = 0; i < batch.items.size(); ++i)
      text += line_of(format_, batch.items[i], batch.views[i]) + "\n";
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t wrote = ::write(file_, rest.data(), rest.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return failed("write");
      rest.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
  }

  Result<void> sync() override {
    if (file_ >= 0 && ::fsync(file_) != 0) return failed("sync");
    return {};
  }

 private:
  void close() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

  Result<void> failed(const std::string& what) {
    const std::string why = std::strerror(errno);
    close();
    return refuse("unwritable", "cannot " + what + " " + path_ + ": " + why);
  }

  bool was_moved() const {
    struct stat there{}, ours{};
    return ::stat(path_.c_str(), &there) != 0 || ::fstat(file_, &ours) != 0 ||
           there.st_ino != ours.st_ino || there.st_dev != ours.st_dev;
  }

  Result<void> open() {
    if (file_ >= 0 && was_moved()) {
      if (Result<void> synced = sync(); !synced) return synced;
      close();
    }
    if (file_ >= 0) return {};
    file_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (file_ < 0) return failed("open");
    return end_torn_line();
  }

  // Power went while a line was written: it stays a line of its own, and its item comes again.
  Result<void> end_torn_line() {
    struct stat there{};
    char last = '\n';
    if (::fstat(file_, &there) != 0) return failed("look at");
    if (!S_ISREG(there.st_mode) || there.st_size == 0) return {};
    if (::pread(file_, &last, 1, there.st_size - 1) != 1) return failed("read");
    if (last != '\n' && ::write(file_, "\n", 1) != 1) return failed("write");
    return {};
  }

  std::string path_;
  Format format_;
  int file_ = -1;
};

}  // namespace

std::unique_ptr<Sink> make_file_sink(const FileTarget& target, Format format) {
  return std::make_unique<FileSink>(target.path, format);
}

}  // namespace keyturn::exports
