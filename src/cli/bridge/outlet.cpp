#include "cli/bridge/outlet.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/console.h"
#include "doc/json.h"

namespace keyturn::cli::bridge {
namespace {

constexpr std::size_t kSaidMax = 100;

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace

bool Outlet::write(std::string_view json) {
  std::string line(json);
  // Inside of JSON texts line breaks are only space between tokens.
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  line += '\n';
  const std::scoped_lock lock(mutex_);
  if (!closed_ && !write_all(fd_, line)) closed_ = true;
  return !closed_;
}

bool Outlet::write(const doc::Value& message) {
  const std::string text = doc::write_json(message);
  return write(std::string_view(text));
}

void Outlet::say(const std::string& words) {
  const std::scoped_lock lock(words_mutex_);
  (void)write_all(err_fd_, "keyturn: " + printable(words) + "\n");
}

void Outlet::say_once(const std::string& words) {
  {
    const std::scoped_lock lock(words_mutex_);
    if (said_.size() >= kSaidMax || !said_.insert(words).second) return;
  }
  say(words);
}

}  // namespace keyturn::cli::bridge
