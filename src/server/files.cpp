#include "server/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catalog/documents.h"
#include "ledger/signed_document.h"

namespace keyturn::server {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;
constexpr std::size_t kRunbookFilesMax = 1000;

Result<void> check_signed(const Settings& settings, std::string_view kind, const std::string& path,
                          const std::string& text) {
  if (settings.signers.empty()) return {};
  const Result<std::string> note = read_file(path + ".sig");
  if (!note) {
    return refuse("unsigned", path + ": keyturn.yaml asks for signatures, and " +
                                  note.error().message + "; make one: keyturn policy sign");
  }
  const Result<void> checked =
      ledger::check_document(kind, text, *note, settings.signers, settings.signatures_needed);
  if (!checked) return refuse("unsigned", path + ".sig: " + checked.error().message);
  return {};
}

Refusal named_by(const Refusal& refusal, const std::string& key, const std::string& what) {
  return {refusal.code,
          refusal.message + "; --" + key + ", or " + key + ": in keyturn.yaml, names the " + what,
          ""};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::error_code unknown;
  const std::uintmax_t size = std::filesystem::file_size(path, unknown);
  if (!unknown && size > bytes_max)
    return refuse("unreadable", path + ": has more than " + std::to_string(bytes_max) + " bytes");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file) text << file.rdbuf();
  if (file && !file.bad() && errno == 0) return std::move(text).str();
  return refuse("unreadable", path + ": cannot be read: " + std::generic_category().message(errno));
}

Result<std::vector<std::string>> runbook_files(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string name = at->path().filename().string();
    std::error_code gone;
    const bool hidden = name.starts_with('.');
    if (hidden && at->is_directory(gone)) at.disable_recursion_pending();
    const std::string extension = at->path().extension().string();
    const bool is_document = extension == ".yaml" || extension == ".yml";
    if (hidden || !is_document || !at->is_regular_file(gone)) continue;
    if (std::ranges::any_of(name, [](char c) { return c >= 0 && c < ' '; }))
      return refuse("unreadable", folder + ": a file's name has control characters; rename it");
    out.push_back(at->path().string());
  }
  if (failed)
    return refuse("unreadable", folder + ": cannot be read as a folder: " + failed.message());
  if (out.size() > kRunbookFilesMax)
    return refuse("unreadable",
                  folder + ": has more than " + std::to_string(kRunbookFilesMax) + " runbooks");
  std::ranges::sort(out);
  return out;
}

bool stands_beside(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with("kind:")) continue;
    line.remove_prefix(5);
    while (line.starts_with(' ')) line.remove_prefix(1);
    while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
    return line == "Policy" || line == "Identity";
  }
  return false;
}

namespace {

// Those of the folder that are not named as something else: one folder may hold all of it.
Result<std::vector<std::string>> runbooks_of(const Settings& settings) {
  if (settings.runbooks.empty()) return std::vector<std::string>{};
  Result<std::vector<std::string>> files = runbook_files(settings.runbooks);
  if (!files) return std::unexpected(named_by(files.error(), "runbooks", "folder"));
  for (const std::string& other :
       {settings.policy, settings.tools, settings.credentials, settings.identity}) {
    std::erase_if(*files, [&](const std::string& file) {
      std::error_code unknown;
      return !other.empty() && std::filesystem::equivalent(file, other, unknown);
    });
  }
  return files;
}

}  // namespace

Result<std::string> read_tools(const Settings& settings) {
  struct Part {
    std::string path;
    const char* kind;
  };
  std::vector<Part> parts{{settings.tools, "tools"}};
  if (!settings.credentials.empty()) parts.push_back({settings.credentials, "credentials"});
  Result<std::vector<std::string>> runbooks = runbooks_of(settings);
  if (!runbooks) return std::unexpected(runbooks.error());
  for (std::string& file : *runbooks) parts.push_back({std::move(file), "runbook"});
  std::vector<catalog::SourceFile> texts;
  for (const Part& part : parts) {
    Result<std::string> text = read_file(part.path);
    if (!text && std::string_view(part.kind) != "runbook")
      return std::unexpected(named_by(text.error(), part.kind, "file"));
    if (!text) return text;
    if (std::string_view(part.kind) == "runbook" && stands_beside(*text)) continue;
    if (Result<void> ok = check_signed(settings, part.kind, part.path, *text); !ok)
      return std::unexpected(ok.error());
    texts.push_back({part.path, std::move(*text)});
  }
  return catalog::join_documents(texts);
}

admin::Documents names_of_files(const Settings& settings) {
  return {settings.policy, settings.tools,
          settings.identity.empty() ? admin::Documents{}.identity : settings.identity};
}

Result<admin::Documents> read_files(const Settings& settings) {
  Result<std::string> policy = read_file(settings.policy);
  if (!policy) return std::unexpected(named_by(policy.error(), "policy", "file"));
  if (Result<void> ok = check_signed(settings, "policy", settings.policy, *policy); !ok)
    return std::unexpected(ok.error());
  Result<std::string> tools = read_tools(settings);
  if (!tools) return std::unexpected(tools.error());
  admin::Documents out{std::move(*policy), std::move(*tools), ""};
  if (settings.identity.empty()) return out;
  Result<std::string> identity = read_file(settings.identity);
  if (!identity) return std::unexpected(named_by(identity.error(), "identity", "file"));
  if (Result<void> ok = check_signed(settings, "identity", settings.identity, *identity); !ok)
    return std::unexpected(ok.error());
  out.identity = identity->empty() ? "\n" : std::move(*identity);  // empty is no document
  return out;
}

FileWatch::FileWatch(const Settings& settings)
    : settings_(settings), known_(look()), last_(known_) {}

FileWatch::Looks FileWatch::look() const {
  std::vector<std::string> paths{settings_.policy, settings_.tools, settings_.credentials,
                                 settings_.identity};
  if (const Result<std::vector<std::string>> files = runbooks_of(settings_))
    paths.insert(paths.end(), files->begin(), files->end());
  Looks looks;
  for (const std::string& path : paths) {
    for (const std::string& one : {path, path + ".sig"}) {
      struct stat status{};
      if (path.empty() || ::stat(one.c_str(), &status) != 0) continue;
      looks[one] = {status.st_ino, status.st_size,
                    status.st_mtim.tv_sec * kNanos + status.st_mtim.tv_nsec};
    }
  }
  return looks;
}

bool FileWatch::changed() {
  const Looks now = look();
  const bool still = now == last_;
  last_ = now;
  if (!still || now == known_) return false;
  known_ = now;
  return true;
}

}  // namespace keyturn::server
