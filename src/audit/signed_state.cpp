#include "audit/signed_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>

namespace keyturn::audit {

unsigned epoch_of(const std::string& data) {
  std::ifstream file(data + "/keys/epoch");
  unsigned epoch = 0;
  return file >> epoch ? std::max(epoch, 1U) : 1U;
}

bool write_epoch(const std::string& data, unsigned epoch) {
  return write_durably(data + "/keys/epoch", std::to_string(epoch) + "\n");
}

std::string signed_path(const std::string& data) {
  const unsigned epoch = epoch_of(data);
  return data + "/keys/last-signed" + (epoch > 1 ? "." + std::to_string(epoch) : "");
}

Result<SignedState> read_signed(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    if (errno == ENOENT) return SignedState{};
    return refuse("unreadable", "cannot read " + path);
  }
  char line[128] = {};
  const bool got = std::fgets(line, sizeof line, file) != nullptr;
  std::fclose(file);
  unsigned long long size = 0;
  char hex[65] = {};
  if (!got || std::sscanf(line, "%llu %64s", &size, hex) != 2)
    return refuse("unreadable", path + " is damaged");
  const std::optional<std::string> root = from_hex(hex);
  if (!root || root->size() != 32) return refuse("unreadable", path + " is damaged");
  SignedState state{size, {}};
  std::copy(root->begin(), root->end(), state.root.begin());
  return state;
}

bool write_signed(const std::string& path, const SignedState& state) {
  return write_durably(path, std::to_string(state.size) + " " + to_hex(view(state.root)) + "\n");
}

bool write_durably(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fdatasync(file) == 0;
  ::close(file);
  return written && replace_durably(beside, path);
}

bool replace_durably(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return false;
  const int folder =
      ::open(to.substr(0, to.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  return synced;
}

}  // namespace keyturn::audit
