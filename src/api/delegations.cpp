// Who stands in for whom, and who is away.
#include "admin/delegations.h"

#include "api/impl.h"

namespace keyturn::api {
namespace {

doc::Value delegation_json(const people::Delegation& one, Time now) {
  return doc::object(
      {{"id", one.id},
       {"from", one.from},
       {"to", one.to},
       {"groups", doc::array_of(std::vector<std::string>(one.groups.begin(), one.groups.end()))},
       {"start", to_rfc3339(one.start)},
       {"until", to_rfc3339(one.until)},
       {"in_force", one.in_force(now)}});
}

// A time to come: RFC 3339, or how long from now.
std::optional<Time> read_time(doc::ObjectReader& fields, std::string_view key) {
  const std::optional<std::string> text = fields.string(key);
  if (!text) return std::nullopt;
  const std::optional<Time> time = from_rfc3339(*text);
  if (!time)
    fields.problem("out_of_range", std::string(key) + " is an RFC 3339 time with its zone", key);
  return time;
}

}  // namespace

// One's own, both ways; everybody's for administrators and auditors.
Task<Response> get_delegations(Service& s, Call& call) {
  const people::Person* person = s.person_of(call);
  const bool all = person != nullptr && (person->admin || person->auditor);
  doc::Array items;
  for (const auto& [id, one] : s.directory().delegations()) {
    if (all || one.from == call.caller.principal.id || one.to == call.caller.principal.id)
      items.push_back(delegation_json(one, s.now()));
  }
  co_return json_answer(200, doc::object({{"items", std::move(items)}, {"next", nullptr}}));
}

Task<Response> post_delegation(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  admin::NewDelegation wanted;
  wanted.to = required(fields, "to");
  if (const auto groups = fields.strings_or_one("groups")) {
    wanted.groups = {groups->begin(), groups->end()};
    if (groups->empty())
      fields.problem("out_of_range", "names no group; leave it out for all of them", "groups");
  }
  wanted.start = read_time(fields, "start");
  const std::optional<Time> until = read_time(fields, "until");
  if (body->find("until") == nullptr)
    fields.problem("missing_field", "until is missing: every delegation ends", "until");
  wanted.until = until.value_or(Time{});
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<people::Delegation> made =
      co_await admin::delegate(s.ports.gate, call.caller.principal, std::move(wanted));
  if (!made) co_return co_await s.refused(call, made.error());
  co_return json_answer(201, delegation_json(*made, s.now()));
}

Task<Response> delete_delegation(Service& s, Call& call) {
  Result<people::Delegation> ended =
      co_await admin::end_delegation(s.ports.gate, call.caller.principal, call.parts.front());
  if (!ended) co_return co_await s.refused(call, ended.error());
  co_return json_answer(200, delegation_json(*ended, s.now()));
}

Task<Response> put_away(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::optional<Time> until = read_time(fields, "until");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<void> done = co_await admin::set_away(s.ports.gate, call.caller.principal, until);
  if (!done) co_return co_await s.refused(call, done.error());
  co_return json_answer(
      200, doc::object({{"away_until", until ? doc::Value(to_rfc3339(*until)) : doc::Value()}}));
}

}  // namespace keyturn::api
