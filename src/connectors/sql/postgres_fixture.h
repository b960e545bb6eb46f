// A private PostgreSQL for tests: own data folder, a Unix socket in it, no TCP, a password for
// everybody. Ended by its process id when the fixture goes.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "base/bytes.h"
#include "connectors/testing.h"

namespace keyturn::connectors::testing {

class Postgres {
 public:
  Postgres() {
    write_file(folder_.path() + "/password", password() + "\n", 0644);
    run(bin() + "/initdb -D " + data() +
        " -U postgres -A scram-sha-256 --no-sync --no-locale -E UTF8 --pwfile=" + folder_.path() +
        "/password");
    run(bin() + "/pg_ctl -D " + data() + " -w -t 60 -l " + data() + "/log -o \"-k " + data() +
        " -c listen_addresses='' -c fsync=off -c shared_buffers=16MB\" start");
    ::chmod((folder_.path() + "/password").c_str(), 0600);
  }
  ~Postgres() {
    const pid_t pid = static_cast<pid_t>(std::atoi(read_file(data() + "/postmaster.pid").c_str()));
    if (pid <= 1) return;
    ::kill(pid, SIGINT);
    while (std::filesystem::exists(data() + "/postmaster.pid") && ::kill(pid, 0) == 0)
      ::usleep(10'000);
  }
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  static std::string password() { return "correct-horse-77"; }
  std::string password_file() const { return folder_.path() + "/password"; }
  std::string dsn() const { return "host=" + data() + " dbname=postgres user=postgres"; }

 private:
  std::string data() const { return folder_.path() + "/data"; }

  static std::string bin() {
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
      if (std::filesystem::exists(version.path() / "bin/initdb"))
        return (version.path() / "bin").string();
    }
    throw std::runtime_error("no PostgreSQL server is installed");
  }

  // PostgreSQL refuses to run as root.
  void run(const std::string& command) const {
    const std::string as = ::geteuid() == 0 ? "runuser -u postgres -- " : "";
    const std::string log = folder_.path() + "/out";
    if (std::system((as + command + " > " + log + " 2>&1 < /dev/null").c_str()) != 0) {
      throw std::runtime_error(command + ":\n" + read_file(log));
    }
  }

  TempFolder folder_{0777};
};

// One for the whole test program: initdb takes a second.
inline Postgres& postgres() {
  static Postgres one;
  return one;
}

}  // namespace keyturn::connectors::testing
