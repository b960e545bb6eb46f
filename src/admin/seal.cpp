// The seal: from here on the configuration changes only by agreement (promise sealed-config).
#include "admin/admin.h"
#include "admin/change.h"
#include "base/task_impl.h"

namespace keyturn::admin {

// Whoever holds the host could open an enrolment link, or use a token, in another person's name: so
// two people must hold keys that the host never had, and the host's tokens for people end here.
Task<Result<std::string>> Admin::seal() {
  const gate::World& world = gate_.world();
  if (world.configuration->sealed)
    co_return refuse("sealed", "the configuration is sealed already");
  if (Result<void> ok = check_administrators(world.directory, credentials_); !ok)
    co_return std::unexpected(ok.error());
  doc::FileProblems problems;
  const gate::Configuration& active = *world.configuration;
  if (!check_configuration(texts_of(active), {}, &world.directory, true, active.host, problems)) {
    std::string all = "the active configuration would not load sealed:";
    for (const doc::FileProblem& problem : problems) all += "\n" + doc::to_text(problem);
    co_return refuse("invalid_configuration", all);
  }
  std::vector<EventDraft> events = credentials_.ended_by_seal();
  std::vector<store::Expect> expects = administrators_expected(gate_);
  for (const EventDraft& draft : events) expects.push_back(expect(gate_, draft.stream));
  for (const char* stream : {"config", "policy", "tools"}) expects.push_back(expect(gate_, stream));
  events.push_back({"config", "config.sealed",
                    doc::object({{"configuration", active.digest}, {"by", "host"}}), std::nullopt});
  Result<std::vector<Event>> recorded =
      co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return gate_.world().configuration->digest;
}

Task<Result<std::string>> Admin::break_seal(std::string reason) {
  if (!gate_.world().configuration->sealed)
    co_return refuse("not_sealed", "the configuration is not sealed");
  std::vector<EventDraft> events;
  events.push_back(
      {"config", "seal.broken", doc::object({{"by", "host"}}), doc::object({{"reason", reason}})});
  std::vector<store::Expect> expects{expect(gate_, "config")};
  Result<std::vector<Event>> recorded =
      co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return std::string("seal.broken");
}

}  // namespace keyturn::admin
