#include "exports/cursor.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/durable_file.h"
#include "doc/json.h"

namespace keyturn::exports {
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
  if (write_durably(path, text)) return {};
  return refuse("unwritable", "cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace keyturn::exports
