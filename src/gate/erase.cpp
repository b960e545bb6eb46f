// The destruction of private parts that people agreed to: what there is, and doing it.
#include <algorithm>

#include "gate/impl.h"

namespace keyturn::gate {
namespace {

constexpr std::string_view kPerson = "person/";

// As a leaf of type payload.erased has them: first and last, both included.
doc::Value ranges_of(const std::vector<std::uint64_t>& indices) {
  doc::Array out;
  for (std::size_t from = 0; from < indices.size();) {
    std::size_t to = from;
    while (to + 1 < indices.size() && indices[to + 1] == indices[to] + 1) ++to;
    out.push_back(doc::Array{indices[from], indices[to]});
    from = to + 1;
  }
  return out;
}

}  // namespace

// Whose words an event keeps apart. What was asked for, and what came of it, is of who asked, of
// those on whose behalf it is said to have been asked, and of who changed it.
bool Gate::Impl::is_of(const Event& event, const ActionRecord& record,
                       const std::string& person) const {
  const people::Directory& directory = world.directory;
  const auto same = [&](std::string_view id) {
    const people::Person* known = directory.resolve(id);
    return known != nullptr && directory.same_human(known->id, person);
  };
  if (event.type.starts_with("review.")) {
    const doc::Value* comment = event.body.find("comment");
    const bool by_agent = comment != nullptr && comment->text("author_kind") == "agent";
    return !by_agent && same(who_did(event));
  }
  if (event.type == "action.amended") return same(event.body.text("by"));
  if (event.type == "breakglass.reviewed") return same(who_did(event));
  if (record.requester.kind == PrincipalKind::kPerson && same(record.requester.id)) return true;
  return std::ranges::any_of(record.lineage.parties, [&](const people::Party& party) {
    return (party.role == people::Role::kOnBehalfOf || party.role == people::Role::kAmender) &&
           same(party.id);
  });
}

Task<Result<Gate::Erasable>> Gate::erasable(ActionId id, std::string person) {
  const std::vector<Event> events = co_await ports_.journal.read_stream(stream_of(id), 1, true);
  if (events.empty()) co_return refuse("not_found", "there is no action " + id.str());
  const std::shared_ptr<ActionRecord> record = impl_->record_of(id, events);
  if (!is_final(record->state)) {
    co_return refuse("still_open", "action " + id.str() + " is " +
                                       std::string(to_text(record->state)) +
                                       ": only what is over can be erased");
  }
  if (record->after_review && record->after_review->is_open()) {
    co_return refuse("still_open", "action " + id.str() +
                                       " has to be looked at first: it was possible only because "
                                       "somebody broke the glass, or policy asks for it");
  }
  Erasable out{id, record->tool, stream_of(id), events.back().position, {}};
  for (const Event& event : events) {
    if (event.private_part && (person.empty() || impl_->is_of(event, *record, person)))
      out.entries.push_back(event.index);
  }
  co_return out;
}

Task<std::vector<Gate::Erasable>> Gate::erasable_of_run(ActionId id) {
  std::vector<Erasable> out;
  const std::vector<Event> action = co_await ports_.journal.read_stream(stream_of(id), 1, false);
  if (action.empty()) co_return out;
  std::vector<std::string> streams{"run/" + id.str()};
  const std::string trigger(action.front().body.text("trigger"));
  if (trigger.starts_with("hook/")) streams.push_back(trigger.substr(0, trigger.rfind('/')));
  for (const std::string& stream : streams) {
    const std::vector<Event> events = co_await ports_.journal.read_stream(stream, 1, true);
    Erasable one{ActionId(), "", stream, events.empty() ? 0 : events.back().position, {}};
    for (const Event& event : events) {
      if (event.private_part) one.entries.push_back(event.index);
    }
    if (!one.entries.empty()) out.push_back(std::move(one));
  }
  co_return out;
}

Task<Gate::Erasable> Gate::erasable_person(std::string person) {
  const std::string stream = std::string(kPerson) + person;
  const std::vector<Event> events = co_await ports_.journal.read_stream(stream, 1, true);
  Erasable out{ActionId(), "", stream, events.empty() ? 0 : events.back().position, {}};
  for (const Event& event : events) {
    if (event.private_part) out.entries.push_back(event.index);
  }
  co_return out;
}

Task<std::vector<Gate::Erasable>> Gate::erasable_emergencies(std::string person) {
  std::vector<std::string> over;
  for (const auto& [id, one] : world_.emergencies.all()) {
    if (!one.in_force(ports_.clock.now()) && !one.reason.empty() &&
        world_.directory.same_human(one.opener, person))
      over.push_back("emergency/" + id);
  }
  std::vector<Erasable> out;
  for (const std::string& stream : over) {
    const std::vector<Event> events = co_await ports_.journal.read_stream(stream, 1, true);
    Erasable one{ActionId(), "", stream, events.empty() ? 0 : events.back().position, {}};
    for (const Event& event : events) {
      if (event.private_part) one.entries.push_back(event.index);
    }
    if (!one.entries.empty()) out.push_back(std::move(one));
  }
  co_return out;
}

Task<Gate::ErasableStandings> Gate::erasable_standings(std::string person, std::string model) {
  const auto theirs = [&](std::string_view id) {
    return !person.empty() && world_.directory.same_human(id, person);
  };
  ErasableStandings out;
  std::vector<std::string> over;
  for (const auto& [id, one] : world_.standing.all()) {
    if (!theirs(one.proposer) && !theirs(one.revoked_by) && (model.empty() || one.model != model))
      continue;
    if (one.in_force(ports_.clock.now()) && one.has_uses())
      ++out.in_force;
    else
      over.push_back(id);
  }
  for (const std::string& id : over) {
    const std::string stream = "standing/" + id;
    const std::vector<Event> events = co_await ports_.journal.read_stream(stream, 1, true);
    Erasable one{ActionId(), "", stream, events.empty() ? 0 : events.back().position, {}};
    const people::Standing* standing = world_.standing.find(id);
    for (const Event& event : events) {
      const bool granted = event.type == "standing.granted";
      const bool asked_for = (!model.empty() && granted) ||
                             theirs(granted ? standing->proposer : standing->revoked_by);
      if (event.private_part && asked_for) one.entries.push_back(event.index);
    }
    if (!one.entries.empty()) out.over.push_back(std::move(one));
  }
  co_return out;
}

Task<Result<void>> Gate::erase(std::vector<Erasable> what, doc::Value subject,
                               ActionId authorised_by) {
  store::AppendRequest request;
  std::set<ActionId> actions;
  for (const Erasable& one : what) {
    if (!one.id.str().empty()) actions.insert(one.id);
    request.events.push_back(
        {one.stream, "payload.erased",
         doc::object({{"erased", doc::object({{"subject", subject},
                                              {"entries", ranges_of(one.entries)},
                                              {"authorised_by", authorised_by.str()}})}}),
         std::nullopt});
    if (one.stream.starts_with(kPerson)) {
      const std::string person = one.stream.substr(kPerson.size());
      request.events.push_back(
          people::person_forgotten(person, world_.directory.accounts_of(person)));
    }
    request.expects.push_back({one.stream, one.version});
    std::ranges::copy(one.entries, std::back_inserter(request.erase));
  }
  request.claims.push_back({"erasure/" + authorised_by.str(), "1"});
  // First the copies that are kept for a crash: what is recorded does not need them any more.
  if (Result<void> forgotten = co_await ports_.executor.forget_output(std::move(actions));
      !forgotten)
    co_return forgotten;
  store::Appended appended = co_await ports_.journal.append(std::move(request));
  if (!appended) co_return refused(appended.error());
  for (const Event& event : *appended) {  // the directory forgets, too
    if (people::is_identity_event(event.type) || event.stream.starts_with("emergency/") ||
        event.stream.starts_with("standing/"))
      impl_->fold(event);
  }
  for (const Erasable& one : what) {
    if (!one.id.str().empty()) co_await impl_->read_again(one.id);
  }
  co_return Result<void>{};
}

// Whoever holds the record sees it as it stands in the journal now.
Task<void> Gate::Impl::read_again(ActionId id) {
  for (;;) {
    if (!in_memory(id)) co_return;
    const std::vector<Event> events = co_await ports.journal.read_stream(stream_of(id), 1, true);
    const std::shared_ptr<ActionRecord> record = in_memory(id);
    if (!record || events.empty()) co_return;
    if (record->version > events.back().position ||
        ports.journal.version(stream_of(id)) != events.back().position)
      continue;  // more came while it was read
    *record = *record_of(id, events);
    changed(record);
    co_return;
  }
}

}  // namespace keyturn::gate
