// Files that commands write.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace keyturn::cli {

// Makes or replaces it. Code: unwritable.
[[nodiscard]] Result<void> write_file(const std::string& path, std::string_view content);

}  // namespace keyturn::cli
