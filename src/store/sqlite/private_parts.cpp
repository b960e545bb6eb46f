#include "store/sqlite/subject_keys.h"

#include <stdexcept>
#include <utility>

#include "crypto/crypto.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::size_t kCacheMax = 4096;
constexpr std::size_t kKeyIdBytes = 8;  // in front of every sealed part: which key it was
constexpr std::size_t kNonceBytes = 32;

std::string wrap_context(std::string_view subject, std::string_view id) {
  return "keyturn/v1/subject-key\n" + std::string(id) + std::string(subject);
}

std::string part_context(std::string_view id, std::uint64_t index) {
  return "keyturn/v1/private-part\n" + std::string(id) + std::to_string(index);
}

}  // namespace

SubjectKeys::SubjectKeys(Database& database, const Secret& master, Random& random)
    : master_(master),
      random_(random),
      find_(database, "SELECT id, wrapped FROM subject_key WHERE name = ?"),
      insert_(database, "INSERT INTO subject_key(name, id, wrapped) VALUES(?, ?, ?)"),
      erase_(database, "DELETE FROM subject_key WHERE name = ?") {}

SubjectKeys::Key SubjectKeys::load_or_make(const std::string& subject) {
  Query found(find_);
  if (found.bind_text(subject).step()) {
    std::string id(found.bytes(0));
    Result<Secret> secret = unwrap_key(master_, subject, id, found.bytes(1));
    if (!secret) throw std::runtime_error("a subject's key does not open with this master key");
    return Key{std::move(id), std::move(*secret)};
  }
  Key key{random_.bytes(kKeyIdBytes), Secret(random_.bytes(32))};
  const std::string wrapped =
      crypto::seal(master_, key.secret.reveal(), wrap_context(subject, key.id), random_);
  Query(insert_).bind_text(subject).bind_blob(key.id).bind_blob(wrapped).run();
  return key;
}

const SubjectKeys::Key& SubjectKeys::key_of(const std::string& subject) {
  if (const auto found = cache_.find(subject); found != cache_.end()) return found->second;
  if (cache_.size() >= kCacheMax) cache_.clear();
  return cache_.emplace(subject, load_or_make(subject)).first->second;
}

std::string SubjectKeys::seal(const std::string& subject, std::string_view nonce32,
                              std::string_view payload, std::uint64_t index) {
  const Key& key = key_of(subject);
  std::string plain(nonce32);
  plain += payload;
  return key.id + crypto::seal(key.secret, plain, part_context(key.id, index), random_);
}

void SubjectKeys::erase(const std::string& subject) {
  cache_.erase(subject);
  Query(erase_).bind_text(subject).run();
}

Result<Secret> unwrap_key(const Secret& master, std::string_view subject, std::string_view id,
                          std::string_view wrapped) {
  Result<std::string> opened = crypto::open(master, wrapped, wrap_context(subject, id));
  if (!opened) return std::unexpected(opened.error());
  return Secret(std::move(*opened));
}

Result<std::optional<OpenedPayload>> open_payload(const Secret& key, std::string_view key_id,
                                                  std::string_view sealed, std::uint64_t index) {
  if (sealed.size() < kKeyIdBytes) return refuse("damaged", "a private part is cut short");
  if (sealed.substr(0, kKeyIdBytes) != key_id) return std::nullopt;
  Result<std::string> plain =
      crypto::open(key, sealed.substr(kKeyIdBytes), part_context(key_id, index));
  if (!plain || plain->size() < kNonceBytes) {
    return refuse("damaged", "the private part of entry " + std::to_string(index) +
                                 " does not open: it was changed, or the master key is another");
  }
  return OpenedPayload{plain->substr(0, kNonceBytes), plain->substr(kNonceBytes)};
}

}  // namespace keyturn::store::sqlite
