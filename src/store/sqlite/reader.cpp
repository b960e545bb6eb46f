#include "store/sqlite/reader.h"

#include <algorithm>
#include <stdexcept>

#include "crypto/crypto.h"
#include "doc/json.h"
#include "ledger/merkle.h"
#include "store/sqlite/leaf.h"
#include "store/sqlite/private_parts.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/tree.h"

namespace keyturn::store::sqlite {
namespace {

// Columns of every event query; the private ones follow where they are asked for.
enum Column { kIndex, kLeaf, kSealed };

constexpr std::string_view kPlain = "SELECT e.idx, e.leaf FROM event e ";
constexpr std::string_view kPrivate = "SELECT e.idx, e.leaf, e.sealed FROM event e ";
constexpr std::string_view kOfStream =
    "WHERE e.stream = (SELECT id FROM stream WHERE name = ?) AND e.position >= ? "
    "ORDER BY e.position";
constexpr std::string_view kFirst =
    "JOIN stream s ON s.id = e.stream WHERE e.idx >= ? AND e.idx < ? AND e.position = 1 AND "
    "substr(s.name, 1, length(?3)) = ?3 "
    "ORDER BY e.idx DESC";
constexpr std::string_view kOfRange = "WHERE e.idx >= ? AND e.idx < ? ORDER BY e.idx";

constexpr doc::ParseLimits kPrivateLimits{
    .bytes_max = std::size_t{1} << 26, .depth_max = 256, .values_max = 16'000'000};

std::string sql(std::string_view columns, std::string_view where) {
  return std::string(columns) + std::string(where);
}

Database open_for_reading(const std::string& path, Access access) {
  Database database(path, access);
  configure(database);
  database.run("PRAGMA query_only = ON; PRAGMA cache_size = -8192;");
  return database;
}

[[noreturn]] void damaged(std::uint64_t index, const std::string& what) {
  throw std::runtime_error("ledger entry " + std::to_string(index) + " is damaged: " + what);
}

// Numbers come from outside, and SQLite's are signed: past this there is nothing.
constexpr std::uint64_t kBeyond = std::uint64_t{1} << 62;
constexpr std::size_t kSealedBytesMax = std::size_t{16} << 20;  // of one answer
constexpr unsigned kTileLevels = 8;

std::uint64_t start_of(std::uint64_t from) {
  return std::min(from, kBeyond);
}

std::uint64_t end_of(std::uint64_t from, std::size_t limit) {
  return start_of(from) + std::min<std::uint64_t>(limit, std::uint64_t{1} << 40);
}

}  // namespace

Reader::Reader(const std::string& path, const Secret& master, Access access)
    : master_(master),
      database_(open_for_reading(path, access)),
      stream_(database_, sql(kPlain, kOfStream)),
      stream_private_(database_, sql(kPrivate, kOfStream)),
      range_(database_, sql(kPlain, kOfRange)),
      range_private_(database_, sql(kPrivate, kOfRange)),
      first_(database_, sql(kPrivate, kFirst)),
      leaves_(database_, "SELECT leaf FROM event WHERE idx >= ? AND idx < ? ORDER BY idx"),
      tile_(database_, "SELECT hashes FROM tile WHERE id = ?"),
      claim_(database_, "SELECT value FROM claim WHERE key = ?"),
      signed_(database_, "SELECT size, root FROM signed") {}

Event Reader::event_at(const Query& row, bool with_private) {
  const auto index = static_cast<std::uint64_t>(row.integer(kIndex));
  const std::string_view bytes = row.bytes(kLeaf);
  Result<Event> event = read_leaf(bytes);
  if (!event) damaged(index, event.error().message);
  event->index = index;
  event->leaf_hash = ledger::leaf_hash(bytes);
  if (with_private) event->private_part = private_part(row, *event);
  return std::move(*event);
}

std::optional<PrivatePart> Reader::opened(const Query& row, std::uint64_t index) {
  auto opened = open_part(master_, row.bytes(kSealed), index);
  if (!opened) damaged(index, opened.error().message);
  if (!*opened) return std::nullopt;
  return PrivatePart{index, std::move((*opened)->nonce32), std::move((*opened)->payload)};
}

std::optional<doc::Value> Reader::private_part(const Query& row, const Event& event) {
  if (row.is_null(kSealed)) return std::nullopt;
  const auto part = opened(row, event.index);
  if (!part) return std::nullopt;
  Result<doc::Value> value = doc::parse_json(part->payload, kPrivateLimits);
  if (!value) damaged(event.index, "its private part is no JSON");
  return std::move(*value);
}

std::vector<Event> Reader::stream_events(const std::string& stream, std::uint64_t from_position,
                                         bool with_private) {
  std::vector<Event> events;
  Query query(with_private ? stream_private_ : stream_);
  query.bind_text(stream).bind(start_of(from_position));
  while (query.step()) events.push_back(event_at(query, with_private));
  return events;
}

std::vector<Event> Reader::range(std::uint64_t from, std::size_t limit, bool with_private) {
  std::vector<Event> events;
  Query query(with_private ? range_private_ : range_);
  query.bind(start_of(from)).bind(end_of(from, limit));
  while (query.step()) events.push_back(event_at(query, with_private));
  return events;
}

FirstEvents Reader::first_events(const std::string& prefix, std::uint64_t before,
                                 std::size_t limit) {
  FirstEvents out;
  const std::uint64_t end = start_of(before);
  out.from = end - std::min<std::uint64_t>(limit, end);
  std::size_t sealed_bytes = 0;
  Query query(first_);
  query.bind(out.from).bind(end).bind_text(prefix);
  while (query.step()) {
    sealed_bytes += query.bytes(kSealed).size();
    Event event = event_at(query, false);
    const std::uint64_t index = event.index;
    try {
      event.private_part = private_part(query, event);
      out.events.push_back(std::move(event));
    } catch (const std::runtime_error&) {
      ++out.unreadable;
    }
    if (sealed_bytes > kSealedBytesMax) {
      out.from = index;
      break;
    }
  }
  return out;
}

std::vector<std::string> Reader::leaves(std::uint64_t from, std::size_t limit) {
  std::vector<std::string> out;
  Query query(leaves_);
  query.bind(start_of(from)).bind(end_of(from, limit));
  while (query.step()) out.emplace_back(query.bytes(0));
  return out;
}

std::vector<PrivatePart> Reader::private_parts(std::uint64_t from, std::size_t limit) {
  std::vector<PrivatePart> out;
  Query query(range_private_);
  query.bind(start_of(from)).bind(end_of(from, limit));
  while (query.step()) {
    if (query.is_null(kSealed)) continue;
    const auto index = static_cast<std::uint64_t>(query.integer(kIndex));
    auto part = opened(query, index);
    out.push_back(part ? std::move(*part) : PrivatePart{.index = index});
  }
  return out;
}

std::vector<std::uint64_t> Reader::indexes_of(const std::string& stream) {
  std::vector<std::uint64_t> out;
  Statement statement(database_,
                      "SELECT idx FROM event WHERE stream = (SELECT id FROM stream WHERE name = ?) "
                      "ORDER BY position");
  Query query(statement);
  query.bind_text(stream);
  while (query.step()) out.push_back(static_cast<std::uint64_t>(query.integer(0)));
  return out;
}

std::string Reader::tile(unsigned level, std::uint64_t index, unsigned width) {
  if (level >= kTileLevels || index >= kBeyond / kTileWidth) return {};
  const std::size_t wanted = std::min<std::size_t>(width, kTileWidth);
  {
    Query query(tile_);
    if (query.bind(tile_id(level, index)).step()) {
      return std::string(query.bytes(0).substr(0, wanted * sizeof(Digest)));
    }
  }
  std::string hashes;
  if (level != 0) return hashes;
  for (const std::string& leaf : leaves(index * kTileWidth, wanted)) {
    hashes += view(ledger::leaf_hash(leaf));
  }
  return hashes;
}

std::optional<std::string> Reader::claim(const std::string& key) {
  Query query(claim_);
  if (!query.bind_text(key).step()) return std::nullopt;
  return std::string(query.bytes(0));
}

Signed Reader::last_signed() {
  Signed stands;
  Query query(signed_);
  if (!query.step()) return stands;
  stands.size = static_cast<std::uint64_t>(query.integer(0));
  std::ranges::copy(query.bytes(1).substr(0, stands.root.size()), stands.root.begin());
  return stands;
}

std::vector<std::string> Reader::open_streams(const std::string& prefix, bool all) {
  std::vector<std::string> names;
  Statement statement(database_,
                      all ? "SELECT name FROM stream WHERE name >= ? AND name < ? ORDER BY id"
                          : "SELECT name FROM stream WHERE open = 1 ORDER BY id");
  Query query(statement);
  const std::string past = prefix + "\xff";
  if (all) query.bind_text(prefix).bind_text(past);
  while (query.step()) {
    if (query.bytes(0).starts_with(prefix)) names.emplace_back(query.bytes(0));
  }
  return names;
}

std::optional<Time> Reader::last_time() {
  Statement statement(database_, "SELECT idx, leaf FROM event ORDER BY idx DESC LIMIT 1");
  Query query(statement);
  if (!query.step()) return std::nullopt;
  return event_at(query, false).time;
}

}  // namespace keyturn::store::sqlite
