#include "server/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ledger/signed_document.h"

namespace keyturn::server {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;

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

admin::Documents names_of_files(const Settings& settings) {
  return {settings.policy, settings.tools,
          settings.identity.empty() ? admin::Documents{}.identity : settings.identity};
}

Result<admin::Documents> read_files(const Settings& settings) {
  Result<std::string> policy = read_file(settings.policy), tools = read_file(settings.tools);
  const auto named_by = [](const Refusal& refusal, const char* key) {
    return refuse(refusal.code, refusal.message + "; --" + key + ", or " + key +
                                    ": in keyturn.yaml, names the file");
  };
  if (!policy) return named_by(policy.error(), "policy");
  if (!tools) return named_by(tools.error(), "tools");
  if (Result<void> ok = check_signed(settings, "policy", settings.policy, *policy); !ok)
    return std::unexpected(ok.error());
  if (Result<void> ok = check_signed(settings, "tools", settings.tools, *tools); !ok)
    return std::unexpected(ok.error());
  admin::Documents out{std::move(*policy), std::move(*tools), ""};
  if (settings.identity.empty()) return out;
  Result<std::string> identity = read_file(settings.identity);
  if (!identity) return named_by(identity.error(), "identity");
  if (Result<void> ok = check_signed(settings, "identity", settings.identity, *identity); !ok)
    return std::unexpected(ok.error());
  out.identity = identity->empty() ? "\n" : std::move(*identity);  // empty is no document
  return out;
}

FileWatch::FileWatch(const Settings& settings)
    : paths_{settings.policy,         settings.policy + ".sig", settings.tools,
             settings.tools + ".sig", settings.identity,        settings.identity + ".sig"},
      known_(look()),
      last_(known_) {}

FileWatch::Looks FileWatch::look() const {
  Looks looks;
  for (std::size_t i = 0; i < kFiles; ++i) {
    struct stat status{};
    if (::stat(paths_[i].c_str(), &status) != 0) continue;
    looks[i] = {status.st_ino, status.st_size,
                status.st_mtim.tv_sec * kNanos + status.st_mtim.tv_nsec};
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
