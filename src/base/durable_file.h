// Files that are there whole or not at all, after a crash or a power loss too. What is durable when
// a function returns true is on the disk; when one returns false, errno says why.
#pragma once

#include <string>
#include <string_view>

namespace keyturn {

// A file of this content, 0600, synced; its name is not durable yet, and a crash may leave a part.
[[nodiscard]] bool write_and_sync(const std::string& path, std::string_view content);
// Durable names: of all files in the folder.
[[nodiscard]] bool sync_folder(const std::string& path);
// A rename that is durable; both paths are in one folder, which is named.
[[nodiscard]] bool replace_durably(const std::string& from, const std::string& to);
// Durable, and whole or not there at all: written to PATH.new, synced, renamed, the folder synced.
[[nodiscard]] bool write_durably(const std::string& path, std::string_view content);

}  // namespace keyturn
