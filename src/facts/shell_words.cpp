#include "facts/shell_words.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/ascii.h"

namespace keyturn::facts {
namespace {

using namespace std::string_view_literals;

bool is_name_start(char c) {
  return is_letter(c) || c == '_';
}
bool is_name_char(char c) {
  return is_name_start(c) || is_digit(c);
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool ends_word(char c) {
  return is_blank(c) || "\n;&|<>()"sv.contains(c);
}

// Reserved words after which a command may start.
constexpr std::array kOpeners = {"!"sv,    "do"sv,   "done"sv,  "elif"sv,  "else"sv, "fi"sv, "if"sv,
                                 "then"sv, "time"sv, "until"sv, "while"sv, "{"sv,    "}"sv};
// Reserved words whose grammar is not followed here.
constexpr std::array kNotFollowed = {"case"sv, "coproc"sv, "esac"sv, "function"sv,
                                     "in"sv,   "select"sv, "[["sv,   "]]"sv};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Script read() && {
    while (at_ < text_.size()) token();
    finish_command();
    return std::move(script_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void problem(std::string what) {
    if (std::ranges::find(script_.problems, what) == script_.problems.end())
      script_.problems.push_back(std::move(what));
  }

  void finish_command() {
    if (!command_.words.empty() || !command_.assigned.empty())
      script_.commands.push_back(std::move(command_));
    command_ = {};
    header_ = Header::kNone;
  }

  bool at_command_start() const { return command_.words.empty() && command_.assigned.empty(); }

  void token() {
    const char c = peek();
    if (is_blank(c)) {
      ++at_;
    } else if (c == '\\' && peek(1) == '\n') {
      at_ += 2;
    } else if (c == '#') {
      while (at_ < text_.size() && peek() != '\n') ++at_;
    } else if (c == '<' || c == '>') {
      redirection();
    } else if (ends_word(c)) {
      separator(c);
    } else {
      word_of_command();
    }
  }

  void separator(char c) {
    ++at_;
    if (c == '&' && peek() == '>') {  // bash: redirect both; dash: background, then redirect
      problem("&> is read differently by different shells");
    } else if (c == '(') {
      if (!at_command_start() || header_ != Header::kNone)
        problem("a function or array in a script");
      if (peek() == '(') problem("(( in a script");
    }
    finish_command();
  }

  void redirection() {
    if (peek() == peek(1) && peek() == '<') problem("a here-document");
    if (peek(1) == '(') problem("a process substitution");
    const std::size_t start = at_;
    while ("<>&|"sv.contains(peek()) && at_ < text_.size()) ++at_;
    const std::string_view sign = text_.substr(start, at_ - start);
    while (is_blank(peek())) ++at_;
    const Word target = at_ < text_.size() && !ends_word(peek()) ? word() : Word{};
    const bool harmless = target.literal && (target.text == "/dev/null" ||
                                             (sign.ends_with('&') && is_descriptor(target.text)));
    // The shell itself writes that file: no program's name would tell.
    if (sign.contains('>') && !harmless) problem("a redirection that writes to a file");
  }

  static bool is_descriptor(std::string_view text) {
    return text == "-" || (!text.empty() && std::ranges::all_of(text, is_digit));
  }

  void word_of_command() {
    const std::size_t start = at_;
    Word w = word();
    if (header_ != Header::kNone) return loop_header(w);
    const std::string_view raw = text_.substr(start, at_ - start);
    if (command_.words.empty() && assignment(raw)) return;
    // 2>file: digits right before a redirection are its descriptor.
    if ((peek() == '<' || peek() == '>') && !raw.empty() && std::ranges::all_of(raw, is_digit))
      return;
    if (at_command_start() && !w.quoted && reserved(w.text)) return;
    if (command_.words.empty() && w.text.starts_with("{") && !w.quoted) w.literal = false;
    command_.words.push_back(std::move(w));
  }

  bool assignment(std::string_view raw) {
    std::size_t i = 0;
    while (i < raw.size() && is_name_char(raw[i])) ++i;
    if (i == 0 || i >= raw.size() || !is_name_start(raw[0])) return false;
    if (raw[i] == '[') {
      problem("an array element in a script");
      return false;
    }
    const bool plus = raw[i] == '+' && i + 1 < raw.size() && raw[i + 1] == '=';
    if (raw[i] != '=' && !plus) return false;
    command_.assigned.emplace_back(raw.substr(0, i));
    return true;
  }

  bool reserved(std::string_view text) {
    if (std::ranges::find(kOpeners, text) != kOpeners.end()) return true;
    if (text == "for") {
      header_ = Header::kName;
      return true;
    }
    if (std::ranges::find(kNotFollowed, text) != kNotFollowed.end())
      problem("the reserved word " + std::string(text) + " in a script");
    return false;
  }

  // "for NAME in WORDS" up to a separator; "for NAME do".
  void loop_header(const Word& w) {
    if (header_ == Header::kName) {
      if (w.quoted || !w.literal) problem("a for loop over an unusual name");
      if (is_steering_variable(w.text)) problem("sets " + w.text);
      header_ = Header::kIn;
    } else if (header_ == Header::kIn) {
      if (w.text == "do" && !w.quoted)
        header_ = Header::kNone;
      else if (w.text == "in" && !w.quoted)
        header_ = Header::kWords;
      else
        problem("an unusual for loop");
    }
  }

  Word word() {
    Word w;
    while (at_ < text_.size() && !ends_word(peek())) {
      const char c = peek();
      if (c == '\'')
        single_quoted(w);
      else if (c == '"')
        double_quoted(w);
      else if (c == '\\')
        escaped(w);
      else if (c == '$')
        dollar(w, false);
      else
        plain(w, c);
    }
    return w;
  }

  void plain(Word& w, char c) {
    if (c == '`') problem("a command substitution");
    if ("*?[`"sv.contains(c) || (c == '~' && (w.text.empty() || ":="sv.contains(w.text.back()))))
      w.literal = false;
    if ((c == '{' && !w.text.empty()) || (c == '{' && peek(1) != '\0' && !ends_word(peek(1)))) {
      if (peek(1) != '}') w.literal = false;  // {} stays as it is, in every shell
    }
    if (c == '\0') problem("a NUL byte in a script");
    w.text.push_back(c);
    ++at_;
  }

  void single_quoted(Word& w) {
    w.quoted = true;
    const std::size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) {
      problem("a quote that is not closed");
      at_ = text_.size();
      return;
    }
    w.text.append(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
  }

  void escaped(Word& w) {
    if (peek(1) == '\n') {
      problem("a line that goes on in the middle of a word");
      at_ += 2;
      return;
    }
    w.quoted = true;
    if (at_ + 1 >= text_.size()) problem("a backslash at the end of a script");
    if (at_ + 1 < text_.size()) w.text.push_back(peek(1));
    at_ = std::min(at_ + 2, text_.size());
  }

  void double_quoted(Word& w) {
    w.quoted = true;
    ++at_;
    while (at_ < text_.size() && peek() != '"') {
      const char c = peek();
      if (c == '\\' && "$`\"\\\n"sv.contains(peek(1)) && at_ + 1 < text_.size()) {
        if (peek(1) != '\n')
          w.text.push_back(peek(1));
        else
          problem("a line that goes on in the middle of a word");
        at_ += 2;
      } else if (c == '$') {
        dollar(w, true);
      } else {
        if (c == '`') problem("a command substitution");
        if (c == '`') w.literal = false;
        w.text.push_back(c);
        ++at_;
      }
    }
    if (at_ >= text_.size()) problem("a quote that is not closed");
    if (at_ < text_.size()) ++at_;
  }

  // Stands at a "$". Only $NAME, ${NAME}, $1 and the special parameters are expansions that run
  // nothing.
  void dollar(Word& w, bool in_quotes) {
    const char next = peek(1);
    w.text.push_back('$');
    ++at_;
    if (next == '(') {
      problem("a command substitution");
      w.literal = false;
    } else if (next == '{') {
      w.literal = false;
      braced(w);
    } else if (is_name_char(next) || "@*#?-$!"sv.contains(next)) {
      w.literal = false;
    } else if (!in_quotes && (next == '\'' || next == '"' || next == '[')) {
      problem("$ before a quote is read differently by different shells");
    } else if (next == '[') {
      problem("$[ is read differently by different shells");
    }
  }

  void braced(Word& w) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_name_char(text_[end])) ++end;
    if (end >= text_.size() || text_[end] != '}' || end == at_ + 1) {
      problem("a parameter expansion with an operator");
      return;
    }
    w.text.append(text_.substr(at_, end + 1 - at_));
    at_ = end + 1;
  }

  enum class Header { kNone, kName, kIn, kWords };
  std::string_view text_;
  std::size_t at_ = 0;
  Header header_ = Header::kNone;
  ShellCommand command_;
  Script script_;
};

constexpr std::array kSteering = {"AWS_CONFIG_FILE"sv,
                                  "BASHOPTS"sv,
                                  "BASH_ENV"sv,
                                  "BROWSER"sv,
                                  "CDPATH"sv,
                                  "CLASSPATH"sv,
                                  "CURL_HOME"sv,
                                  "DOCKER_HOST"sv,
                                  "EDITOR"sv,
                                  "ENV"sv,
                                  "EXINIT"sv,
                                  "FPATH"sv,
                                  "GCONV_PATH"sv,
                                  "GLOBIGNORE"sv,
                                  "HOME"sv,
                                  "IFS"sv,
                                  "JAVA_TOOL_OPTIONS"sv,
                                  "JDK_JAVA_OPTIONS"sv,
                                  "KUBECONFIG"sv,
                                  "MAKEFLAGS"sv,
                                  "MANPAGER"sv,
                                  "PAGER"sv,
                                  "PATH"sv,
                                  "PROMPT_COMMAND"sv,
                                  "PS0"sv,
                                  "PS1"sv,
                                  "PS4"sv,
                                  "RSYNC_RSH"sv,
                                  "SHELL"sv,
                                  "SHELLOPTS"sv,
                                  "SSH_ASKPASS"sv,
                                  "TAR_OPTIONS"sv,
                                  "VIMINIT"sv,
                                  "VISUAL"sv,
                                  "WGETRC"sv,
                                  "ZDOTDIR"sv,
                                  "_JAVA_OPTIONS"sv};
constexpr std::array kSteeringPrefixes = {
    "BASH_FUNC_"sv,  "DYLD_"sv, "GIT_"sv, "LD_"sv,    "LESS"sv, "LUA_"sv, "NODE_"sv,
    "NPM_CONFIG_"sv, "PERL"sv,  "PHP"sv,  "PYTHON"sv, "RUBY"sv, "XDG_"sv, "npm_config_"sv};
static_assert(std::ranges::is_sorted(kSteering));

}  // namespace

Script parse_shell(std::string_view script) {
  return Reader(script).read();
}

bool is_steering_variable(std::string_view name) {
  return std::ranges::binary_search(kSteering, name) ||
         std::ranges::any_of(kSteeringPrefixes,
                             [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string_view assigned_name(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && is_name_char(text[i])) ++i;
  if (i == 0 || i >= text.size() || !is_name_start(text[0])) return {};
  if (text[i] == '+' && i + 1 < text.size() && text[i + 1] == '=') return text.substr(0, i);
  return text[i] == '=' ? text.substr(0, i) : std::string_view{};
}

}  // namespace keyturn::facts
