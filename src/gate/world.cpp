// Loading and folding what Keyturn itself knows: people, configuration, seal.
#include <algorithm>

#include "base/bytes.h"
#include "catalog/upstream.h"
#include "gate/impl.h"

namespace keyturn::gate {

Gate::Gate(Ports ports, GateOptions options)
    : ports_(std::move(ports)), options_(std::move(options)) {
  impl_ = std::make_unique<Impl>(*this, ports_, options_, world_);
  auto empty = std::make_shared<Configuration>();
  doc::Problems problems;
  std::optional<policy::Document> nothing = policy::Document::load(
      "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: none, revision: 0}\nrules: []\n", {},
      problems);
  if (!nothing)
    throw std::logic_error("the empty policy does not load: " +
                           (problems.empty() ? "" : problems.front().message));
  empty->policy = std::make_shared<const policy::Document>(std::move(*nothing));
  empty->tools = std::make_shared<const catalog::Catalog>();
  empty->identity = std::make_shared<const trust::Document>(*trust::load(trust::kNobody, problems));
  empty->host = options_.host;
  world_.configuration = std::move(empty);
  world_.directory.admit_simulated(options_.demo);
  impl_->redigest();
}

Gate::~Gate() = default;

void Gate::load() {
  const auto each = [this](std::vector<Event> events) { impl_->fold_all(events); };
  for (const char* prefix : {"person/", "agent/", "group/", "emergency/", "standing/", "upstream/",
                             "tools", "policy", "config"})
    ports_.journal.load_open_streams(prefix, each, true);  // whatever their rows say: all of it
  ports_.journal.load_open_streams("action/", [this](std::vector<Event> events) {
    const ActionId id(events.front().stream.substr(7));
    impl_->take_in(id, events);
  });
  impl_->exercises_of_the_past = impl_->exercises;
  ports_.journal.on_commit([](const Event& event) { return !event.stream.starts_with("action/"); },
                           [this](const std::vector<Event>& events) { impl_->fold_all(events); });
}

void Gate::load_past(const Past& past) {
  impl_->history.load(past.minutes, past.hours, past.ever);
  for (const std::string& id : impl_->exercises_of_the_past) {
    if (const auto record = impl_->open_record(ActionId(id)))
      impl_->history.not_asked(Impl::use_of(*record), record->created_at);
  }
  impl_->approvals.load(past.approvals);
  for (const store::DeniedPrint& denied : past.denied_prints) {
    Impl::Denied& before = impl_->denied_before[denied.print];
    before.times += denied.times;
    if (before.last.empty()) before.last = denied.last;  // else it was denied again since the start
  }
}

std::uint64_t Gate::Impl::seen(const std::string& stream) const {
  const auto found = world_versions.find(stream);
  return found == world_versions.end() ? 0 : found->second;
}

// False when it was folded before: an event comes to us as our own append and as a commit.
bool Gate::Impl::fold(const Event& event) {
  std::uint64_t& version = world_versions[event.stream];
  if (event.position <= version) return false;
  version = event.position;
  if (people::is_identity_event(event.type)) {
    people::evolve(world.directory, event);
    pass_time();  // what begins with it begins now
    if (event.type == "identity.group_changed") redigest();
    if (event.type == "identity.person_deactivated") wake_voted(event.stream.substr(7));
    if (event.type == "identity.groups_vouched") wake_asked(event);
  }
  world.emergencies.evolve(event);
  world.standing.evolve(event);
  if (world.pins.evolve(event)) use_pins();
  if (event.type == "policy.activated" || event.type == "tools.activated" ||
      event.type == "config.identity_activated" || event.type == "config.sealed" ||
      event.type == "seal.broken") {
    activate(event);
  }
  for (const auto& follower : followers) follower(event);
  return true;
}

// Their votes count no more: whoever looks at those reviews is shown it.
void Gate::Impl::wake_voted(const std::string& person) {
  std::vector<std::shared_ptr<ActionRecord>> voted;
  for (const auto& [id, record] : open) {
    if (record->review && std::ranges::find(record->review->votes, person,
                                            &review::Vote::reviewer) != record->review->votes.end())
      voted.push_back(record);
  }
  for (const std::shared_ptr<ActionRecord>& record : voted) changed(record);
}

// Somebody came on call, or went: what waits for that group waits for others now.
void Gate::Impl::wake_asked(const Event& event) {
  const doc::Value* vouched = event.body.find("vouched");
  const auto& schedules = world.directory.schedules();
  const auto schedule = schedules.find(vouched == nullptr ? "" : vouched->text("source"));
  if (schedule == schedules.end()) return;
  const std::string& group = schedule->second.group;
  std::vector<std::shared_ptr<ActionRecord>> asked;
  for (const auto& [id, record] : open) {
    if (record->review && (groups_of(record->review->plan).contains(group) ||
                           record->review->plan.escalate_to == group))
      asked.push_back(record);
  }
  for (const std::shared_ptr<ActionRecord>& record : asked) {
    inboxes.put(record);
    changed(record);
  }
}

void Gate::Impl::fold_all(const std::vector<Event>& events) {
  for (const Event& event : events) fold(event);
}

// Replaces the configuration by one with the event's part. A text that was valid when it was
// activated and is not now (a newer program reads it) keeps the process from starting: better no
// gate than another one.
void Gate::Impl::activate(const Event& event) {
  auto next = std::make_shared<Configuration>(*world.configuration);
  if (event.type == "config.sealed") next->sealed = true;
  if (event.type == "seal.broken") next->sealed = false;
  world.directory.admit_simulated(options.demo && !next->sealed);
  doc::Problems problems;
  if (event.type == "tools.activated" && event.private_part) {
    next->tools_text = event.private_part->text("text");
    std::optional<catalog::Catalog> catalog =
        catalog::Catalog::load_text(next->tools_text, problems);
    if (!catalog) throw std::runtime_error("the recorded tools.yaml does not load any more");
    next->tools = catalog::with_pins(*catalog, world.pins);
  }
  if (event.type == "policy.activated" && event.private_part) {
    next->policy_text = event.private_part->text("text");
    policy::LoadOptions options;
    options.run_tests = false;
    std::optional<policy::Document> document =
        policy::Document::load(next->policy_text, options, problems);
    if (!document) throw std::runtime_error("the recorded policy.yaml does not load any more");
    next->policy = std::make_shared<const policy::Document>(std::move(*document));
  }
  if (event.type == "config.identity_activated" && event.private_part) {
    next->identity_text = event.private_part->text("text");
    std::optional<trust::Document> document = trust::load(next->identity_text, problems);
    if (!document) throw std::runtime_error("the recorded identity.yaml does not load any more");
    next->identity = std::make_shared<const trust::Document>(std::move(*document));
  }
  people::Schedules schedules;
  for (const auto& [name, one] : next->identity->oncall)
    schedules.emplace("oncall:" + name, people::OnCall{one.group, one.of});
  world.directory.admit_schedules(std::move(schedules));
  world.configuration = std::move(next);
  redigest();
}

// The tools of MCP servers are others now. The digest stays: it is that of what people wrote; each
// tool has its own.
void Gate::Impl::use_pins() {
  auto next = std::make_shared<Configuration>(*world.configuration);
  next->tools = catalog::with_pins(*next->tools, world.pins);
  world.configuration = std::move(next);
}

std::set<std::string> Gate::Impl::streams_behind(const std::string& name) const {
  std::set<std::string> out{"policy", "tools", "config"};
  const catalog::Tool* tool = find_tool(*world.configuration, name);
  if (tool != nullptr && tool->upstream) out.insert("upstream/" + tool->upstream->name);
  return out;
}

void Gate::Impl::redigest() {
  auto next = std::make_shared<Configuration>(*world.configuration);
  doc::Value groups = doc::Object{};
  for (const auto& [name, members] : world.directory.groups()) {
    // What a provider vouches for comes and goes by itself: it is in each count, not in here.
    std::vector<std::string> own;
    for (const std::string& id : members) {
      if (world.directory.person(id)->own_groups.contains(name)) own.push_back(id);
    }
    if (!own.empty()) groups.set(name, doc::array_of(own));
  }
  doc::Value whole = doc::object({{"policy", next->policy->digest()},
                                  {"tools", next->tools->digest()},
                                  {"groups", std::move(groups)},
                                  {"sealed", next->sealed}});
  if (!next->identity_text.empty()) whole.set("identity", next->identity->digest);
  next->digest = crypto::sha256_text(doc::canonical_or_die(whole));
  world.configuration = std::move(next);
}

// An account is linked once, whoever asks at the same time: each of them looked before the other
// was recorded. Code conflict: look again.
Result<Linking> Gate::Impl::begin_linking(const std::vector<EventDraft>& events) {
  Linking out(linking);
  for (const EventDraft& draft : events) {
    if (draft.type != "identity.account_linked") continue;
    const doc::Value* part = draft.body.find("account");
    const std::string account(part == nullptr ? "" : part->text("account"));
    const std::string person(part == nullptr ? "" : part->text("person"));
    const people::Person* first = world.directory.first_of(account);
    const bool others =
        first != nullptr && first->id != person && !world.directory.same_human(first->id, person);
    if (others || !out.add(account))
      return refuse("conflict", "the account is being linked, or is somebody else's; look again");
  }
  return out;
}

Task<Result<std::vector<Event>>> Gate::record(std::vector<EventDraft> events,
                                              std::vector<store::Expect> expects,
                                              std::vector<store::Claim> claims) {
  Result<Linking> linking = impl_->begin_linking(events);
  if (!linking) co_return std::unexpected(linking.error());
  std::vector<std::optional<doc::Value>> private_parts;
  private_parts.reserve(events.size());
  for (const EventDraft& draft : events) private_parts.push_back(draft.private_part);
  store::Appended appended =
      co_await ports_.journal.append({std::move(events), std::move(expects), std::move(claims)});
  if (!appended) {
    ++numbers_.conflicts;
    co_return refused(appended.error());
  }
  for (std::size_t i = 0; i < appended->size(); ++i) {
    if (i < private_parts.size()) (*appended)[i].private_part = std::move(private_parts[i]);
    impl_->fold((*appended)[i]);
  }
  co_return std::move(*appended);
}

Task<void> Gate::record_refusal(Principal who, std::string code, std::string tool) {
  tool.resize(std::min<std::size_t>(tool.size(), 128));
  if (const auto cut = first_invalid_utf8(tool)) tool.resize(*cut);  // never half a character
  EventDraft draft;
  draft.stream = "refusals/" + who.id;
  draft.type = "request.refused";
  draft.body = doc::object(
      {{"refusal", doc::object({{"code", code}, {"tool", tool}, {"credential", who.credential}})},
       {"agent", doc::object({{"id", who.id}})}});
  std::vector<EventDraft> events;
  events.push_back(std::move(draft));
  Result<std::vector<Event>> ignored = co_await record(std::move(events), {});
  (void)ignored;  // nothing was expected, so nothing can conflict
}

void Gate::load_streams(const std::string& prefix) {
  ports_.journal.load_open_streams(prefix,
                                   [this](std::vector<Event> events) { impl_->fold_all(events); });
}

Result<void> Gate::check_words(std::string_view text, std::string_view what,
                               const std::string& where) const {
  return impl_->check_words(text, what, where);
}

void Gate::on_event(std::function<void(const Event&)> follower) {
  impl_->followers.push_back(std::move(follower));
}

std::uint64_t Gate::seen(const std::string& stream) const {
  return impl_->seen(stream);
}

}  // namespace keyturn::gate
