#include "cli/output_file.h"

#include <fstream>

namespace keyturn::cli {

Result<void> write_file(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) return refuse("unwritable", path + ": cannot be written");
  return {};
}

}  // namespace keyturn::cli
