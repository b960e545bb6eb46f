// Files as one ZIP archive (PKWARE APPNOTE 6.3), deflated; and back.
#pragma once

#include "base/result.h"
#include "report/evidence.h"

namespace keyturn::report {

// At most 65,535 files of less than 4 GiB. The same files give the same bytes. Code: too_large.
[[nodiscard]] Result<std::string> write_zip(const Files& files);
// Stored and deflated files, up to 1 GiB together. Refused as a whole when a name is there twice,
// is another in the directory than at the content, is absolute or leads out of the folder. Codes:
// malformed_zip, too_large.
[[nodiscard]] Result<Files> read_zip(std::string_view archive);
inline bool is_zip(std::string_view bytes) {
  return bytes.starts_with("PK\x03\x04");
}

}  // namespace keyturn::report
