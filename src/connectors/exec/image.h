// The bytes that would run: the program, its interpreter, and every regular file that argv names,
// copied to sealed memory files (memfd_create, F_SEAL_WRITE|SHRINK|GROW|SEAL) and digested from the
// copy. Whatever happens to the files on disk afterwards, the copy is what was digested and what
// runs (promise same-bytes). Not covered, and said so in docs: shared libraries and modules that a
// program loads by itself.
//
// Files are opened with the rights of the user that will run the program, never with the server's:
// a parameter that names /etc/shadow or the data folder gets nobody anywhere. A file that only a
// parameter names is copied into the sandbox only if the sandbox shows that place anyway.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/exec/isolation.h"
#include "connectors/exec/plan.h"
#include "connectors/fd.h"

namespace keyturn::connectors::exec {

enum class FileRole { kProgram, kInterpreter, kArgument };

struct SealedFile {
  FileRole role = FileRole::kArgument;
  std::string path;       // absolute, as the process will name it
  std::string real_path;  // with symbolic links resolved
  Fd fd;                  // the sealed copy, close-on-exec
  std::string digest;     // "sha256:…"
  std::int64_t bytes = 0;
  bool executable = false;
  bool script = false;  // text that an interpreter runs: shown to reviewers
  bool substituted =
      true;  // false: the process sees the file on disk (a writable place, data without a sandbox)
  std::size_t argv_index = 0;  // kArgument: which element names it
  std::string prefix;          // kArgument: what stands before the path in that element ("--file=")
};

struct Image {
  std::vector<SealedFile> files;         // [0] is the program
  std::vector<std::string> interpreter;  // for a script: interpreter and its argument, as "#!" says
  const SealedFile& program() const { return files.front(); }
};

constexpr std::int64_t kSealedBytesMax = 256 << 20;  // all files together
constexpr std::int64_t kPreviewBytesMax = 64 << 10;  // the text of one script
constexpr std::int64_t kPreviewBytesTotalMax =
    256 << 10;  // of all; what is beyond has its digest alone

// Refuses: no_program (missing, not a regular file, not executable, not absolute), unreadable,
// too_large.
[[nodiscard]] Result<Image> seal_image(const Plan& plan, const Isolation& isolation);

// For a child, which nobody reviews: only what the sandbox would not show is copied; all else runs
// as it stands on disk. Refuses like seal_image().
[[nodiscard]] Result<Image> child_image(const Plan& plan, const Isolation& isolation);

// The argv to start, after the sealed copies took their places: `at` gives the descriptor number of
// files[i] in the new process. In a sandbox copies lie at their paths; without one they are
// /proc/self/fd/N.
std::vector<std::string> started_argv(const Plan& plan, const Image& image, int first_fd);
// Where in the sandbox the copy of `file` is mounted.
std::vector<std::string> mount_paths(const SealedFile& file, const catalog::Sandbox& sandbox);

// What reviewers see and what the case digest covers. Equal worlds give equal descriptions.
doc::Value describe(const Plan& plan, const Image& image, const Isolation& isolation);

// The first difference in words ("/opt/x.sh: its content changed since it was reviewed"), or "".
std::string drift(const doc::Value& reviewed, const doc::Value& found);

}  // namespace keyturn::connectors::exec
