// Lists: what the read model finds, as far as the caller may read it.
#include "api/lists.h"

#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kLookAhead = 50;

Result<std::vector<State>> states_of(const net::HttpRequest& request) {
  std::vector<State> out;
  for (const net::QueryParam& param : request.query) {
    if (param.name != "state") continue;
    std::string_view rest = param.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const std::optional<State> state = state_from_text(word);
      if (!state)
        return refuse("invalid_parameter", "there is no state \"" + std::string(word) + "\"");
      out.push_back(*state);
    }
  }
  return out;
}

Result<ListQuery> read_query(const net::HttpRequest& request) {
  Result<void> known = known_parameters(
      request, {"tool", "actor", "q", "from", "to", "after", "limit", "for", "order"}, {"state"});
  if (!known) return std::unexpected(known.error());
  ListQuery query;
  Result<std::vector<State>> states = states_of(request);
  if (!states) return std::unexpected(states.error());
  query.states = std::move(*states);
  query.tool = request.param("tool").value_or("");
  query.actor = request.param("actor").value_or("");
  query.q = request.param("q").value_or("");
  query.after = request.param("after").value_or("");
  if (query.q.size() > 256 || query.tool.size() > 256 || query.actor.size() > 256)
    return refuse("invalid_parameter", "a filter has at most 256 bytes");
  Result<std::optional<Time>> from = time_parameter(request, "from");
  if (!from) return std::unexpected(from.error());
  query.from = *from;
  Result<std::optional<Time>> to = time_parameter(request, "to");
  if (!to) return std::unexpected(to.error());
  query.to = *to;
  Result<std::optional<std::uint64_t>> limit = number_parameter(request, "limit", 200);
  if (!limit) return std::unexpected(limit.error());
  if (*limit == 0u) return refuse("invalid_parameter", "limit is at least 1");
  query.limit = limit->value_or(50);
  return query;
}

void look_with(ListQuery& query, const Service& s, const Call& call) {
  query.who = call.caller.principal.id;
  query.eyes = ListQuery::Eyes::kAgent;
  if (const people::Person* person = s.person_of(call)) {
    query.eyes =
        person->admin || person->auditor ? ListQuery::Eyes::kAll : ListQuery::Eyes::kPerson;
    query.groups.assign(person->groups.begin(), person->groups.end());
  }
}

struct Readable {
  doc::Array items;
  std::string next;
};

// What the caller may not read is not there: it leaves no gap, nor a next page with nothing on it.
Task<Result<Readable>> readable(Service& s, const Call& call, ListQuery query,
                                const std::function<doc::Value(const gate::ActionRecord&)>& shown) {
  Readable out;
  const std::size_t most = query.limit;
  for (;;) {
    const bool full = out.items.size() == most;
    if (full && query.eyes == ListQuery::Eyes::kAll) break;
    query.limit = full ? kLookAhead : most - out.items.size();
    Result<Page> page = co_await s.ports.list(query);
    if (!page) co_return std::unexpected(page.error());
    bool there_is_more = false;
    for (const std::string& id : page->ids) {
      const gate::RecordPtr record =
          co_await s.ports.gate.find(call.caller.principal, ActionId(id));
      if (!record) continue;
      there_is_more = full;
      if (full) break;
      out.items.push_back(shown(*record));
    }
    if (there_is_more) break;
    query.after = page->next;
    if (!full || page->next.empty()) out.next = page->next;
    if (page->next.empty()) break;
  }
  co_return out;
}

}  // namespace

doc::Value page_json(doc::Array items, const std::string& next) {
  return doc::object({{"items", std::move(items)},
                      {"next", next.empty() ? doc::Value(nullptr) : doc::Value(next)}});
}

Task<Response> listed(Service& s, const Call& call, ListQuery query,
                      std::function<doc::Value(const gate::ActionRecord&)> shown) {
  look_with(query, s, call);
  Result<Readable> found = co_await readable(s, call, std::move(query), shown);
  if (!found) co_return problem(found.error());
  co_return json_answer(200, page_json(std::move(found->items), found->next));
}

Task<Response> list_actions(Service& s, Call& call) {
  Result<ListQuery> query = read_query(call.request);
  if (!query) co_return problem(query.error());
  if (call.request.param("for")) co_return inbox(s, call, *query);
  if (call.request.param("order"))
    co_return problem({"invalid_parameter", "order goes with for=me or for=voted", ""});
  co_return co_await listed(s, call, std::move(*query), [&](const gate::ActionRecord& record) {
    return action_json(view_of(s), call.caller.principal, record, Detail::kSummary);
  });
}

}  // namespace keyturn::api
