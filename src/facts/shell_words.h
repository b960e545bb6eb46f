// The simple commands of a POSIX shell script, without running anything. What sh, dash and bash
// would read differently, and what is not understood, is a problem rather than a guess.
// Source: POSIX.1-2017, Shell Command Language, §2.2 to §2.10.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keyturn::facts {

struct Word {
  std::string text;     // after quote removal; expansions stand as written
  bool literal = true;  // false: the shell would replace some of it (parameter, glob, tilde, brace)
  bool quoted = false;  // some of it was quoted, so that it is no reserved word
};

struct ShellCommand {
  std::vector<std::string> assigned;  // names of the variables set before it: FOO=1 cmd
  std::vector<Word> words;            // the program and its arguments; may be empty
};

struct Script {
  std::vector<ShellCommand> commands;  // in the order written, whatever decides if they run
  std::vector<std::string> problems;   // what was not understood; empty when all of it was
};

// Never throws, for any bytes; time and memory linear in the script.
Script parse_shell(std::string_view script);

// Does this environment variable change which program runs, or what code programs load (PATH,
// LD_PRELOAD, BASH_ENV, GIT_SSH_COMMAND …)?
bool is_steering_variable(std::string_view name);

// "NAME" of "NAME=value"; "" when the text is no assignment.
std::string_view assigned_name(std::string_view text);

}  // namespace keyturn::facts
