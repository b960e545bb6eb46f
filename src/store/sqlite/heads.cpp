#include "store/sqlite/heads.h"

#include <algorithm>

#include "store/sqlite/schema.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::size_t kHeadsMax = 16'384;

Database open_for_lookups(const std::string& path) {
  Database database(path, Access::kReadWrite);
  configure(database);
  database.run("PRAGMA query_only = ON; PRAGMA cache_size = -16384;");
  return database;
}

}  // namespace

Heads::Heads(const std::string& path)
    : database_(open_for_lookups(path)),
      find_stream_(database_, "SELECT version FROM stream WHERE name = ?"),
      find_claim_(database_, "SELECT value FROM claim WHERE key = ?"),
      forget_at_(kHeadsMax) {}

Heads::Head& Heads::head(const std::string& stream) {
  if (const auto found = heads_.find(stream); found != heads_.end()) return found->second;
  if (heads_.size() >= forget_at_) forget_settled();
  Query query(find_stream_);
  const std::uint64_t version = query.bind_text(stream).step()
                                    ? static_cast<std::uint64_t>(query.integer(0))
                                    : std::uint64_t{0};
  return heads_.emplace(stream, Head{.version = version}).first->second;
}

void Heads::add_new(const std::string& stream) {
  if (heads_.size() >= forget_at_) forget_settled();
  heads_.try_emplace(stream);
}

// Everything that the database knows as well. What is pending is bounded by the journal's queue.
void Heads::forget_settled() {
  std::erase_if(heads_, [](const auto& entry) { return entry.second.pending == 0; });
  forget_at_ = std::max(kHeadsMax, heads_.size() * 2);
}

std::uint64_t Heads::version(const std::string& stream) {
  return head(stream).version;
}

std::optional<std::string> Heads::claim(const std::string& key) {
  if (const auto found = pending_claims_.find(key); found != pending_claims_.end()) {
    return found->second;
  }
  Query query(find_claim_);
  if (!query.bind_text(key).step()) return std::nullopt;
  return std::string(query.bytes(0));
}

void Heads::advance(const std::string& stream) {
  Head& at = head(stream);
  ++at.version;
  ++at.pending;
}

void Heads::take(const Claim& claim) {
  pending_claims_.emplace(claim.key, claim.value);
}

void Heads::settle_event(const std::string& stream) {
  --heads_.at(stream).pending;
}

void Heads::settle_claim(const std::string& key) {
  pending_claims_.erase(key);
}

}  // namespace keyturn::store::sqlite
