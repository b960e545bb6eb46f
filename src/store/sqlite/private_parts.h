// Private parts at rest: AES-256-GCM under a random key of the subject's own, itself kept wrapped
// by the master key. Deleting a subject's row makes every private part sealed under it unreadable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/sqlite/database.h"

namespace keyturn::store::sqlite {

// Makes and uses keys. Owned by the writer thread; the database, master key and Random outlive it.
class SubjectKeys {
 public:
  SubjectKeys(Database& database, const Secret& master, Random& random);

  // Makes the subject's key where there is none yet.
  std::string seal(const std::string& subject, std::string_view nonce32, std::string_view payload,
                   std::uint64_t index);
  void erase(const std::string& subject);

 private:
  struct Key {
    std::string id;
    Secret secret;
  };
  const Key& key_of(const std::string& subject);
  Key load_or_make(const std::string& subject);

  const Secret& master_;
  Random& random_;
  Statement find_, insert_, erase_;
  std::unordered_map<std::string, Key> cache_;
};

// What stands in subject_key.wrapped for `subject`, opened. Code: cannot_open.
[[nodiscard]] Result<Secret> unwrap_key(const Secret& master, std::string_view subject,
                                        std::string_view id, std::string_view wrapped);

struct OpenedPayload {
  std::string nonce32;
  std::string payload;
};
// nullopt: sealed under a key that is gone (erased). A refusal: damaged.
[[nodiscard]] Result<std::optional<OpenedPayload>> open_payload(const Secret& key,
                                                                std::string_view key_id,
                                                                std::string_view sealed,
                                                                std::uint64_t index);

}  // namespace keyturn::store::sqlite
