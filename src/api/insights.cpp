// The numbers of some days, for everybody who is signed in: by group and by hour, nobody by name.
#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr int kDaysMax = 366;
constexpr int kDaysUsual = 30;

struct Span {
  Time from, to;
};

// Whole days: a day that is named counts whole, today too.
Result<Span> span_of(const net::HttpRequest& request, Time now) {
  if (Result<void> known = known_parameters(request, {"from", "to"}, {}); !known)
    return std::unexpected(known.error());
  const Result<std::optional<Time>> from = time_parameter(request, "from");
  if (!from) return std::unexpected(from.error());
  const Result<std::optional<Time>> to = time_parameter(request, "to");
  if (!to) return std::unexpected(to.error());
  Span span;
  span.to = std::chrono::ceil<std::chrono::days>(to->value_or(now));
  span.from = std::chrono::floor<std::chrono::days>(
      from->value_or(span.to - std::chrono::days(kDaysUsual)));
  if (span.from >= span.to || span.to - span.from > std::chrono::days(kDaysMax))
    return refuse("invalid_parameter", "from is before to, and at most 366 days");
  return span;
}

// An action is named only to who may read it.
Task<doc::Value> readable(Service& s, const Call& call, doc::Value repeats) {
  doc::Array out;
  for (const doc::Value& one : repeats.as_array()) {
    const ActionId last{std::string(one.text("last"))};
    if (co_await s.ports.gate.find(call.caller.principal, last)) out.push_back(one);
  }
  co_return doc::Value(std::move(out));
}

}  // namespace

Task<Response> get_insights(Service& s, Call& call) {
  const Result<Span> span = span_of(call.request, s.now());
  if (!span) co_return problem(span.error());
  if (!s.ports.insights)
    co_return problem({"read_model_unavailable", "there are no lists to count from", ""});
  Result<doc::Value> insights = co_await s.ports.insights(span->from, span->to);
  if (!insights) co_return problem(insights.error());
  doc::Value repeats = co_await readable(s, call, *insights->find("repeats"));
  insights->set("repeats", std::move(repeats));
  co_return json_answer(200, *insights);
}

}  // namespace keyturn::api
