// Files of /proc and /sys.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace keyturn::connectors::exec {

// All of it; "" where it cannot be read (any more).
inline std::string proc_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace keyturn::connectors::exec
