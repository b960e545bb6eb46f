// The configuration of tools is one text, whatever number of files it was written in: YAML
// documents, each begun by a line "---". Keyturn joins tools.yaml, credentials.yaml and the files
// of runbooks so, and names each file in that line, so that problems are reported where people
// wrote:
//
//   --- # file: runbooks/restart.yaml
//   apiVersion: keyturn/v1
//   kind: Runbook
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "doc/read.h"

namespace keyturn::catalog {

struct SourceFile {
  std::string name, text;
};

// One text alone stays as it is.
std::string join_documents(const std::vector<SourceFile>& files);

struct DocumentPart {
  std::string file;              // "": not said
  std::uint32_t first_line = 1;  // in the whole text, of the part's first line
  std::uint32_t file_line = 1;   // the same, of the file's
  std::string_view text;         // into the whole
};
std::vector<DocumentPart> split_documents(std::string_view whole);

// Problems with positions in the whole text, as those of the files; what has none, or stands in no
// named file, is of `file`.
void add_problems(doc::FileProblems& to, std::string_view file, std::string_view whole,
                  const doc::Problems& problems);

}  // namespace keyturn::catalog
