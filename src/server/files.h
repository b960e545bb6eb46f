// policy.yaml, tools.yaml and identity.yaml as they lie on disk, with what stands with the tools
// (credentials.yaml, the files of runbooks): read together, their signatures checked where
// keyturn.yaml names signers, and a change of them noticed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/admin.h"
#include "base/result.h"
#include "server/settings.h"

namespace keyturn::server {

// Codes: unreadable, unsigned (which file, and why).
[[nodiscard]] Result<admin::Documents> read_files(const Settings& settings);

// The files of a folder of runbooks, and of the folders in it: *.yaml and *.yml, by name; none
// whose own name or folder begins with ".". Code unreadable.
[[nodiscard]] Result<std::vector<std::string>> runbook_files(const std::string& folder);

// Whether a document is of Keyturn and stands beside runbooks without being one: policy.yaml,
// identity.yaml. A folder of runbooks may hold them; they are not read with it.
bool stands_beside(std::string_view text);

// tools.yaml, credentials.yaml and the runbooks as one text (catalog/documents.h), each with its
// name. Codes: those of read_files().
[[nodiscard]] Result<std::string> read_tools(const Settings& settings);

// What the files are called; identity.yaml where none is named.
admin::Documents names_of_files(const Settings& settings);

// Whole; code unreadable, also when it is longer than `bytes_max`.
[[nodiscard]] Result<std::string> read_file(const std::string& path,
                                            std::size_t bytes_max = SIZE_MAX);

// Looks at the files (and their signatures) by name, so that a file that was replaced, as editors
// and `git checkout` do, is noticed as well as one that was written to.
class FileWatch {
 public:
  explicit FileWatch(const Settings& settings);
  // Whether they differ from the last time this said so, and have stood still since the last look:
  // half a checkout is not loaded.
  bool changed();

 private:
  struct Look {
    std::uint64_t inode = 0;
    std::int64_t size = -1, modified_ns = 0;
    bool operator==(const Look&) const = default;
  };
  using Looks = std::map<std::string, Look>;  // by path; none of what is not there
  Looks look() const;

  Settings settings_;
  Looks known_, last_;
};

}  // namespace keyturn::server
