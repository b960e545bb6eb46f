#include "cli/completion.h"

#include <fmt/format.h>

#include <functional>
#include <ostream>

#include "cli/commands.h"
#include "cli/exit_codes.h"

namespace keyturn::cli {
namespace {

struct Command {
  std::string path;  // "policy check"; "" for keyturn itself
  std::vector<const CLI::App*> below;
  std::vector<const CLI::Option*> options;
};

void collect(const CLI::App& app, const std::string& path, std::vector<Command>& out) {
  Command command{.path = path};
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) command.options.push_back(option);
  }
  for (const CLI::App* below : app.get_subcommands({})) command.below.push_back(below);
  out.push_back(command);
  for (const CLI::App* below : command.below)
    collect(*below, path.empty() ? below->get_name() : path + " " + below->get_name(), out);
}

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> out;
  collect(app, "", out);
  return out;
}

std::string words_of(const Command& command) {
  std::string out;
  for (const CLI::App* below : command.below) out += below->get_name() + " ";
  for (const CLI::Option* option : command.options)
    for (const std::string& name : option->get_lnames()) out += "--" + name + " ";
  if (!out.empty()) out.pop_back();
  return out;
}

// For a shell's single quotes; descriptions are ours.
std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// The same `case` for bash and zsh: the path of commands typed so far -> what may follow.
std::string cases(const CLI::App& app) {
  std::string out;
  for (const Command& command : commands_of(app))
    out += fmt::format("    {}) choices={} ;;\n", single_quoted(command.path),
                       single_quoted(words_of(command)));
  return out;
}

std::string nouns(const CLI::App& app) {
  std::string out;
  for (const Command& command : commands_of(app))
    if (!command.path.empty()) out += (out.empty() ? "" : "|") + single_quoted(command.path);
  return out;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  return fmt::format(R"(# keyturn completion bash > /etc/bash_completion.d/keyturn
_keyturn() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} path='' try word choices i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    try=${{path:+$path }}$word
    case $try in
    {}) path=$try ;;
    esac
  done
  case $path in
{}  esac
  COMPREPLY=($(compgen -W "$choices" -- "$cur"))
}}
complete -o default -F _keyturn keyturn
)",
                     nouns(app), cases(app));
}

std::string zsh_completion(const CLI::App& app) {
  return fmt::format(R"(#compdef keyturn
# keyturn completion zsh > "${{fpath[1]}}/_keyturn"
_keyturn() {{
  local known='' try word i
  for ((i = 2; i < CURRENT; i++)); do
    word=${{words[i]}}
    try=${{known:+$known }}$word
    case $try in
    {}) known=$try ;;
    esac
  done
  _keyturn_words "$known"
}}
_keyturn_words() {{
  local choices
  case $1 in
{}  esac
  compadd -- ${{=choices}}
  _files
}}
if [ "${{funcstack[1]}}" = _keyturn ]; then _keyturn "$@"; else compdef _keyturn keyturn; fi
)",
                     nouns(app), cases(app));
}

std::string fish_completion(const CLI::App& app) {
  std::string out = "# keyturn completion fish > ~/.config/fish/completions/keyturn.fish\n";
  for (const Command& command : commands_of(app)) {
    std::string condition = "__fish_use_subcommand";
    if (!command.path.empty()) {
      condition.clear();
      for (std::size_t at = 0; at < command.path.size();) {
        const std::size_t end = std::min(command.path.find(' ', at), command.path.size());
        condition +=
            fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ",
                        command.path.substr(at, end - at));
        at = end + 1;
      }
    }
    for (const CLI::App* below : command.below)
      out += fmt::format("complete -c keyturn -n {} -f -a {} -d {}\n", single_quoted(condition),
                         below->get_name(), single_quoted(below->get_description()));
    for (const CLI::Option* option : command.options)
      for (const std::string& name : option->get_lnames())
        out += fmt::format("complete -c keyturn -n {} -l {} -d {}\n", single_quoted(condition),
                           name, single_quoted(option->get_description()));
  }
  return out;
}

void add_completion(CLI::App& app, Session& session) {
  CLI::App* completion = branch(app, "completion", "Print a shell's completion script");
  const auto add = [&](const std::string& shell, std::string (*write)(const CLI::App&)) {
    CLI::App* command = completion->add_subcommand(shell, "For " + shell);
    command->callback([&session, &app, write] {
      session.console.out << write(app);
      session.exit = code(Exit::kOk);
    });
  };
  add("bash", bash_completion);
  add("zsh", zsh_completion);
  add("fish", fish_completion);
}

}  // namespace keyturn::cli
