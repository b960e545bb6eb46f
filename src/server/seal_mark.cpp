#include "server/seal_mark.h"

#include <filesystem>

#include "base/durable_file.h"

namespace keyturn::server {
namespace {

std::string path_of(const store::sqlite::DataDir& data) {
  return data.path() + "/keys/sealed";
}

}  // namespace

bool is_seal_marked(const store::sqlite::DataDir& data) {
  std::error_code unreadable;
  return std::filesystem::exists(path_of(data), unreadable) || unreadable;
}

Result<void> mark_seal(const store::sqlite::DataDir& data) {
  if (is_seal_marked(data) || write_durably(path_of(data), "sealed\n")) return {};
  return refuse("unwritable", "cannot write " + path_of(data));
}

Result<void> unmark_seal(const store::sqlite::DataDir& data) {
  std::error_code error;
  std::filesystem::remove(path_of(data), error);
  if (!error) return {};
  return refuse("unwritable", "cannot remove " + path_of(data) + ": " + error.message());
}

Result<void> check_seal(const store::sqlite::DataDir& data, bool sealed) {
  if (sealed || !is_seal_marked(data)) return {};
  return refuse(
      "seal_lost",
      "ALARM: the configuration was sealed on this machine, and this journal knows nothing "
      "of it: it is an older copy. Restore the newest; where that is lost, `keyturn ledger "
      "restart` by two administrators");
}

}  // namespace keyturn::server
