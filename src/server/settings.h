// keyturn.yaml and the command line: every key has a default that is safe for one machine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "exports/config.h"
#include "ledger/note.h"
#include "net/forwarded.h"

namespace keyturn::channels {
struct Configured;
}

namespace keyturn::server {

struct Settings {
  std::string data = "./keyturn-data";
  std::string address = "127.0.0.1";
  std::uint16_t port = 7717;
  std::string public_url;          // "" : http://localhost:PORT (passkeys refuse IP addresses)
  std::vector<std::string> hosts;  // further names allowed in Host
  std::string tls_certificate, tls_key;
  std::string tls_place;  // "keyturn.yaml:5:6: ", for what only opening the files tells
  net::TrustedProxies trusted_proxies;
  Duration session_idle = std::chrono::hours(12);  // can be shortened, not lengthened
  Duration session_life = std::chrono::hours(24 * 7);
  std::string policy = "policy.yaml";
  std::string tools = "tools.yaml";
  std::string credentials, runbooks;         // a file and a folder; "" : none
  std::string identity;                      // "" : nobody outside vouches for anybody
  bool watch = false;                        // load the documents again when they change
  std::vector<ledger::VerifierKey> signers;  // none: the files need no signatures
  std::size_t signatures_needed = 1;
  struct Witness {
    std::string url;  // POST URL/add-checkpoint
    ledger::VerifierKey key;
  };
  std::vector<Witness> witnesses;
  std::size_t cosignatures_needed = 0;  // for evidence: cosigned; all of them by default
  std::vector<exports::Export> exports;
  std::shared_ptr<const std::vector<channels::Configured>> channels;  // null: none
  std::string origin;  // of the ledger; "" : keyturn.local/ + 8 hex of the key
  std::size_t pending_per_agent_max = 100;
  double requests_per_second_max = 100;
  std::size_t streams_max = 5000, streams_per_caller_max = 20;  // open event streams
  bool demo = false;  // of the command line only: simulated people count
};

// Reads keyturn.yaml over the defaults. All errors at once, one a line: "keyturn.yaml:4:3: …".
[[nodiscard]] Result<Settings> read_settings(const std::string& path, Settings defaults);

// "127.0.0.1:7717", "[::1]:7717", "7717". Code: invalid_listen.
[[nodiscard]] Result<void> set_listen(Settings& settings, const std::string& text);

std::string public_url_of(const Settings& settings);

}  // namespace keyturn::server
