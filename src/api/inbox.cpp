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
};

// What more people are asked about is the riskier: policy has judged it.
std::int64_t rank_of(Order order, const gate::ActionRecord& record) {
  switch (order) {
    case Order::kOldest:
      return 0;
    case Order::kRisk:
      return -review::people_asked(record.review->plan);
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
  const auto bad = [] {
    return refuse("bad_cursor", "after is no cursor of this list; begin again without it");
  };
  if (dot == std::string::npos) {
    if (!cursor.starts_with("act_")) return bad();
    return Place{0, cursor};
  }
  Place place;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + dot, place.rank);
  if (error != std::errc{} || end != cursor.data() + dot) return bad();
  place.id = cursor.substr(dot + 1);
  return place;
}

struct Placed {
  std::int64_t rank = 0;
  const gate::ActionRecord* record = nullptr;
};

bool before(std::int64_t rank, const std::string& id, const Placed& other) {
  return rank != other.rank ? rank < other.rank : id < other.record->id.str();
}

// The part of the list behind `after`, its first `most` in order. They come oldest first.
std::vector<Placed> page_of(Order order, const std::vector<const gate::ActionRecord*>& list,
                            const std::optional<Place>& after, std::size_t most) {
  std::vector<Placed> rest;
  for (const gate::ActionRecord* record : list) {
    const Placed one{rank_of(order, *record), record};
    if (!after || before(after->rank, after->id, one)) rest.push_back(one);
    if (order == Order::kOldest && rest.size() == most) break;
  }
  const auto end = rest.begin() + static_cast<std::ptrdiff_t>(std::min(most, rest.size()));
  std::partial_sort(rest.begin(), end, rest.end(), [](const Placed& a, const Placed& b) {
    return before(a.rank, a.record->id.str(), b);
  });
  rest.erase(end, rest.end());
  return rest;
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
  const auto list = whose == "me" ? gate.waiting_for(who) : gate.voted_by(who);
  std::vector<Placed> page = page_of(*order, list, *after, query.limit + 1);
  const bool more = page.size() > query.limit;
  if (more) page.pop_back();
  doc::Array items;
  for (const Placed& one : page)
    items.push_back(action_json(view_of(s), call.caller.principal, *one.record, Detail::kSummary));
  doc::Value next(nullptr);
  if (more) next = cursor_of({page.back().rank, page.back().record->id.str()});
  return json_answer(
      200, doc::object(
               {{"items", std::move(items)}, {"next", std::move(next)}, {"total", list.size()}}));
}

}  // namespace keyturn::api
