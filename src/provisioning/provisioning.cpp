#include "provisioning/provisioning.h"

#include <algorithm>

#include "base/task_impl.h"
#include "provisioning/impl.h"
#include "scim/patch.h"

namespace keyturn::provisioning {
namespace {

constexpr int kConflictsMax = 8;
constexpr std::size_t kReconciledAtOnce = 500;  // people a commit
constexpr Duration kTokenAge = std::chrono::minutes(1);

Digest digest_of(std::string_view token) {
  return crypto::sha256("keyturn/v1/scim-token\n" + std::string(token));
}

}  // namespace

const trust::ScimSection* Provisioning::Impl::configured(std::string_view section) const {
  const auto found = document().scim.find(section);
  return found == document().scim.end() ? nullptr : &found->second;
}

Provisioning::Provisioning(Ports ports) : impl_(std::make_unique<Impl>(std::move(ports))) {
  impl_->ports.gate.on_event([impl = impl_.get()](const Event& event) {
    impl->state.fold(event);
    if (event.type == "config.identity_activated") impl->ports.spawn(impl->reconcile());
  });
}

Provisioning::~Provisioning() = default;

void Provisioning::load() {
  impl_->ports.gate.load_streams("scim/");
}

Task<void> Provisioning::reconcile() {
  return impl_->reconcile();
}

Result<doc::Value> Provisioning::find(const std::string& section, Kind kind,
                                      const std::string& id) const {
  return impl_->find(section, kind, id);
}

Result<doc::Value> Provisioning::list(const std::string& section, Kind kind,
                                      const Query& query) const {
  return impl_->list(section, kind, query);
}

// ---------------------------------------------------------------- writing

// Plans on what is committed, and again when that has moved meanwhile.
Task<Result<Plan>> Provisioning::Impl::written(std::string section,
                                               std::function<Result<Plan>()> plan) {
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    if (configured(section) == nullptr)
      co_return refuse("not_configured", "scim." + section + " is not in identity.yaml any more");
    Result<Plan> wanted = plan();
    if (!wanted || wanted->events.empty()) co_return wanted;
    std::vector<store::Expect> expects;
    for (const std::string& stream : wanted->streams)
      expects.push_back({stream, ports.gate.seen(stream)});
    expects.push_back({"config", ports.gate.seen("config")});  // the mapping
    Result<std::vector<Event>> recorded =
        co_await ports.gate.record(std::move(wanted->events), std::move(expects));
    if (recorded) co_return wanted;
    if (recorded.error().code != "conflict") co_return std::unexpected(recorded.error());
  }
  co_return refuse("conflict", "too many changes at once; send it again");
}

Result<void> Provisioning::Impl::check_version(const std::string& section, Kind kind,
                                               const std::string& id,
                                               const std::string& if_match) const {
  Result<doc::Value> now = find(section, kind, id);
  if (!now) return std::unexpected(now.error());
  if (if_match.empty() || scim::names_version(if_match, scim::version_of(*now))) return {};
  return refuse("precondition_failed", id + " has changed: it is at version " +
                                           scim::version_of(*now) +
                                           "; read it again, and decide again");
}

Task<Result<doc::Value>> Provisioning::create(std::string section, Kind kind, doc::Value body) {
  gate::Serial::Hold hold = co_await impl_->serial.take(section);
  Result<doc::Value> accepted = scim::accept(schema_of(kind), body);
  if (!accepted) co_return std::unexpected(accepted.error());
  std::function<Result<Plan>()> plan = [&]() {
    return kind == Kind::kUser ? impl_->plan_new_user(section, *accepted)
                               : impl_->plan_group(section, "", *accepted);
  };
  Result<Plan> done = co_await impl_->written(section, std::move(plan));
  if (!done) co_return std::unexpected(done.error());
  co_return impl_->find(section, kind, done->id);
}

Task<Result<doc::Value>> Provisioning::Impl::change(
    std::string section, Kind kind, std::string id, std::string if_match,
    std::function<Result<doc::Value>(const doc::Value&)> to) {
  gate::Serial::Hold hold = co_await serial.take(section);
  if (Result<void> ok = check_version(section, kind, id, if_match); !ok)
    co_return std::unexpected(ok.error());
  std::function<Result<Plan>()> plan = [&]() -> Result<Plan> {
    Result<doc::Value> now = resource_of(section, kind, id);
    if (!now) return std::unexpected(now.error());
    Result<doc::Value> next = to(*now);
    if (!next) return std::unexpected(next.error());
    return kind == Kind::kUser ? plan_user(section, id, std::move(*next))
                               : plan_group(section, id, std::move(*next));
  };
  Result<Plan> done = co_await written(section, std::move(plan));
  if (!done) co_return std::unexpected(done.error());
  co_return find(section, kind, id);
}

Task<Result<doc::Value>> Provisioning::replace(std::string section, Kind kind, std::string id,
                                               doc::Value body, std::string if_match) {
  Result<doc::Value> accepted = scim::accept(schema_of(kind), body);
  if (!accepted) co_return std::unexpected(accepted.error());
  std::function<Result<doc::Value>(const doc::Value&)> to =
      [wanted = std::move(*accepted)](const doc::Value&) -> Result<doc::Value> { return wanted; };
  co_return co_await impl_->change(std::move(section), kind, std::move(id), std::move(if_match),
                                   std::move(to));
}

Task<Result<doc::Value>> Provisioning::patch(std::string section, Kind kind, std::string id,
                                             doc::Value message, std::string if_match) {
  std::function<Result<doc::Value>(const doc::Value&)> to =
      [kind, message = std::move(message)](const doc::Value& now) {
        return scim::patched(schema_of(kind), now, message);
      };
  co_return co_await impl_->change(std::move(section), kind, std::move(id), std::move(if_match),
                                   std::move(to));
}

Task<Result<void>> Provisioning::remove(std::string section, Kind kind, std::string id,
                                        std::string if_match) {
  gate::Serial::Hold hold = co_await impl_->serial.take(section);
  if (Result<void> ok = impl_->check_version(section, kind, id, if_match); !ok)
    co_return std::unexpected(ok.error());
  std::function<Result<Plan>()> plan = [&]() {
    return kind == Kind::kUser ? impl_->plan_user_removal(section, id)
                               : impl_->plan_group_removal(section, id);
  };
  Result<Plan> done = co_await impl_->written(section, std::move(plan));
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>{};
}

// ---------------------------------------------------------------- what the mapping says now

Task<void> Provisioning::Impl::reconcile() {
  for (int attempt = 0; attempt < kConflictsMax;) {
    Plan plan;
    for (const auto& [id, person] : directory().persons()) {
      if (plan.events.size() >= kReconciledAtOnce) break;
      for (const auto& [name, section] : state.sections()) {
        const User* user = section.user(id);
        add_vouched(plan, name, id,
                    user == nullptr ? std::set<std::string>{} : mapped(name, user->groups));
      }
    }
    if (plan.events.empty()) co_return;
    std::vector<store::Expect> expects;
    for (const std::string& stream : plan.streams)
      expects.push_back({stream, ports.gate.seen(stream)});
    expects.push_back({"config", ports.gate.seen("config")});
    Result<std::vector<Event>> recorded =
        co_await ports.gate.record(std::move(plan.events), std::move(expects));
    if (recorded) continue;  // and the next of them
    ++attempt;
    if (recorded.error().code != "conflict") break;
  }
  if (ports.log) ports.log("scim: the groups of identity.yaml could not be applied to everybody");
}

// ---------------------------------------------------------------- tokens

Task<void> Provisioning::Impl::refresh_tokens() {
  gate::Serial::Hold hold = co_await serial.take("/tokens");
  const std::shared_ptr<const gate::Configuration> held = world().configuration;
  const Time now = ports.gate.clock().now();
  std::erase_if(tokens,
                [&](const auto& item) { return !held->identity->scim.contains(item.first); });
  for (const auto& [name, section] : held->identity->scim) {
    Token& token = tokens[name];
    const std::string reference = secrets::to_text(*section.token);
    const bool is_fresh =
        token.reference == reference && now - token.fetched < kTokenAge && now >= token.fetched;
    if (is_fresh) continue;
    Result<Secret> secret = co_await ports.fetch(*section.token);
    Token fetched{reference, std::nullopt, now};
    std::string why;
    if (!secret)
      why = secret.error().message;
    else if (secret->reveal().size() < kTokenBytesMin)
      why = "it has fewer than " + std::to_string(kTokenBytesMin) + " bytes";
    else
      fetched.digest = digest_of(secret->reveal());
    if (!why.empty() && ports.log) ports.log("scim." + name + ": no token: " + why);
    tokens.insert_or_assign(name, std::move(fetched));
  }
}

Task<Result<std::string>> Provisioning::section_of(std::string token) {
  if (impl_->document().scim.empty())
    co_return refuse("not_found", "identity.yaml has no section scim");
  co_await impl_->refresh_tokens();
  const Digest given = digest_of(token);
  std::vector<std::string> found;
  bool is_any = false;
  for (const auto& [name, known] : impl_->tokens) {
    if (!known.digest || impl_->configured(name) == nullptr) continue;
    is_any = true;
    if (equal_constant_time(view(given), view(*known.digest))) found.push_back(name);
  }
  if (!is_any)
    co_return refuse("not_configured",
                     "no token of a SCIM section is to be had; see identity.yaml and the log");
  if (found.size() == 1) co_return found.front();
  if (found.size() > 1 && impl_->ports.log)
    impl_->ports.log("scim: sections " + found[0] + " and " + found[1] +
                     " have one token; give each its own");
  co_return refuse("unauthenticated", "this is no token of a SCIM section here");
}

}  // namespace keyturn::provisioning
