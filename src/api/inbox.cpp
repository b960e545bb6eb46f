// A person's inbox: from the table of open actions, never a moment behind.
#include <algorithm>
#include <charconv>

#include "api/impl.h"

namespace keyturn::api {
namespace {

enum class Order { kOldest, kRisk, kExpiry };

std::optional<Order> order_from_text(std::string_view text) {
  if (text == "oldest") return Order::kOldest;
  if (text == "risk") return Order::kRisk;
  if (text == "expiry") return Order::kExpiry;
  return std::nullopt;
}

// Where an action stands in the list: the smaller `rank` first, then the older.
struct Place {
  std::int64_t rank = 0;
  std::string id;
  auto operator<=>(const Place&) const = default;
};

// What more people are asked about is the riskier: policy has judged it.
std::int64_t rank_of(Order order, const gate::Gate& gate, const gate::ActionRecord& record) {
  switch (order) {
    case Order::kOldest:
      return 0;
    case Order::kRisk: {
      std::int64_t people = 0;
      for (const auto& need : review::tally_of(*record.review, gate.world().directory).needed)
        people += need.count;
      return -people;
    }
    case Order::kExpiry:
      return unix_ms(record.expires_at);
  }
  return 0;
}

// "RANK.ID"; an id alone is a place in the oldest-first list.
std::string cursor_of(const Place& place) {
  return std::to_string(place.rank) + "." + place.id;
}

Result<std::optional<Place>> place_from(const std::string& cursor) {
  if (cursor.empty()) return std::nullopt;
  const std::size_t dot = cursor.find('.');
  if (dot == std::string::npos) return Place{0, cursor};
  Place place;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + dot, place.rank);
  if (error != std::errc{} || end != cursor.data() + dot)
    return refuse("bad_cursor", "after is no cursor of this list; begin again without it");
  place.id = cursor.substr(dot + 1);
  return place;
}

std::vector<gate::RecordPtr> voted_by(const gate::Gate& gate, const std::string& person) {
  std::vector<gate::RecordPtr> out;
  for (const gate::RecordPtr& record : gate.open_records()) {
    const bool voted = record->state == State::kPending && record->review &&
                       std::ranges::any_of(record->review->votes, [&](const review::Vote& vote) {
                         return vote.reviewer == person;
                       });
    if (voted) out.push_back(record);
  }
  return out;
}

// In order, with the place of each.
std::vector<std::pair<Place, gate::RecordPtr>> placed(const gate::Gate& gate, Order order,
                                                      std::vector<gate::RecordPtr> records) {
  std::vector<std::pair<Place, gate::RecordPtr>> out;
  out.reserve(records.size());
  for (gate::RecordPtr& record : records)
    out.emplace_back(Place{rank_of(order, gate, *record), record->id.str()}, std::move(record));
  std::ranges::sort(out, {}, [](const auto& entry) -> const Place& { return entry.first; });
  return out;
}

// What was possible only in an emergency, or has a look afterwards by policy; the oldest first.
Response to_look_after(Service& s, const Call& call, const ListQuery& query) {
  const auto list = s.ports.gate.to_look_after(call.caller.principal.id);
  doc::Array items;
  std::string last;
  for (const gate::RecordPtr& record : list) {
    if (record->id.str() <= query.after) continue;
    if (items.size() == query.limit) break;
    items.push_back(action_json(view_of(s), call.caller.principal, *record, Detail::kSummary));
    last = record->id.str();
  }
  const bool more = !items.empty() && last != list.back()->id.str();
  return json_answer(200, doc::object({{"items", std::move(items)},
                                       {"next", more ? doc::Value(last) : doc::Value(nullptr)},
                                       {"total", list.size()}}));
}

}  // namespace

Response inbox(Service& s, const Call& call, const ListQuery& query) {
  const std::optional<std::string_view> whose = call.request.param("for");
  const bool only_pending = query.states.empty() || query.states == std::vector{State::kPending};
  if (!call.caller.is_person())
    return problem({"invalid_parameter", "for=… is a person's inbox", ""});
  if (whose == "review") return to_look_after(s, call, query);
  if ((whose != "me" && whose != "voted") || !only_pending)
    return problem({"invalid_parameter",
                    "for=me and for=voted are what waits for people, or did: they go with "
                    "state=pending; for=review is what they look at afterwards",
                    ""});
  const std::optional<Order> order =
      order_from_text(call.request.param("order").value_or("oldest"));
  if (!order) return problem({"invalid_parameter", "order is oldest, risk or expiry", ""});
  const Result<std::optional<Place>> after = place_from(query.after);
  if (!after) return problem(after.error());
  const gate::Gate& gate = s.ports.gate;
  const std::string& who = call.caller.principal.id;
  const auto list =
      placed(gate, *order, whose == "me" ? gate.waiting_for(who) : voted_by(gate, who));
  auto at = list.begin();
  if (*after) {
    at = std::ranges::upper_bound(list, **after, {},
                                  [](const auto& entry) -> const Place& { return entry.first; });
  }
  doc::Array items;
  for (; at != list.end() && items.size() < query.limit; ++at)
    items.push_back(action_json(view_of(s), call.caller.principal, *at->second, Detail::kSummary));
  const bool more = at != list.end() && at != list.begin();
  return json_answer(200, doc::object({{"items", std::move(items)},
                                       {"next", more ? doc::Value(cursor_of(std::prev(at)->first))
                                                     : doc::Value(nullptr)},
                                       {"total", list.size()}}));
}

}  // namespace keyturn::api
