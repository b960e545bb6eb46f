#include "admin/delegations.h"

#include "base/task_impl.h"
#include "people/directory.h"

namespace keyturn::admin {
namespace {

constexpr Duration kAwayMax = std::chrono::days(366);

Result<void> is_signed_in(const gate::Gate& gate, const Principal& who) {
  const people::Person* person =
      who.kind == PrincipalKind::kPerson ? gate.world().directory.person(who.id) : nullptr;
  if (person == nullptr || !person->active)
    return refuse("not_allowed", "only a person says who stands in for them");
  if (who.assurance < Assurance::kSession)
    return refuse("assurance_too_low", "this is done in a signed-in browser");
  return {};
}

Task<Result<void>> record_one(gate::Gate& gate, EventDraft draft,
                              const std::set<std::string>& streams) {
  std::vector<store::Expect> expects;
  for (const std::string& stream : streams) expects.push_back({stream, gate.seen(stream)});
  std::vector<EventDraft> drafts;
  drafts.push_back(std::move(draft));
  Result<std::vector<Event>> recorded = co_await gate.record(std::move(drafts), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return Result<void>{};
}

}  // namespace

Task<Result<people::Delegation>> delegate(gate::Gate& gate, Principal who, NewDelegation wanted) {
  if (Result<void> ok = is_signed_in(gate, who); !ok) co_return std::unexpected(ok.error());
  const Time at = gate.clock().now();
  people::Delegation one;
  one.id = make_sortable_id("del_", unix_ms(at), gate.random());
  one.from = who.id;
  one.to = std::move(wanted.to);
  one.groups = std::move(wanted.groups);
  one.start = std::chrono::floor<std::chrono::milliseconds>(wanted.start.value_or(at));
  one.until = std::chrono::floor<std::chrono::milliseconds>(wanted.until);
  if (Result<void> ok = people::can_delegate(gate.world().directory, one); !ok)
    co_return std::unexpected(ok.error());
  Result<void> done =
      co_await record_one(gate, people::delegated(one), {"person/" + one.from, "person/" + one.to});
  if (!done) co_return std::unexpected(done.error());
  co_return one;
}

Task<Result<people::Delegation>> end_delegation(gate::Gate& gate, Principal who, std::string id) {
  const auto& all = gate.world().directory.delegations();
  const auto found = all.find(id);
  const people::Person* person = gate.world().directory.person(who.id);
  if (found == all.end() || who.kind != PrincipalKind::kPerson || person == nullptr)
    co_return refuse("not_found", "there is no such delegation");
  people::Delegation one = found->second;
  if (one.from != who.id && one.to != who.id && !person->admin)
    co_return refuse("not_allowed", "either of the two, or an administrator, ends it");
  Result<void> done =
      co_await record_one(gate, people::delegation_ended(one, who.id), {"person/" + one.from});
  if (!done) co_return std::unexpected(done.error());
  one.until = gate.clock().now();
  co_return one;
}

Task<Result<void>> set_away(gate::Gate& gate, Principal who, std::optional<Time> until) {
  if (Result<void> ok = is_signed_in(gate, who); !ok) co_return ok;
  const Time at = gate.clock().now();
  if (until && (*until <= at || *until > at + kAwayMax))
    co_return refuse("invalid_args", "until is a time to come, within a year", "/until");
  Result<void> done =
      co_await record_one(gate, people::away_set(who.id, until), {"person/" + who.id});
  co_return done;
}

}  // namespace keyturn::admin
