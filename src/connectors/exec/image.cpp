#include "connectors/exec/image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/bytes.h"
#include "connectors/exec/limits.h"
#include "crypto/crypto.h"

namespace keyturn::connectors::exec {
namespace {

constexpr int kInterpretersMax = 4;
constexpr unsigned kMemfdExec = 0x10;  // MFD_EXEC, Linux 6.3

std::unexpected<Refusal> cannot(const std::string& path, const std::string& why) {
  return refuse("no_program", path + ": " + why);
}

std::string resolve(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string out(real);
  std::free(real);  // NOLINT
  return out;
}

bool is_regular(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool on_kernel_fs(const std::string& path) {
  return is_below(path, "/proc") || is_below(path, "/dev") || is_below(path, "/sys");
}

Fd new_memory_file() {
  Fd fd(::memfd_create("keyturn", MFD_CLOEXEC | MFD_ALLOW_SEALING | kMemfdExec));
  if (!fd) fd.reset(::memfd_create("keyturn", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return fd;
}

Result<std::int64_t> copy(int from, int to, std::int64_t most, const std::string& path) {
  std::int64_t copied = 0;
  for (;;) {
    const ssize_t n = ::sendfile(to, from, nullptr, 1 << 20);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse("unreadable", path + ": cannot read: " + errno_text(errno));
    if (n == 0) return copied;
    copied += n;
    if (copied > most) {
      return refuse("too_large", path + ": the files of one execution are limited to " +
                                     std::to_string(kSealedBytesMax >> 20) +
                                     " MiB together, because they are sealed in memory");
    }
  }
}

// The bytes of a sealed copy, mapped.
class Mapped {
 public:
  explicit Mapped(const SealedFile& file) : bytes_(static_cast<std::size_t>(file.bytes)) {
    if (bytes_ == 0) return;
    void* at = ::mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file.fd.get(), 0);
    if (at != MAP_FAILED) at_ = at;
  }
  ~Mapped() {
    if (at_ != nullptr) ::munmap(at_, bytes_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  bool ok() const { return bytes_ == 0 || at_ != nullptr; }
  std::string_view view() const {
    return at_ == nullptr ? std::string_view{} : std::string_view(static_cast<char*>(at_), bytes_);
  }

 private:
  void* at_ = nullptr;
  std::size_t bytes_;
};

std::string first_line(const SealedFile& file) {
  std::array<char, 512> head;
  const ssize_t n = ::pread(file.fd.get(), head.data(), head.size(), 0);
  const std::string_view text(head.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  return std::string(text.substr(0, text.find('\n')));
}

Result<SealedFile> seal(const std::string& path, FileRole role, std::int64_t most) {
  // Opened by the resolved name: what is recorded is what was read.
  SealedFile file{.role = role, .path = path, .real_path = resolve(path)};
  const Fd from(::open(file.real_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!from) return cannot(path, errno_text(errno));
  struct stat status{};
  if (::fstat(from.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return cannot(path, "is no regular file");
  file.executable = (status.st_mode & 0111) != 0;
  file.fd = new_memory_file();
  if (!file.fd) return refuse("unreadable", "cannot make a memory file: " + errno_text(errno));
  auto copied = copy(from.get(), file.fd.get(), most, path);
  if (!copied) return std::unexpected(copied.error());
  file.bytes = *copied;
  const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(file.fd.get(), F_ADD_SEALS, seals) != 0) {
    return refuse("unreadable", "cannot seal the copy of " + path + ": " + errno_text(errno));
  }
  ::lseek(file.fd.get(), 0, SEEK_SET);
  const Mapped mapped(file);
  if (!mapped.ok()) return refuse("unreadable", "cannot map the copy of " + path);
  file.digest = crypto::sha256_text(mapped.view());
  file.script = mapped.view().starts_with("#!");
  return file;
}

// "#!/usr/bin/env -S python3 -u" -> {"/usr/bin/env", "-S python3 -u"}, as Linux reads it.
std::vector<std::string> shebang(const SealedFile& file) {
  const std::string line = first_line(file);
  if (!line.starts_with("#!")) return {};
  constexpr std::string_view blanks = " \t\r";
  const std::size_t begin = line.find_first_not_of(blanks, 2);
  if (begin == std::string::npos) return {};
  const std::size_t end = line.find_first_of(blanks, begin);
  std::vector<std::string> out{line.substr(begin, end == std::string::npos ? end : end - begin)};
  const std::size_t more = end == std::string::npos ? end : line.find_first_not_of(blanks, end);
  if (more == std::string::npos) return out;
  out.push_back(line.substr(more, line.find_last_not_of(blanks) + 1 - more));
  return out;
}

std::string find_on_path(const std::string& name) {
  std::string_view rest = kSearchPath;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (is_regular(candidate) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
  }
  return {};
}

// "#!/usr/bin/env python3" runs what PATH says: found now, sealed, and run without env.
std::vector<std::string> without_env(std::vector<std::string> line) {
  if (line.size() != 2 || !line[0].ends_with("/env")) return line;
  std::string word = line[1];
  if (word.find_first_of(" \t=-/") != std::string::npos) return line;
  const std::string found = find_on_path(word);
  if (found.empty()) return line;
  return {found};
}

bool is_interpreter_name(const std::string& path) {
  constexpr std::array<std::string_view, 17> names{
      "sh",   "bash", "dash", "ash",   "zsh", "ksh",  "python", "perl",   "ruby",
      "node", "php",  "lua",  "tclsh", "awk", "gawk", "mawk",   "Rscript"};
  const std::string_view base = std::string_view(path).substr(path.rfind('/') + 1);
  return std::ranges::any_of(names, [&](std::string_view name) {
    return base == name ||
           (base.starts_with(name) &&
            base.find_first_not_of("0123456789.", name.size()) == std::string_view::npos);
  });
}

struct Named {
  std::string prefix, path;
};

// The file that one element of argv names: an absolute path, one relative to cwd, or
// "--option=/path".
std::optional<Named> file_named(const std::string& element, const std::string& cwd) {
  if (element.empty() || element.size() >= PATH_MAX) return std::nullopt;
  Named named;
  if (const std::size_t at = element.find("=/");
      element.front() == '-' && at != std::string::npos) {
    named = {element.substr(0, at + 1), element.substr(at + 1)};
  } else if (element.front() == '/') {
    named = {"", element};
  } else if (element.front() != '-') {
    named = {"", (cwd == "/" ? "" : cwd) + "/" + element};
  } else {
    return std::nullopt;
  }
  if (on_kernel_fs(named.path) || !is_regular(named.path)) return std::nullopt;
  return named;
}

bool is_writable_inside(const std::string& path, const catalog::Sandbox& sandbox) {
  return std::ranges::any_of(sandbox.read_write,
                             [&](const std::string& folder) { return is_below(path, folder); });
}

// Without a sandbox a copy can stand in only where a script or program is meant, by its
// descriptor's name.
bool takes_its_place(const SealedFile& file, const catalog::Sandbox& sandbox) {
  if (sandbox.enabled)
    return !is_writable_inside(file.real_path, sandbox) && !is_writable_inside(file.path, sandbox);
  return file.script || file.executable;
}

std::string_view word(FileRole role) {
  switch (role) {
    case FileRole::kProgram:
      return "program";
    case FileRole::kInterpreter:
      return "interpreter";
    case FileRole::kArgument:
      return "argument";
  }
  return "";
}

doc::Value describe_file(const SealedFile& file, std::int64_t& preview_left) {
  doc::Value out = doc::object({{"path", file.path},
                                {"role", word(file.role)},
                                {"sha256", file.digest},
                                {"bytes", file.bytes},
                                {"sealed", file.substituted}});
  if (file.real_path != file.path) out.set("real_path", file.real_path);
  if (file.script && file.bytes <= std::min(kPreviewBytesMax, preview_left)) {
    const Mapped mapped(file);
    const bool text =
        !first_invalid_utf8(mapped.view()) && mapped.view().find('\0') == std::string_view::npos;
    if (text) out.set("content", mapped.view());
    if (text) preview_left -= file.bytes;
  }
  return out;
}

class Sealer {
 public:
  Sealer(const Plan& plan, const Isolation& isolation) : plan_(plan), isolation_(isolation) {}

  Result<Image> run_from_disk() {
    const AsExecutionUser rights(isolation_);
    if (plan_.argv.empty() || !plan_.argv[0].starts_with('/'))
      return refuse("no_program", "the first word of a command is the absolute path of a program");
    if (auto found = program_on_disk(); !found) return std::unexpected(found.error());
    for (std::size_t i = 1; plan_.sandbox.enabled && i < plan_.argv.size(); ++i) {
      const auto named = file_named(plan_.argv[i], plan_.cwd);
      if (!named || is_there(named->path) || !may_copy(i, *named)) continue;
      if (auto added = add(named->path, FileRole::kArgument); !added) {
        if (added.error().code == "too_large") return std::unexpected(added.error());
        continue;  // the program may not read it either
      }
      image_.files.back().argv_index = i;
      image_.files.back().prefix = named->prefix;
    }
    return std::move(image_);
  }

  Result<Image> run() {
    const AsExecutionUser rights(isolation_);
    if (auto sealed = program(); !sealed) return std::unexpected(sealed.error());
    if (auto sealed = interpreters(); !sealed) return std::unexpected(sealed.error());
    if (auto sealed = arguments(); !sealed) return std::unexpected(sealed.error());
    return std::move(image_);
  }

 private:
  // The program finds it there by itself.
  bool is_there(const std::string& path) const {
    return !plan_.sandbox.enabled ||
           (is_shown(path, plan_.sandbox) && is_shown(resolve(path), plan_.sandbox));
  }

  Result<void> program_on_disk() {
    const std::string& path = plan_.argv[0];
    if (!is_there(path)) return program();
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return cannot(path, errno_text(errno));
    if (!S_ISREG(status.st_mode)) return cannot(path, "is no regular file");
    if ((status.st_mode & 0111) == 0) return cannot(path, "is not executable");
    image_.files.push_back({.role = FileRole::kProgram,
                            .path = path,
                            .real_path = resolve(path),
                            .substituted = false});
    return {};
  }

  Result<void> add(const std::string& path, FileRole role) {
    auto file = seal(path, role, left_);
    if (!file) return std::unexpected(file.error());
    left_ -= file->bytes;
    image_.files.push_back(std::move(*file));
    return {};
  }

  // What only a parameter names must be visible to the program without our help.
  bool may_copy(std::size_t index, const Named& named) const {
    if (!isolation_.data_folder.empty() && is_below(resolve(named.path), isolation_.data_folder))
      return false;
    if (!plan_.sandbox.enabled) return true;
    if (std::ranges::find(plan_.own_words, plan_.argv[index]) != plan_.own_words.end()) return true;
    return is_shown(resolve(named.path), plan_.sandbox) && is_shown(named.path, plan_.sandbox);
  }

  Result<void> program() {
    if (plan_.argv.empty() || !plan_.argv[0].starts_with('/')) {
      return refuse("no_program", "exec needs the absolute path of a program as its first element");
    }
    if (plan_.argv[0] != plan_.shown_argv[0]) {
      return refuse("no_program", "a secret parameter cannot choose the program");
    }
    if (auto added = add(plan_.argv[0], FileRole::kProgram); !added) return added;
    if (!image_.program().executable) return cannot(plan_.argv[0], "is not executable");
    return {};
  }

  Result<void> interpreters() {
    for (int depth = 0; depth <= kInterpretersMax; ++depth) {
      std::vector<std::string> line = without_env(shebang(image_.files.back()));
      if (line.empty()) return {};
      if (!line[0].starts_with('/'))
        return cannot(plan_.argv[0], "its interpreter has no absolute path");
      if (auto added = add(line[0], FileRole::kInterpreter); !added) return added;
      image_.interpreter.insert(image_.interpreter.begin(), line.begin(), line.end());
    }
    return cannot(plan_.argv[0], "too many interpreters call each other");
  }

  Result<void> arguments() {
    bool script_next =
        is_interpreter_name(plan_.argv[0]) || is_interpreter_name(image_.program().real_path);
    for (std::size_t i = 1; i < plan_.argv.size(); ++i) {
      if (plan_.argv[i] != plan_.shown_argv[i]) continue;  // a secret is no file name we may show
      const auto named = file_named(plan_.argv[i], plan_.cwd);
      const bool option = plan_.argv[i].starts_with('-');
      if (!named) {
        script_next = script_next && option;
        continue;
      }
      if (!may_copy(i, *named)) continue;
      if (auto added = add(named->path, FileRole::kArgument); !added) {
        if (added.error().code == "too_large") return added;
        continue;  // the program may not read it either
      }
      SealedFile& file = image_.files.back();
      file.argv_index = i;
      file.prefix = named->prefix;
      file.script = file.script || (script_next && !option);
      file.substituted = takes_its_place(file, plan_.sandbox);
      script_next = script_next && option;
    }
    return {};
  }

  const Plan& plan_;
  const Isolation& isolation_;
  Image image_;
  std::int64_t left_ = kSealedBytesMax;
};

std::string drift_of_files(const doc::Value& reviewed, const doc::Value& found) {
  const doc::Value* before = reviewed.find("files");
  const doc::Value* after = found.find("files");
  if (before == nullptr || after == nullptr || !before->is_array()) return {};
  for (const doc::Value& old_file : before->as_array()) {
    for (const doc::Value& new_file : after->as_array()) {
      if (old_file.text("path") != new_file.text("path")) continue;
      if (old_file.text("sha256") == new_file.text("sha256")) continue;
      return std::string(old_file.text("path")) + ": its content changed since it was reviewed";
    }
  }
  return {};
}

}  // namespace

Result<Image> seal_image(const Plan& plan, const Isolation& isolation) {
  return Sealer(plan, isolation).run();
}

Result<Image> child_image(const Plan& plan, const Isolation& isolation) {
  return Sealer(plan, isolation).run_from_disk();
}

std::vector<std::string> mount_paths(const SealedFile& file, const catalog::Sandbox& sandbox) {
  if (file.path == file.real_path) return {file.path};
  // A link of the system leads to the copy; elsewhere the copy takes the link's place too.
  if (is_shown(file.path, sandbox)) return {file.real_path};
  return {file.real_path, file.path};
}

std::vector<std::string> started_argv(const Plan& plan, const Image& image, int first_fd) {
  const auto name = [&](std::size_t i) -> std::string {
    const SealedFile& file = image.files[i];
    if (!plan.sandbox.enabled)
      return "/proc/self/fd/" + std::to_string(first_fd + static_cast<int>(i));
    // Somebody may turn a link in a bound folder elsewhere after we looked: the copy has one name.
    const bool turnable = file.path != file.real_path && is_shown(file.path, plan.sandbox) &&
                          !is_system_path(file.path);
    return turnable ? file.real_path : file.path;
  };
  std::vector<std::string> argv = plan.argv;
  std::size_t interpreter = 0;
  for (std::size_t i = 0; i < image.files.size(); ++i) {
    const SealedFile& file = image.files[i];
    if (file.role == FileRole::kInterpreter) interpreter = i;
    if (file.role == FileRole::kArgument && file.substituted)
      argv[file.argv_index] = file.prefix + name(i);
  }
  if (plan.sandbox.enabled || interpreter != 0) argv[0] = name(0);
  if (interpreter == 0) return argv;
  argv.insert(argv.begin(), image.interpreter.begin(), image.interpreter.end());
  if (plan.sandbox.enabled) argv[0] = name(interpreter);
  return argv;
}

doc::Value describe(const Plan& plan, const Image& image, const Isolation& isolation) {
  doc::Value env{doc::Object{}};
  for (const auto& [name, text] : plan.shown_env) env.set(name, text);
  doc::Value secrets{doc::Array{}};
  for (const SecretName& secret : plan.secrets) {
    doc::Value one = doc::object({{"name", secret.name}, {"as", secret.as_file ? "file" : "env"}});
    if (!secret.from.empty()) one.set("from", secret.from);
    secrets.push(std::move(one));
  }
  doc::Value files{doc::Array{}};
  std::int64_t preview_left = kPreviewBytesTotalMax;
  for (const SealedFile& file : image.files) files.push(describe_file(file, preview_left));
  return doc::object(
      {{"kind", "exec"},
       {"argv", doc::array_of(plan.shown_argv)},
       {"binary",
        doc::object({{"path", image.program().path}, {"sha256", image.program().digest}})},
       {"files", files},
       {"cwd", plan.cwd},
       {"env", env},
       {"secret_env", secrets},
       {"sandbox", doc::object({{"enabled", plan.sandbox.enabled},
                                {"network", plan.sandbox.network},
                                {"read_only", doc::array_of(plan.sandbox.read_only)},
                                {"read_write", doc::array_of(plan.sandbox.read_write)}})},
       {"limits", describe(plan.limits)},
       {"user", isolation.user},
       {"timeout", to_text(plan.timeout)},
       {"output_bytes_max", plan.output_bytes_max},
       {"isolation", describe(isolation, plan.sandbox)}});
}

std::string drift(const doc::Value& reviewed, const doc::Value& found) {
  if (reviewed == found) return {};
  if (std::string file = drift_of_files(reviewed, found); !file.empty()) return file;
  for (const doc::Member& member : found.as_object()) {
    const doc::Value* before = reviewed.find(member.key);
    if (before == nullptr || !(*before == member.value))
      return member.key + " is not what was reviewed";
  }
  return "the description is not what was reviewed";
}

}  // namespace keyturn::connectors::exec
