#include "store/sqlite/leaf.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "doc/json.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::array<std::string_view, 8> kReserved = {"node",   "position", "prev", "private",
                                                       "stream", "time",     "type", "v"};
constexpr std::size_t kHexDigits = 64;
constexpr std::string_view kZeros =
    "0000000000000000000000000000000000000000000000000000000000000000";

using Members = std::vector<std::pair<std::string_view, std::string>>;  // key, canonical value

bool is_reserved(std::string_view key) {
  return std::ranges::find(kReserved, key) != kReserved.end();
}

// Keys of ours sort the same by byte and by UTF-16 unit, and need no escapes.
bool is_plain(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
  });
}

std::string json_text(std::string_view plain) {
  std::string out;
  out.reserve(plain.size() + 2);
  out += '"';
  out += plain;
  out += '"';
  return out;
}

Result<Members> body_members(const doc::Value& body) {
  Members members;
  if (body.is_null()) return members;
  if (!body.is_object()) return refuse("malformed", "the body of an event must be an object");
  members.reserve(body.as_object().size() + kReserved.size());
  for (const doc::Member& member : body.as_object()) {
    if (is_reserved(member.key) || !is_plain(member.key)) {
      return refuse("malformed", "an event cannot have a member of this name", "/" + member.key);
    }
    Result<std::string> text = doc::canonical(member.value);
    if (!text) {
      return refuse("malformed", text.error().message, "/" + member.key + text.error().where);
    }
    members.emplace_back(member.key, std::move(*text));
  }
  return members;
}

LeafDraft join(const Members& members) {
  LeafDraft leaf;
  std::size_t size = 2;
  for (const auto& [key, value] : members) size += key.size() + value.size() + 4;
  leaf.bytes.reserve(size);
  for (const auto& [key, value] : members) {
    leaf.bytes += leaf.bytes.empty() ? "{\"" : ",\"";
    leaf.bytes += key;
    leaf.bytes += "\":";
    if (key == "prev" && value.size() > 2) leaf.prev_at = leaf.bytes.size() + 1;
    if (key == "private") leaf.private_at = leaf.bytes.size() + 1;
    leaf.bytes += value;
  }
  leaf.bytes += '}';
  return leaf;
}

}  // namespace

Result<LeafDraft> draft_leaf(const EventDraft& event, std::uint64_t position, Time time,
                             std::string_view node) {
  Result<Members> members = body_members(event.body);
  if (!members) return std::unexpected(members.error());
  Result<std::string> stream = doc::canonical(event.stream);
  Result<std::string> type = doc::canonical(event.type);
  if (!stream || !type || event.stream.empty() || event.type.empty()) {
    return refuse("malformed", "an event needs a stream and a type");
  }
  members->emplace_back("v", "1");
  members->emplace_back("type", std::move(*type));
  members->emplace_back("time", json_text(to_rfc3339(time)));
  members->emplace_back("node", doc::canonical_or_die(node));
  members->emplace_back("stream", std::move(*stream));
  members->emplace_back("position", std::to_string(position));
  members->emplace_back("prev", json_text(position > 1 ? kZeros : ""));
  if (event.private_part) members->emplace_back("private", json_text(kZeros));
  std::ranges::sort(*members, {}, &Members::value_type::first);
  LeafDraft leaf = join(*members);
  if (leaf.bytes.size() > kLeafBytesMax) {
    return refuse("too_large", "event " + event.type + " has " + std::to_string(leaf.bytes.size()) +
                                   " bytes; a ledger leaf holds 65535");
  }
  return leaf;
}

void fill_in(LeafDraft& leaf, std::size_t offset, const Digest& digest) {
  if (offset != 0) leaf.bytes.replace(offset, kHexDigits, to_hex(view(digest)));
}

Result<Event> read_leaf(std::string_view bytes) {
  constexpr doc::ParseLimits kLimits{.bytes_max = kLeafBytesMax, .depth_max = 256};
  Result<doc::Value> tree = doc::parse_json(bytes, kLimits);
  if (!tree || !tree->is_object()) return refuse("damaged", "a leaf is no JSON object");
  Event event;
  event.stream = tree->text("stream");
  event.type = tree->text("type");
  event.position = static_cast<std::uint64_t>(tree->integer("position"));
  const std::optional<Time> time = from_rfc3339(tree->text("time"));
  if (!time || event.stream.empty() || event.type.empty() || event.position == 0) {
    return refuse("damaged", "a leaf lacks its envelope");
  }
  event.time = *time;
  event.has_private = tree->find("private") != nullptr;
  std::erase_if(tree->as_object(),
                [](const doc::Member& member) { return is_reserved(member.key); });
  event.body = std::move(*tree);
  return event;
}

}  // namespace keyturn::store::sqlite
