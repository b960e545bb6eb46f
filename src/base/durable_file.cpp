#include "base/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace keyturn {
namespace {

// Closes it and keeps what errno says.
bool closed(int file, bool good) {
  const int error = errno;
  ::close(file);
  errno = error;
  return good;
}

}  // namespace

bool write_and_sync(const std::string& path, std::string_view content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  return closed(
      file, ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
                ::fdatasync(file) == 0);
}

bool sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  return closed(folder, ::fsync(folder) == 0);
}

bool replace_durably(const std::string& from, const std::string& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 && sync_folder(to.substr(0, to.rfind('/')));
}

bool write_durably(const std::string& path, std::string_view content) {
  const std::string beside = path + ".new";
  return write_and_sync(beside, content) && replace_durably(beside, path);
}

}  // namespace keyturn
