#include "connectors/exec/strays.h"

#include <csignal>
#include <filesystem>

#include "connectors/exec/proc_text.h"

namespace keyturn::connectors::exec {

void kill_marked(const std::string& mark) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string environment = '\0' + proc_text(entry.path().string() + "/environ");
    if (environment.find('\0' + mark + '\0') == std::string::npos) continue;
    ::kill(static_cast<pid_t>(std::stol(name)), SIGKILL);
  }
}

}  // namespace keyturn::connectors::exec
