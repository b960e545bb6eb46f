// Names the programs an argv starts, looking through wrappers and shell scripts. Whatever is not
// in the tables of argv_programs.cpp is a program of its own; whatever is in them and is used in
// an unknown way is uninspectable.
#include <algorithm>
#include <cctype>
#include <span>
#include <utility>

#include "facts/argv_programs.h"
#include "facts/classify.h"
#include "facts/reason.h"
#include "facts/shell_words.h"

namespace keyturn::facts {
namespace {

constexpr std::size_t kDepthMax = 16;          // wrappers inside shells inside wrappers
constexpr std::size_t kBytesMax = 256 * 1024;  // of the whole argv
constexpr std::size_t kProgramsMax = 1'000;    // named in the facts
constexpr std::size_t kReasonsMax = 20;
constexpr std::size_t kCommandsMax = 10'000;  // looked at, in all scripts together

using Words = std::vector<Word>;

Word literal(std::string text) {
  return {.text = std::move(text)};
}

bool has(std::string_view list, std::string_view name) {
  return list.contains(" " + std::string(name) + " ");
}

class Look {
 public:
  void uninspectable(std::string why) {
    why = short_reason(std::move(why));
    if (why_.size() < kReasonsMax && std::ranges::find(why_, why) == why_.end())
      why_.push_back(std::move(why));
  }

  // One command: `words` are the program and its arguments.
  void command(Words words, std::size_t depth, bool in_shell) {
    if (depth > kDepthMax) return uninspectable("programs nested too deeply");
    if (++commands_ > kCommandsMax) return uninspectable("too many commands");
    if (words.empty()) return;
    const Word& first = words.front();
    if (!first.literal || first.text.empty() || first.text.starts_with('-'))
      return uninspectable("a program whose name cannot be told: " + first.text);
    const std::string_view path = first.text;
    if (path.starts_with("/proc/") || path.starts_with("/dev/"))
      return uninspectable("a program named by a descriptor: " + first.text);
    add(first.text);
    if (in_shell && builtin(words)) return;
    known(std::string(base_name(path)), words, depth);
  }

  void script(std::string_view text, std::size_t depth) {
    inline_ = true;
    Script parsed = parse_shell(text);
    for (const std::string& problem : parsed.problems) uninspectable(problem);
    for (ShellCommand& next : parsed.commands) {
      for (const std::string& name : next.assigned) assigned(name);
      command(std::move(next.words), depth + 1, true);
    }
  }

  Facts facts(const std::vector<std::string>& argv) && {
    if (programs_.size() > kProgramsMax) {
      programs_.resize(kProgramsMax);
      uninspectable("too many programs");
    }
    Facts out;
    out.operation = "execute";
    out.uninspectable = !why_.empty();
    out.tree = doc::object({{"uninspectable", out.uninspectable},
                            {"why", doc::array_of(why_)},
                            {"argv", doc::array_of(argv)},
                            {"shell", doc::object({{"programs", doc::array_of(programs_)},
                                                   {"inline", inline_},
                                                   {"uninspectable", out.uninspectable}})}});
    return out;
  }

 private:
  void add(const std::string& path) {
    if (!is_system_path(path)) add_name(path);
    add_name(std::string(base_name(path)));
  }

  void add_name(std::string name) {
    if (programs_.size() <= kProgramsMax && std::ranges::find(programs_, name) == programs_.end())
      programs_.push_back(std::move(name));
  }

  void assigned(std::string_view name) {
    if (is_steering_variable(name))
      uninspectable("sets " + std::string(name) + ", which changes what programs run");
  }

  void known(const std::string& name, Words& words, std::size_t depth) {
    if (name == "busybox" || name == "toybox") return applet(words, depth);
    if (name == "find") return find(words, depth);
    if (name == "sed" || name == "gsed") return sed(words);
    if (name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so")
      return command(tail(words, 1), depth + 1, false);
    if (const Wrapper* wrapper = find_wrapper(name)) return wrapped(*wrapper, words, depth);
    if (const Interpreter* interpreter = find_interpreter(name))
      return interpreted(*interpreter, words, depth);
    if (is_opaque_program(name))
      return uninspectable(name + " runs what its arguments or its input say");
    for (const Word& word : std::span(words).subspan(1)) {
      if (takes_code(name, word.text))
        return uninspectable(name + " " + word.text + " may run code");
    }
  }

  static Words tail(const Words& words, std::size_t from) {
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(std::min(from, words.size()));
    return {begin, words.end()};
  }

  void applet(Words& words, std::size_t depth) {
    if (words.size() < 2) return;
    if (words[1].literal && words[1].text.starts_with("--")) return;  // --list, --help
    command(tail(words, 1), depth + 1, false);
  }

  // Builtins of a shell. True when nothing more is to be said of them.
  bool builtin(const Words& words) {
    const std::string& name = words[0].text;
    if (is_opaque_builtin(name)) {
      uninspectable("the shell's " + name);
      return true;
    }
    if (name == "export" || name == "readonly" || name == "read" || name == "unset") {
      for (const Word& word : std::span(words).subspan(1)) variable(name, word);
      return true;
    }
    if (name == "." || name == "source") {
      run_file(words.size() > 1 ? &words[1] : nullptr, name);
      return true;
    }
    if (name == "set") {
      for (const Word& word : std::span(words).subspan(1)) {
        if (!word.literal || word.text.contains('x') || word.text == "xtrace")
          uninspectable("the shell's set");
      }
      return true;
    }
    if (name == "test" || name == "[") {
      for (const Word& word : words) {
        if (word.text.contains("$(") || word.text.contains('`'))
          uninspectable("code inside a test");
      }
      return true;
    }
    return false;
  }

  void variable(const std::string& builtin, const Word& word) {
    if (word.text.starts_with('-') && word.literal) {
      if (builtin == "export" && word.text.contains('f')) uninspectable("exports a function");
      return;
    }
    const std::string_view name = assigned_name(word.text);
    const std::string_view whole = name.empty() ? std::string_view(word.text) : name;
    if (name.empty() && !word.literal) return uninspectable("the shell's " + builtin);
    if (whole.contains('[')) return uninspectable("an array element in a script");
    assigned(whole);
  }

  // A wrapper's options, then the program.
  void wrapped(const Wrapper& wrapper, Words& words, std::size_t depth) {
    std::string replaced;
    std::size_t at = 1;
    while (at < words.size()) {
      const Word& word = words[at];
      if (!word.literal) return uninspectable(unknown(wrapper, word));
      if (word.text == "--") {
        ++at;
        break;
      }
      if (!word.text.starts_with('-') || word.text == "-") {
        if (word.text == "-" && wrapper.name == "env") {
          ++at;
          continue;
        }
        break;
      }
      if (prints_only(wrapper, word.text)) return;
      if (wrapper.name == "env" && split_string(words, at)) continue;
      if (wrapper.name == "xargs" && replacement(words, at, replaced)) continue;
      const std::size_t used = option(wrapper, word.text);
      if (used == 0) return uninspectable(unknown(wrapper, word));
      at += used;
    }
    after_options(wrapper, tail(words, at), replaced, depth);
  }

  static std::string unknown(const Wrapper& wrapper, const Word& word) {
    return std::string(wrapper.name) + " " + word.text + ": what it runs cannot be told";
  }

  static bool prints_only(const Wrapper& wrapper, std::string_view option) {
    if (wrapper.name == "command") return option == "-v" || option == "-V";
    return option == "--help" || option == "--version";
  }

  // How many words an option takes; 0 when it is not known.
  static std::size_t option(const Wrapper& wrapper, std::string_view text) {
    if (text.starts_with("--")) {
      const std::string_view name = text.substr(2, text.find('=') - 2);
      const bool attached = text.contains('=');
      if (has(wrapper.long_flags, name)) return 1;
      if (has(wrapper.long_valued, name)) return attached ? 1 : 2;
      return 0;
    }
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (wrapper.valued.contains(text[i])) return i + 1 == text.size() ? 2 : 1;
      if (!wrapper.flags.contains(text[i])) return 0;
    }
    return 1;
  }

  // env -S "a b": the string becomes words. True when it was one; the words are in place then.
  bool split_string(Words& words, std::size_t at) {
    const std::string text = words[at].text;
    std::string value;
    std::size_t used = 1;
    if (text.starts_with("--split-string=")) {
      value = text.substr(15);
    } else if (text == "--split-string" || text == "-S" || text == "-vS" || text == "-iS") {
      if (at + 1 >= words.size() || !words[at + 1].literal) return false;
      value = words[at + 1].text;
      used = 2;
    } else if (text.starts_with("-S")) {
      value = text.substr(2);
    } else {
      return false;
    }
    inline_ = true;
    const auto strange = [](unsigned char c) {
      return !(std::isalnum(c) != 0 ||
               std::string_view("_./=:,@%+- ").contains(static_cast<char>(c)));
    };
    if (std::ranges::any_of(value, strange)) uninspectable("env -S with quotes or expansions");
    Words out(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at));
    std::size_t from = 0;
    while (from <= value.size()) {
      const std::size_t space = std::min(value.find(' ', from), value.size());
      if (space > from) out.push_back(literal(value.substr(from, space - from)));
      from = space + 1;
    }
    for (Word& rest : tail(words, at + used)) out.push_back(std::move(rest));
    words = std::move(out);
    return true;
  }

  // xargs -I R: R stands for words of its input.
  static bool replacement(const Words& words, std::size_t& at, std::string& replaced) {
    const std::string& text = words[at].text;
    if (!text.starts_with("-I")) return false;
    if (text.size() > 2) {
      replaced = text.substr(2);
    } else {
      if (at + 1 >= words.size() || !words[at + 1].literal) return false;
      replaced = words[++at].text;
    }
    ++at;
    return !replaced.empty();
  }

  void after_options(const Wrapper& wrapper, Words rest, const std::string& replaced,
                     std::size_t depth) {
    for (int i = 0; i < wrapper.operands && !rest.empty(); ++i) {
      if (!rest.front().literal) return uninspectable(unknown(wrapper, rest.front()));
      rest.erase(rest.begin());
    }
    while (wrapper.assigns && !rest.empty() && rest.front().text.contains('=')) {
      assigned(rest.front().text.substr(0, rest.front().text.find('=')));
      if (!rest.front().literal) return uninspectable(unknown(wrapper, rest.front()));
      rest.erase(rest.begin());
    }
    if (wrapper.name == "xargs") {
      if (replaced.empty())
        rest.push_back({.text = "(its input)", .literal = false});
      else
        unknown_where(rest, replaced);
      if (rest.size() == 1 && replaced.empty()) return;  // echo
    }
    command(std::move(rest), depth + 1, wrapper.name == "command" || wrapper.name == "exec");
  }

  static void unknown_where(Words& words, std::string_view part) {
    for (Word& word : words) word.literal = word.literal && !word.text.contains(part);
  }

  void find(Words& words, std::size_t depth) {
    for (std::size_t at = 1; at < words.size(); ++at) {
      const Word& word = words[at];
      if (!word.literal) {
        uninspectable("find " + word.text + ": what it runs cannot be told");
        continue;
      }
      if (word.text != "-exec" && word.text != "-execdir" && word.text != "-ok" &&
          word.text != "-okdir")
        continue;
      Words inner;
      while (++at < words.size() && words[at].text != ";" &&
             !(words[at].text == "+" && !inner.empty() && inner.back().text == "{}"))
        inner.push_back(words[at]);
      if (at >= words.size() || inner.empty()) return uninspectable("find -exec without an end");
      unknown_where(inner, "{}");
      command(std::move(inner), depth + 1, false);
    }
  }

  // sed can run programs (the command e) and write files (w). Only the plainest scripts pass.
  void sed(const Words& words) {
    bool given = false;
    for (std::size_t at = 1; at < words.size(); ++at) {
      const Word& word = words[at];
      const bool option = word.text.starts_with('-') && word.text.size() > 1;
      if (option && word.text == "--sandbox") return;
      if (option && !word.text.starts_with("--") &&
          word.text.find_first_not_of("nErsz", 1) == std::string::npos)
        continue;
      if (option && (word.text == "-e" || word.text == "-ne") && at + 1 < words.size()) {
        given = true;
        check_sed(words[++at]);
      } else if (option) {
        return uninspectable("sed " + word.text + " is not inspected");
      } else if (!given) {
        given = true;
        check_sed(word);
      }
    }
  }

  void check_sed(const Word& word) {
    inline_ = true;
    if (!word.literal || !is_plain_sed(word.text))
      uninspectable("a sed script that is not inspected: " + word.text);
  }

  // "10q", "1,20p", "$d", "/word/p", "s/a/b/g" and no more.
  static bool is_plain_sed(std::string_view script) {
    const std::size_t address = script.find_first_not_of("0123456789,$");
    if (address == std::string_view::npos) return false;
    script.remove_prefix(address);
    if (script == "p" || script == "d" || script == "q") return true;
    if (script.contains('\n') || script.contains('\\') || script.contains(';')) return false;
    const bool substitutes = script.starts_with("s/");
    if (!substitutes && !script.starts_with('/')) return false;
    const std::size_t first = substitutes ? 1 : 0;
    const std::size_t second = script.find('/', first + 1);
    if (second == std::string_view::npos) return false;
    const std::size_t last = substitutes ? script.find('/', second + 1) : second;
    if (last == std::string_view::npos) return false;
    const std::string_view flags = script.substr(last + 1);
    if (!substitutes) return flags == "p" || flags == "d" || flags == "q";
    return flags.find_first_not_of("gpI0123456789") == std::string_view::npos;
  }

  void interpreted(const Interpreter& interpreter, const Words& words, std::size_t depth) {
    const std::string name(interpreter.name);
    bool code = false;
    std::size_t at = 1;
    for (; at < words.size(); ++at) {
      const Word& word = words[at];
      if (!word.literal) return uninspectable(name + " with an argument that cannot be told");
      const std::string& text = word.text;
      if (text == "--") {
        ++at;
        break;
      }
      if (text.size() < 2 || (text[0] != '-' && !(interpreter.posix_shell && text[0] == '+')))
        break;
      if (words.size() == 2 && (text == "--version" || text == "--help" || text == "-V")) return;
      if (name == "python" && text == "-m") return module(words, at);
      if (text == "--norc" || text == "--noprofile" || text == "--posix") continue;
      if (!short_options(interpreter, text, words, at, code)) return;
    }
    const Word* operand = at < words.size() ? &words[at] : nullptr;
    if (!code) return run_file(operand, name);
    if (operand == nullptr || !operand->literal)
      return uninspectable(name + " -c with code that cannot be told");
    script(operand->text, depth + 1);
  }

  // False, with a reason noted, when the options are not understood.
  bool short_options(const Interpreter& interpreter, const std::string& text, const Words& words,
                     std::size_t& at, bool& code) {
    const std::string name(interpreter.name);
    const bool is_long = text.starts_with("--");
    for (std::size_t i = 1; i < text.size() && !is_long; ++i) {
      const char c = text[i];
      if (interpreter.posix_shell && c == 'c' && text[0] == '-') {
        code = true;
      } else if (interpreter.posix_shell && c == 'o' && at + 1 < words.size()) {
        if (!words[++at].literal || words[at].text == "xtrace") break;
      } else if (!interpreter.flags.contains(c)) {
        inline_ = inline_ || interpreter.code.contains(c);
        uninspectable(name + " " + text +
                      (interpreter.code.contains(c) ? ": code in a language that is not inspected"
                                                    : ": an option that is not inspected"));
        return false;
      }
    }
    if (is_long) uninspectable(name + " " + text + ": an option that is not inspected");
    return !is_long;
  }

  // python -m NAME: a program by name, unless it runs code itself.
  void module(const Words& words, std::size_t at) {
    constexpr std::string_view runners =
        " cProfile code doctest idlelib pdb profile runpy timeit trace unittest ";
    if (at + 1 >= words.size() || !words[at + 1].literal || has(runners, words[at + 1].text))
      return uninspectable("python -m with code of its own");
    add_name(words[at + 1].text);
  }

  // A script in a file is a program by that name.
  void run_file(const Word* file, const std::string& runner) {
    if (file == nullptr || file->text == "-")
      return uninspectable(runner + " reads its commands from its input");
    if (!file->literal || file->text.empty())
      return uninspectable(runner + " with a script that cannot be told");
    if (file->text.starts_with("/dev/") || file->text.starts_with("/proc/"))
      return uninspectable(runner + " reads its commands from a descriptor");
    add(file->text);
  }

  std::vector<std::string> programs_, why_;
  std::size_t commands_ = 0;
  bool inline_ = false;
};

}  // namespace

Facts classify_argv(const std::vector<std::string>& argv) {
  Look look;
  std::size_t bytes = 0;
  bool nul = false, is_text = true;
  Words words;
  for (const std::string& text : argv) {
    bytes += text.size();
    nul = nul || text.contains('\0');
    is_text = is_text && !first_invalid_utf8(text);
    words.push_back(literal(text));
  }
  if (argv.empty())
    look.uninspectable("an empty argv");
  else if (!is_text)
    look.uninspectable("bytes that are not UTF-8");
  else if (nul)
    look.uninspectable("a NUL byte in the argv");
  else if (bytes > kBytesMax)
    look.uninspectable("longer than " + std::to_string(kBytesMax) + " bytes");
  else
    look.command(std::move(words), 0, false);
  return std::move(look).facts(is_text ? argv : std::vector<std::string>{});
}

}  // namespace keyturn::facts
