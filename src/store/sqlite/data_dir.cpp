#include "store/sqlite/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/durable_file.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::array<const char*, 3> kKeyNames = {"ledger.key", "master.key", "hmac.key"};

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

std::unexpected<Refusal> unusable(const std::string& path, const char* doing) {
  return refuse("data_dir_unusable", path + ": cannot " + doing + ": " + std::strerror(errno),
                path);
}

Result<void> check_private(const struct stat& status, const std::string& path) {
  if ((status.st_mode & 077) == 0) return {};
  return refuse("insecure_permissions",
                path + " can be reached by other users of this machine; run: chmod go= " + path,
                path);
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return unusable(path, "make the folder");
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return unusable(path, "look at it");
  if (!S_ISDIR(status.st_mode)) {
    return refuse("data_dir_unusable", path + " is no folder; choose another path", path);
  }
  if ((status.st_mode & 077) == 0) return {};
  std::error_code ignored;
  if (!std::filesystem::is_empty(path, ignored)) return check_private(status, path);
  if (::chmod(path.c_str(), 0700) != 0) return unusable(path, "keep others out of it");
  return {};
}

Result<void> sync_directory(const std::string& path) {
  if (!sync_folder(path)) return unusable(path, "make it durable");
  return {};
}

Result<void> write_key(const std::string& path, const Secret& key) {
  const Secret text(to_hex(key.reveal()) + "\n");
  if (!write_and_sync(path, text.reveal())) return unusable(path, "write the key");
  return {};
}

// All of the keys in a folder that gets its name when it is whole; an earlier attempt's rest is
// replaced.
Result<void> make_keys(const std::string& folder, Random& random) {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (auto made = make_directory(folder); !made) return made;
  for (const char* name : kKeyNames) {
    const Secret key(random.bytes(kKeyBytes));
    if (auto wrote = write_key(folder + "/" + name, key); !wrote) return wrote;
  }
  return sync_directory(folder);
}

Result<Secret> read_key(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) {
    return refuse("not_initialised", path + " is missing; run: keyturn init --data DIR", path);
  }
  if (!file) return unusable(path, "read the key");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return unusable(path, "look at the key");
  if (auto kept = check_private(status, path); !kept) return std::unexpected(kept.error());
  std::string text(2 * kKeyBytes + 2, '\0');
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return unusable(path, "read the key");
  text.resize(static_cast<std::size_t>(size));
  const Secret line(std::move(text));
  std::string_view hex = line.reveal();
  while (hex.ends_with('\n')) hex.remove_suffix(1);
  std::optional<std::string> key = from_hex(hex);
  if (!key || key->size() != kKeyBytes) {
    return refuse("bad_key", path + " must hold 32 bytes as 64 hex digits; restore it", path);
  }
  return Secret(std::move(*key));
}

std::string read_holder(int lock) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(lock, text.data(), text.size(), 0);
  std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (holder.ends_with('\n')) holder.pop_back();
  return holder.empty() ? "another process" : "process " + holder;
}

Result<int> take_lock(const std::string& path) {
  File file(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return unusable(path, "open its lock");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return unusable(path, "lock it");
    return refuse("data_dir_locked",
                  "the data folder " + path + " is in use by " + read_holder(file.get()) +
                      "; stop it first, or choose another folder",
                  path);
  }
  const std::string holder = std::to_string(::getpid()) + "\n";
  const auto size = static_cast<ssize_t>(holder.size());
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), holder.data(), holder.size(), 0) != size) {
    return unusable(path, "write its lock");
  }
  return file.release();
}

}  // namespace

Result<DataDir> DataDir::create(const std::string& path, Random& random) {
  if (auto made = make_directory(path); !made) return std::unexpected(made.error());
  const std::string keys = path + "/keys";
  if (::access(keys.c_str(), F_OK) == 0) {
    return refuse("already_initialised", path + " holds keys already; nothing was changed", path);
  }
  if (auto made = make_keys(keys + ".new", random); !made) return std::unexpected(made.error());
  if (!replace_durably(keys + ".new", keys)) return unusable(keys, "name it");
  return open(path);
}

Result<DataDir> DataDir::look(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) return unusable(path, "look at it");
    return refuse("not_initialised", path + " does not exist; run: keyturn init --data " + path,
                  path);
  }
  if (auto kept = check_private(status, path); !kept) return std::unexpected(kept.error());
  DataDir dir;
  dir.path_ = path;
  const std::array<Secret*, 3> places = {&dir.ledger_seed_, &dir.master_key_, &dir.hmac_key_};
  for (std::size_t i = 0; i < places.size(); ++i) {
    Result<Secret> key = read_key(path + "/keys/" + kKeyNames[i]);
    if (!key) return std::unexpected(key.error());
    *places[i] = std::move(*key);
  }
  return dir;
}

Result<DataDir> DataDir::open(const std::string& path) {
  Result<DataDir> dir = look(path);
  if (!dir) return dir;
  Result<int> lock = take_lock(path);
  if (!lock) return std::unexpected(lock.error());
  dir->lock_ = *lock;
  return dir;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      ledger_seed_(std::move(other.ledger_seed_)),
      master_key_(std::move(other.master_key_)),
      hmac_key_(std::move(other.hmac_key_)) {}

DataDir& DataDir::operator=(DataDir&& other) noexcept {
  if (this != &other) {
    std::swap(path_, other.path_);
    std::swap(lock_, other.lock_);
    std::swap(ledger_seed_, other.ledger_seed_);
    std::swap(master_key_, other.master_key_);
    std::swap(hmac_key_, other.hmac_key_);
  }
  return *this;
}

DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace keyturn::store::sqlite
