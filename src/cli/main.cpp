// One binary: the server, the command line, and the process that runs approved commands.
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>

#include "cli/app.h"
#include "server/serve.h"

int main(int argc, char** argv) {
  // First, before anything is allocated or read: this process will lose its privileges.
  if (argc > 1 && std::strcmp(argv[1], "exec-helper") == 0)
    return keyturn::server::exec_helper(argc, argv);
  try {
    keyturn::cli::Console console = keyturn::cli::standard_console();
    return keyturn::cli::run(argc, argv, console, keyturn::cli::environment_of_process());
  } catch (const std::exception& error) {
    std::cerr << "keyturn: " << error.what() << '\n';
    return 5;
  }
}
