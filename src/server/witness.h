// `keyturn witness`: a witness for ledgers, on a port of its own, with no other part of Keyturn.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/note.h"

namespace keyturn::server {

struct WitnessOptions {
  std::string data;  // made when it is not there; holds the key and what was cosigned last
  std::string name;  // "" : what the folder has, at first keyturn.witness/ and 8 hex of the key
  std::string address = "127.0.0.1";
  std::uint16_t port = 7720;
  std::vector<std::string> hosts;  // further names allowed in Host
  std::vector<ledger::VerifierKey> logs;
  bool key_only = false;  // print the verifier key and stop
};

// The exit code of the process: 0 after SIGTERM or SIGINT, 1 when it cannot start (said on stderr).
int witness(const WitnessOptions& options);

}  // namespace keyturn::server
