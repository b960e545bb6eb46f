// Shutting people out, and letting them in again, by an administrator.
#include "admin/admin.h"
#include "base/task_impl.h"
#include "people/directory.h"

namespace keyturn::admin {
namespace {

constexpr std::size_t kWhyBytesMax = 512;

Result<void> may(const people::Directory& directory, const Principal& who,
                 const std::string& person) {
  const people::Person* by =
      who.kind == PrincipalKind::kPerson ? directory.person(who.id) : nullptr;
  if (by == nullptr || !by->active || !by->admin)
    return refuse("not_allowed", "administrators do that");
  if (who.assurance < Assurance::kSession)
    return refuse("assurance_too_low", "this is done in a signed-in browser");
  if (directory.person(person) == nullptr)
    return refuse("unknown_person", "there is no person " + person);
  if (directory.same_human(who.id, person))
    return refuse("own_account", "not your own account: another administrator does that");
  return {};
}

// Humans who could still administer without that one.
std::size_t administrators_without(const people::Directory& directory, const std::string& person) {
  std::set<std::string, std::less<>> humans;
  for (const std::string& id : directory.members(kAdministrators)) {
    const people::Person* one = directory.person(id);
    if (one != nullptr && one->active && one->service_of.empty() &&
        !directory.same_human(id, person))
      humans.emplace(directory.human_of(id));
  }
  return humans.size();
}

}  // namespace

Task<Result<std::string>> Admin::set_active_by(Principal who, std::string id, bool active,
                                               std::string why) {
  const gate::World& world = gate_.world();
  const people::Directory& directory = world.directory;
  if (Result<void> ok = may(directory, who, id); !ok) co_return std::unexpected(ok.error());
  const bool sealed = world.configuration->sealed;
  if (active && sealed)
    co_return refuse("sealed",
                     "the configuration is sealed: who counts is changed by a proposal that two "
                     "administrators agree to");
  if (!active && why.empty())
    co_return refuse("empty_text", "say why: it stands in the record", "/reason");
  if (Result<void> ok = gate_.check_words(why, "the reason", "/reason"); !ok)
    co_return std::unexpected(ok.error());
  if (why.size() > kWhyBytesMax)
    co_return refuse("text_too_large", "at most " + std::to_string(kWhyBytesMax) + " bytes",
                     "/reason");
  const bool administers = directory.in_group(id, kAdministrators);
  if (!active && sealed && administers && administrators_without(directory, id) < 2)
    co_return refuse("too_few_administrators",
                     "then fewer than two administrators would be left, and nobody could change "
                     "the sealed configuration any more; make another one first");
  std::vector<EventDraft> events;
  events.push_back(active ? people::person_activated(id)
                          : people::person_deactivated(id, "by an administrator"));
  events.back().body.set("by", who.id);
  if (!active) events.back().private_part = doc::object({{"why", why}});
  std::vector<store::Expect> expects{{"person/" + id, gate_.seen("person/" + id)}};
  if (administers) {
    // Moves the group's stream: of two who shut out administrators at once the second counts anew.
    const std::string group = "group/" + std::string(kAdministrators);
    expects.push_back({group, gate_.seen(group)});
    events.push_back(people::group_changed(kAdministrators, {}, {}));
  }
  Result<std::vector<Event>> recorded =
      co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return id;
}

}  // namespace keyturn::admin
