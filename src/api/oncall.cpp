// Who is on call; and what the webhook of a schedule sends.
#include "oncall/oncall.h"

#include "api/impl.h"

namespace keyturn::api {
namespace {

doc::Value time_or_null(const std::optional<Time>& time) {
  return time ? doc::Value(to_rfc3339(*time)) : doc::Value(nullptr);
}

doc::Value state_json(const people::Directory& directory, const oncall::State& state) {
  doc::Array people;
  for (const oncall::State::Member& one : state.on_call) {
    const people::Person* person = directory.person(one.person);
    people.push_back(doc::object({{"id", one.person},
                                  {"name", person == nullptr ? one.person : person->name},
                                  {"until", to_rfc3339(one.until)},
                                  {"counts", one.counts}}));
  }
  return doc::object({{"name", state.name},
                      {"group", state.group},
                      {"of", state.of},
                      {"source", state.source},
                      {"on_call", std::move(people)},
                      {"next_change", time_or_null(state.next)},
                      {"last_word", time_or_null(state.last_word)},
                      {"stale", state.stale},
                      {"problems", doc::array_of(state.problems)}});
}

std::string header_of(const Call& call, std::string_view name) {
  if (call.request.headers.count(name) != 1) return {};
  return std::string(*call.request.header(name));
}

}  // namespace

Task<Response> get_oncall(Service& s, Call&) {
  doc::Array items;
  if (s.ports.on_call != nullptr) {
    for (const oncall::State& state : s.ports.on_call->states())
      items.push_back(state_json(s.directory(), state));
  }
  co_return json_answer(200, doc::object({{"items", std::move(items)}, {"next", nullptr}}));
}

// Who sends it is known by the signature alone.
Task<Response> post_oncall(Service& s, Call& call) {
  if (s.ports.on_call == nullptr)
    co_return problem({"not_found", "identity.yaml has no section oncall", ""});
  const std::string name = call.parts.front();
  oncall::Message message{header_of(call, "webhook-id"), header_of(call, "webhook-timestamp"),
                          header_of(call, "webhook-signature"), call.request.body};
  Result<oncall::State> state = co_await s.ports.on_call->told(name, std::move(message));
  if (state) co_return json_answer(200, state_json(s.directory(), *state));
  Principal sender;
  sender.kind = PrincipalKind::kHost;
  sender.id = "oncall:" + name;
  sender.channel = call.request.peer;
  co_return co_await s.refused(sender, state.error(), "oncall");
}

}  // namespace keyturn::api
