#include "ledger/erasure.h"

#include <algorithm>

#include "doc/json.h"
#include "ledger/tile.h"

namespace keyturn::ledger {
namespace {

std::optional<EntryRange> range_from(const doc::Value& value) {
  if (!value.is_array() || value.as_array().size() != 2) return std::nullopt;
  const auto first = value.as_array()[0].as_uint64();
  const auto last = value.as_array()[1].as_uint64();
  if (!first || !last || *last < *first) return std::nullopt;
  return EntryRange{*first, *last};
}

std::optional<Erasure> erasure_from_value(const doc::Value& erased, std::uint64_t index) {
  const doc::Value* list = erased.find("entries");
  if (list == nullptr || !list->is_array() || list->as_array().empty()) return std::nullopt;
  Erasure out;
  out.authorised_by = erased.text("authorised_by");
  if (out.authorised_by.empty()) return std::nullopt;
  for (const doc::Value& item : list->as_array()) {
    const auto range = range_from(item);
    if (!range || range->second >= index) return std::nullopt;
    if (!out.entries.empty() && range->first <= out.entries.back().second) return std::nullopt;
    out.entries.push_back(*range);
  }
  return out;
}

}  // namespace

std::optional<Erasure> read_erasure(std::string_view leaf, std::uint64_t index) {
  const auto event = doc::parse_json(leaf, {.bytes_max = kLeafBytesMax, .depth_max = 256});
  if (!event || event->text("type") != "payload.erased") return std::nullopt;
  const doc::Value* erased = event->find("erased");
  return erased == nullptr ? std::nullopt : erasure_from_value(*erased, index);
}

bool covers(const Erasure& erasure, std::uint64_t index) {
  return std::ranges::any_of(erasure.entries, [index](const EntryRange& range) {
    return range.first <= index && index <= range.second;
  });
}

}  // namespace keyturn::ledger
