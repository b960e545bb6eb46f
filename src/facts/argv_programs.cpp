#include "facts/argv_programs.h"

#include <algorithm>
#include <array>

namespace keyturn::facts {
namespace {

using namespace std::string_view_literals;

constexpr std::array kWrappers = {
    Wrapper{"chronic", "", "", "", ""},
    Wrapper{"command", "p", "", "", ""},
    Wrapper{"doas", "n", "u", "", ""},
    Wrapper{"env", "i0v", "u", " ignore-environment null debug ", " unset ", 0, true},
    Wrapper{"exec", "cl", "a", "", ""},
    Wrapper{"ionice", "t", "cn", " ignore ", " class classdata "},
    Wrapper{"nice", "", "n", "", " adjustment "},
    Wrapper{"nohup", "", "", "", ""},
    Wrapper{"setsid", "cfw", "", " ctty fork wait ", ""},
    Wrapper{"stdbuf", "", "ioe", "", " input output error "},
    Wrapper{"sudo", "ABbEHknPS", "ughpT",
            " askpass background preserve-env set-home non-interactive preserve-groups "
            "reset-timestamp stdin ",
            " user group host prompt command-timeout ", 0, true},
    Wrapper{"taskset", "ac", "", " all-tasks cpu-list ", "", 1},
    Wrapper{"time", "apqv", "fo", " append portability quiet verbose ", " format output "},
    Wrapper{"timeout", "v", "ks", " foreground preserve-status verbose ", " kill-after signal ", 1},
    Wrapper{"xargs", "0prtx", "adELnPs", " null no-run-if-empty verbose interactive exit open-tty ",
            " arg-file delimiter max-args max-procs max-chars "}};

constexpr std::array kInterpreters = {Interpreter{"ash", "aefhmnuvx", "c", true},
                                      Interpreter{"bash", "aefhmnuvxBCHP", "c", true},
                                      Interpreter{"bun", "", "e"},
                                      Interpreter{"csh", "", "c"},
                                      Interpreter{"dash", "aefhmnuvxC", "c", true},
                                      Interpreter{"deno", "", ""},
                                      Interpreter{"elvish", "", "c"},
                                      Interpreter{"expect", "", "c"},
                                      Interpreter{"fish", "", "c"},
                                      Interpreter{"groovy", "", "e"},
                                      Interpreter{"guile", "", "ce"},
                                      Interpreter{"julia", "", "eE"},
                                      Interpreter{"ksh", "aefhmnuvx", "c", true},
                                      Interpreter{"lua", "", "e"},
                                      Interpreter{"luajit", "", "e"},
                                      Interpreter{"mksh", "aefhmnuvx", "c", true},
                                      Interpreter{"node", "", "ep"},
                                      Interpreter{"nodejs", "", "ep"},
                                      Interpreter{"nu", "", "c"},
                                      Interpreter{"osascript", "", "e"},
                                      Interpreter{"perl", "TWtw", "eEMm"},
                                      Interpreter{"php", "", "rBRE"},
                                      Interpreter{"pwsh", "", "c"},
                                      Interpreter{"pypy", "BdEIOPqsSuv", "c"},
                                      Interpreter{"python", "BdEIOPqsSuv", "c"},
                                      Interpreter{"rbash", "", "c"},
                                      Interpreter{"rscript", "", "e"},
                                      Interpreter{"ruby", "w", "er"},
                                      Interpreter{"sh", "aefhmnuvxC", "c", true},
                                      Interpreter{"tclsh", "", ""},
                                      Interpreter{"tcsh", "", "c"},
                                      Interpreter{"ts-node", "", "ep"},
                                      Interpreter{"wish", "", ""},
                                      Interpreter{"xonsh", "", "c"},
                                      Interpreter{"yash", "aefhmnuvxC", "c", true},
                                      Interpreter{"zsh", "", "c"}};

constexpr std::array kOpaquePrograms = {"R"sv,
                                        "ansible"sv,
                                        "at"sv,
                                        "awk"sv,
                                        "batch"sv,
                                        "bwrap"sv,
                                        "capsh"sv,
                                        "chroot"sv,
                                        "clickhouse"sv,
                                        "cqlsh"sv,
                                        "crontab"sv,
                                        "dc"sv,
                                        "dbus-run-session"sv,
                                        "docker"sv,
                                        "dpkg-reconfigure"sv,
                                        "ed"sv,
                                        "emacs"sv,
                                        "entr"sv,
                                        "ex"sv,
                                        "fakeroot"sv,
                                        "fd"sv,
                                        "fdfind"sv,
                                        "firejail"sv,
                                        "flock"sv,
                                        "gawk"sv,
                                        "gdb"sv,
                                        "ghci"sv,
                                        "hyperfine"sv,
                                        "irb"sv,
                                        "jshell"sv,
                                        "kubectl"sv,
                                        "lldb"sv,
                                        "ltrace"sv,
                                        "m4"sv,
                                        "make"sv,
                                        "mariadb"sv,
                                        "mawk"sv,
                                        "mongo"sv,
                                        "mongosh"sv,
                                        "mosh"sv,
                                        "mysql"sv,
                                        "nawk"sv,
                                        "nc"sv,
                                        "ncat"sv,
                                        "nerdctl"sv,
                                        "netcat"sv,
                                        "npx"sv,
                                        "nsenter"sv,
                                        "nvim"sv,
                                        "original-awk"sv,
                                        "oc"sv,
                                        "parallel"sv,
                                        "pkexec"sv,
                                        "podman"sv,
                                        "proot"sv,
                                        "psql"sv,
                                        "rlwrap"sv,
                                        "rsh"sv,
                                        "run-parts"sv,
                                        "runcon"sv,
                                        "runuser"sv,
                                        "screen"sv,
                                        "script"sv,
                                        "setarch"sv,
                                        "setpriv"sv,
                                        "sg"sv,
                                        "socat"sv,
                                        "sqlite3"sv,
                                        "ssh"sv,
                                        "sshpass"sv,
                                        "start-stop-daemon"sv,
                                        "strace"sv,
                                        "su"sv,
                                        "sudoedit"sv,
                                        "systemd-run"sv,
                                        "telnet"sv,
                                        "tmux"sv,
                                        "torsocks"sv,
                                        "unbuffer"sv,
                                        "unshare"sv,
                                        "uvx"sv,
                                        "vi"sv,
                                        "view"sv,
                                        "vim"sv,
                                        "watch"sv,
                                        "xterm"sv,
                                        "xvfb-run"sv};

constexpr std::array kOpaqueBuiltins = {
    "alias"sv,  "bind"sv,    "builtin"sv,   "compgen"sv, "complete"sv, "compopt"sv, "declare"sv,
    "enable"sv, "eval"sv,    "fc"sv,        "getopts"sv, "hash"sv,     "history"sv, "let"sv,
    "local"sv,  "mapfile"sv, "readarray"sv, "shopt"sv,   "trap"sv,     "typeset"sv, "unalias"sv};

// Arguments that name a program or hold code: by whole word or "word=" for long options, by
// prefix for those that end in "*".
struct CodeArguments {
  std::string_view program;
  std::string_view arguments;  // separated by spaces
};
constexpr std::array kCodeArguments = {
    CodeArguments{"cargo", "--config*"},
    CodeArguments{"git",
                  "-c* --config-env* --exec-path* --upload-pack* --receive-pack* -u* --exec* -x* "
                  "-O* --open-files-in-pager* ext::* bisect filter-branch submodule difftool "
                  "mergetool daemon --extcmd*"},
    CodeArguments{"go", "-exec* -toolexec* generate"},
    CodeArguments{"npm", "exec x explore --script-shell*"},
    CodeArguments{"pip", "--global-option* --config-settings*"},
    CodeArguments{"pnpm", "exec dlx"},
    CodeArguments{"printf", "-v*"},
    CodeArguments{"rsync", "-*e* --rsh* --rsync-path*"},
    CodeArguments{"scp", "-S* -o* -F*"},
    CodeArguments{"sftp", "-S* -o* -F* -b*"},
    CodeArguments{"sort", "--compress-program*"},
    CodeArguments{"split", "--filter*"},
    CodeArguments{"tar",
                  "--checkpoint-action* --to-command* -I* --use-compress-program* -F* "
                  "--info-script* --new-volume-script* --rsh-command* --rmt-command*"},
    CodeArguments{"terraform", "console"},
    CodeArguments{"wget", "--use-askpass* -e* --execute*"},
    CodeArguments{"yarn", "exec dlx"},
    CodeArguments{"zip", "-TT* --unzip-command*"}};

static_assert(std::ranges::is_sorted(kWrappers, {}, &Wrapper::name));
static_assert(std::ranges::is_sorted(kInterpreters, {}, &Interpreter::name));
static_assert(std::ranges::is_sorted(kOpaqueBuiltins));

template <class Table>
auto* find_named(const Table& table, std::string_view name) {
  const auto at = std::ranges::find_if(table, [&](const auto& e) { return e.name == name; });
  return at == table.end() ? nullptr : &*at;
}

// "python3.11" -> "python", "lua5.4" -> "lua"; "sh" stays.
std::string_view family(std::string_view name) {
  const std::size_t end = name.find_last_not_of("0123456789.-");
  return end == std::string_view::npos ? name : name.substr(0, end + 1);
}

bool matches(std::string_view pattern, std::string_view argument) {
  if (pattern == "-*e*")  // an e anywhere in a cluster of short options
    return argument.starts_with('-') && !argument.starts_with("--") && argument.contains('e');
  if (pattern.ends_with('*')) return argument.starts_with(pattern.substr(0, pattern.size() - 1));
  return argument == pattern;
}

}  // namespace

const Wrapper* find_wrapper(std::string_view name) {
  return find_named(kWrappers, name);
}

const Interpreter* find_interpreter(std::string_view name) {
  if (name == "Rscript") name = "rscript";
  if (const Interpreter* exact = find_named(kInterpreters, name)) return exact;
  return find_named(kInterpreters, family(name));
}

bool is_opaque_program(std::string_view name) {
  return std::ranges::find(kOpaquePrograms, name) != kOpaquePrograms.end();
}

bool is_opaque_builtin(std::string_view name) {
  return std::ranges::binary_search(kOpaqueBuiltins, name);
}

bool takes_code(std::string_view name, std::string_view argument) {
  const auto at = std::ranges::find(kCodeArguments, name, &CodeArguments::program);
  if (at == kCodeArguments.end()) return false;
  std::string_view rest = at->arguments;
  while (!rest.empty()) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    if (matches(rest.substr(0, space), argument)) return true;
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  return false;
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_system_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return true;
  constexpr std::array directories = {"/bin"sv,      "/sbin"sv,          "/usr/bin"sv,
                                      "/usr/sbin"sv, "/usr/local/bin"sv, "/usr/local/sbin"sv};
  return std::ranges::find(directories, path.substr(0, slash)) != directories.end();
}

}  // namespace keyturn::facts
