// Shell completion, written out of the command tree itself: it cannot name what is not there.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace keyturn::cli {

std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

}  // namespace keyturn::cli
