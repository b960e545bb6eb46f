#include "audit/signed_state.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <optional>

#include "base/durable_file.h"

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

}  // namespace keyturn::audit
