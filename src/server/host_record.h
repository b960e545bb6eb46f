// The record out of the data folder itself, without a server or beside one: read, never written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/tile.h"
#include "server/settings.h"

namespace keyturn::server {

class HostRecord {
 public:
  // Codes: those of DataDir::look, unreadable.
  [[nodiscard]] static Result<std::unique_ptr<HostRecord>> open(const Settings& settings);
  ~HostRecord();

  const std::string& vkey() const;  // C2SP note verifier key
  // The checkpoint of what was last signed, made again: the same statement, so the same bytes but
  // for cosignatures. Codes: not_signed (nothing was yet), forked (the entries are not those).
  [[nodiscard]] Result<std::string> checkpoint();
  // "checkpoint", tiles and entry bundles, as a server gives them.
  ledger::ResourceReader resources();
  std::vector<std::uint64_t> indexes_of(const std::string& stream);  // oldest first

  struct Part {
    std::uint64_t index = 0;
    std::string nonce;    // 32 bytes; "": it was erased
    std::string payload;  // canonical JSON
  };
  // Private parts of the entries [from, to), where they have one. Code: unreadable.
  [[nodiscard]] Result<std::vector<Part>> private_parts(std::uint64_t from, std::uint64_t to);

 private:
  struct Impl;
  explicit HostRecord(std::unique_ptr<Impl> impl);
  Result<std::string> resource(const std::string& path);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::server
