#include "exports/cursor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "doc/json.h"

namespace keyturn::exports {
namespace {

bool write_and_sync(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool done = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    ::fdatasync(file) == 0;
  ::close(file);
  return done;
}

bool sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  const bool done = ::fsync(folder) == 0;
  ::close(folder);
  return done;
}

}  // namespace

Result<std::optional<Cursor>> read_cursor(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    return refuse("unreadable", "cannot read " + path);
  }
  std::ostringstream text;
  text << file.rdbuf();
  const Result<doc::Value> tree = doc::parse_json(text.str());
  const doc::Value* next = tree ? tree->find("next") : nullptr;
  const auto number = next == nullptr ? std::nullopt : next->as_uint64();
  if (!number) return refuse("unreadable", path + " is damaged");
  return Cursor{*number, std::string(tree->text("origin")), std::string(tree->text("leaf_hash"))};
}

Result<void> write_cursor(const std::string& path, const Cursor& cursor) {
  const std::string text = doc::write_json(doc::object({{"v", 1},
                                                        {"next", cursor.next},
                                                        {"origin", cursor.origin},
                                                        {"leaf_hash", cursor.last_leaf_hash}})) +
                           "\n";
  const std::string beside = path + ".new";
  if (write_and_sync(beside, text) && std::rename(beside.c_str(), path.c_str()) == 0 &&
      sync_folder(path.substr(0, path.rfind('/'))))
    return {};
  return refuse("unwritable", "cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace keyturn::exports
