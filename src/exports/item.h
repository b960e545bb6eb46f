// What is exported: a ledger leaf, and where it stands.
#pragma once

#include <cstdint>
#include <string>

namespace keyturn::exports {

struct Item {
  std::string origin;       // of the ledger
  std::uint64_t index = 0;  // in it, from 0
  std::string leaf_hash;    // hex; RFC 6962
  std::string leaf;         // the stored bytes: canonical JSON, public
  // What names it everywhere: "ORIGIN/INDEX".
  std::string uid() const { return origin + "/" + std::to_string(index); }
};

}  // namespace keyturn::exports
