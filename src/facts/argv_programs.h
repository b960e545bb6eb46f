// What the argv classifier knows of programs: which start others and how their options are
// read, which take code as an argument. Private to facts/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keyturn::facts {

// A program that starts another one, named by its first operands. An option that is not listed
// makes the argv uninspectable: a wrong guess at which options take a value would name the wrong
// program.
struct Wrapper {
  std::string_view name;
  std::string_view flags;        // short options without a value
  std::string_view valued;       // short options with one
  std::string_view long_flags;   // " one two " without the dashes, or with "=…" attached
  std::string_view long_valued;  // " one two ": the value follows, or is attached with "="
  int operands = 0;              // operands before the program
  bool assigns = false;          // NAME=value operands before the program
};
const Wrapper* find_wrapper(std::string_view name);

// A program that runs a script file, or code from an option or from its standard input.
struct Interpreter {
  std::string_view name;
  std::string_view flags;    // short options that neither hold code nor take a value
  std::string_view code;     // short options that hold code: only for a clear message
  bool posix_shell = false;  // its -c is read by shell_words
};
// By family: "python3.11" is python.
const Interpreter* find_interpreter(std::string_view name);

// Programs that run what their arguments or standard input say, in a language or on a machine of
// their own; nothing is looked through.
bool is_opaque_program(std::string_view name);

// Builtins of shells that change what later words mean, or run text.
bool is_opaque_builtin(std::string_view name);

// Ordinary programs some of whose arguments name a program or hold code (tar --to-command, git -c).
bool takes_code(std::string_view name, std::string_view argument);

// "/usr/bin/python3" -> "python3".
std::string_view base_name(std::string_view path);
// Is this a bare name, or a path of the system's own program directories?
bool is_system_path(std::string_view path);

}  // namespace keyturn::facts
