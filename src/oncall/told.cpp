// Schedules that a webhook is told.
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "oncall/impl.h"

namespace keyturn::oncall {
namespace {

constexpr Duration kKeyAge = std::chrono::minutes(1);

EventDraft told_draft(const std::string& schedule, const std::vector<Shift>& shifts,
                      const Message& message, Time sent) {
  doc::Array list;
  for (const Shift& shift : shifts) {
    list.push_back(doc::object({{"person", shift.person},
                                {"from", to_rfc3339(shift.from)},
                                {"until", to_rfc3339(shift.until)}}));
  }
  EventDraft out;
  out.stream = "oncall/" + schedule;
  out.type = "oncall.told";
  out.body = doc::object({{"oncall", doc::object({{"schedule", schedule},
                                                  {"shifts", std::move(list)},
                                                  {"message", message.id},
                                                  {"sent", to_rfc3339(sent)}})}});
  return out;
}

}  // namespace

// Fetched again after a minute, so that a changed one is seen.
Task<Result<Secret>> OnCall::Impl::secret_of(trust::OnCallSchedule one) {
  const std::string reference = secrets::to_text(*one.webhook);
  const auto known = keys.find(one.name);
  if (known != keys.end() && known->second.reference == reference &&
      now() < known->second.fetched + kKeyAge)
    co_return known->second.key;
  Result<Secret> secret = co_await ports.fetch(*one.webhook);
  Result<Secret> key = secret ? key_of(*secret) : std::move(secret);
  if (!key) {
    keys.erase(one.name);
    co_return refuse("not_configured", "oncall." + one.name + ": webhook: " + key.error().message);
  }
  keys.insert_or_assign(one.name, Key{reference, *key, now()});
  co_return key;
}

Task<Result<void>> OnCall::Impl::check_secrets() {
  const std::shared_ptr<const gate::Configuration> held = world().configuration;
  for (const auto& [name, one] : held->identity->oncall) {
    if (!one.webhook) continue;
    Result<Secret> key = co_await secret_of(one);
    if (!key) co_return std::unexpected(key.error());
  }
  co_return Result<void>{};
}

// By person id. Codes: invalid_json and what a strict reader says; unknown_person.
Result<std::vector<Shift>> OnCall::Impl::shifts_in(const std::string& body) const {
  Result<doc::Value> tree = doc::parse_json(body);
  if (!tree) return std::unexpected(tree.error());
  doc::Problems problems;
  doc::ObjectReader in(*tree, "", problems);
  const doc::Value* list = in.array("shifts");
  if (tree->is_object() && tree->find("shifts") == nullptr)
    in.problem("missing_field",
               "needs shifts: [{person, from, until}], all of them; [] for nobody");
  in.finish();
  std::vector<Shift> shifts;
  if (list != nullptr) shifts = read_shifts(*list, in.pointer_to("shifts"), problems);
  if (!problems.empty())
    return refuse(problems.front().code == "invalid_time" ? "wrong_type" : problems.front().code,
                  problems.front().message, problems.front().pointer);
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    const people::Person* person = directory().resolve(shifts[i].person);
    if (person == nullptr)
      return refuse("unknown_person",
                    "nobody here is known by that id, alias or address; nothing has changed",
                    "/shifts/" + std::to_string(i) + "/person");
    shifts[i].person = person->id;
  }
  return shifts;
}

Task<Result<State>> OnCall::Impl::told(std::string name, Message message) {
  gate::Serial::Hold hold = co_await serial.take(name);
  const trust::OnCallSchedule* one = configured(name);
  if (one == nullptr || !one->webhook)
    co_return refuse("not_found", "identity.yaml has no webhook oncall." + name);
  Result<Secret> key = co_await secret_of(*one);
  if (!key) co_return std::unexpected(key.error());
  Result<Time> sent = check_message(message, *key, now());
  if (!sent) co_return std::unexpected(sent.error());
  if (*sent < sources[name].sent)
    co_return refuse("stale_message", "a newer message was taken already; send what holds now");
  Result<std::vector<Shift>> shifts = shifts_in(message.body);
  if (!shifts) co_return std::unexpected(shifts.error());
  std::vector<EventDraft> events;
  events.push_back(told_draft(name, *shifts, message, *sent));
  std::vector<store::Expect> expects{{"config", ports.gate.seen("config")}};
  std::vector<store::Claim> claims{{"oncall/" + name + "/" + crypto::sha256_text(message.id), "1"}};
  Result<std::vector<Event>> recorded =
      co_await ports.gate.record(std::move(events), std::move(expects), std::move(claims));
  if (!recorded && recorded.error().code == "already_used")
    co_return refuse("already_used", "a message with this webhook-id was taken already");
  if (!recorded) co_return std::unexpected(recorded.error());
  co_await reconcile();
  one = configured(name);
  if (one == nullptr) co_return refuse("not_found", "identity.yaml has no webhook oncall." + name);
  co_return state_of(*one);
}

}  // namespace keyturn::oncall
