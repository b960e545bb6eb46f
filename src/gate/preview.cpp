// What an action would touch: looked at for the people who are asked, and compared before what they
// agreed to is released.
#include "gate/impl.h"

namespace keyturn::gate {

Task<Result<Previewed>> Executor::preview(const catalog::Tool& /*tool*/, doc::Value /*args*/) {
  co_return Previewed{};
}

namespace {

constexpr std::chrono::seconds kPlanLooksMax(30);  // for all steps of a plan together
constexpr const char* kReleases = "";              // for people who have agreed to it

// What would only be shown to people is not run or asked.
catalog::Tool only_state(const catalog::Tool& tool) {
  catalog::Tool out = tool;
  if (tool.kind == catalog::ToolKind::kExec || tool.kind == catalog::ToolKind::kHttp)
    out.preview->shows.clear();
  return out;
}

void note_one(const ActionId& id, std::string type, doc::Value credential,
              std::vector<EventDraft>& to) {
  doc::Value body = doc::object({{"credential", std::move(credential)}, {"for", "look"}});
  to.push_back({stream_of(id), std::move(type), std::move(body), std::nullopt});
}

void note_issued(const ActionId& id, const doc::Value& shown, std::vector<EventDraft>& to) {
  const doc::Value* all = shown.find("credentials");
  if (all == nullptr || !all->is_array()) return;
  for (const doc::Value& one : all->as_array()) {
    doc::Value issued = one;
    std::erase_if(issued.as_object(), [](const doc::Member& m) { return m.key == "ended"; });
    note_one(id, "credential.issued", std::move(issued), to);
    if (const std::string ended(one.text("ended")); !ended.empty())
      note_one(id, "credential." + ended,
               doc::object({{"id", one.text("id")}, {"name", one.text("name")}}), to);
  }
}

}  // namespace

void note_look(const ActionId& id, const doc::Value& shown, const Noted& noted) {
  note_issued(id, shown, *noted);
  const doc::Value* steps = shown.text("kind") == "plan" ? shown.find("steps") : nullptr;
  if (steps == nullptr || !steps->is_array()) return;
  for (const doc::Value& step : steps->as_array()) {
    if (const doc::Value* seen = step.find("preview")) note_issued(id, *seen, *noted);
  }
}

// A preview that cannot be had is said to people; it never keeps them from being asked.
Task<Previewed> Gate::Impl::preview(const Case& c) {
  const std::string who = c.releasing ? kReleases : c.requester.id;
  if (c.tool->kind == catalog::ToolKind::kRunbook)
    co_return co_await preview_plan(c.configuration, c.described.description, Looks::kAll, who);
  if (!c.tool->preview) co_return Previewed{};
  Result<Previewed> out = co_await look(*c.tool, c.args, who);
  if (!out) {
    Previewed none;
    none.shown = doc::object({{"unavailable", out.error().message}, {"code", out.error().code}});
    co_return none;
  }
  co_return std::move(*out);
}

Task<Result<Previewed>> Gate::Impl::look(const catalog::Tool& tool, doc::Value args,
                                         std::string who) {
  FairSemaphore& places = who == kReleases ? looks_at_release : looks;
  const std::optional<FairSemaphore::Hold> turn = co_await places.take(who);
  if (!turn) co_return refuse("state_unavailable", "too many looks are under way; try again later");
  co_return co_await ports.executor.preview(tool, std::move(args));
}

// A step that cannot be looked at now keeps nobody from agreeing to the others.
Task<Previewed> Gate::Impl::preview_plan(std::shared_ptr<const Configuration> configuration,
                                         doc::Value description, Looks looks, std::string who) {
  const auto deadline = std::chrono::steady_clock::now() + kPlanLooksMax;
  doc::Array shown, states;
  for (const doc::Value* step : steps_asked_for(description)) {
    const catalog::Tool* tool = find_tool(*configuration, std::string(step->text("tool")));
    const doc::Value* args = step->find("args");
    if (tool == nullptr || !tool->preview || args == nullptr) continue;
    doc::Value one = doc::object({{"path", step->text("path")}});
    Result<Previewed> seen = refuse("state_unavailable", "the steps before took too long");
    if (std::chrono::steady_clock::now() < deadline) {
      const catalog::Tool looked = looks == Looks::kAll ? *tool : only_state(*tool);
      seen = co_await look(looked, *args, who);
    }
    const std::string state = seen ? seen->fingerprint : "";
    one.set("preview", seen ? seen->shown : doc::object({{"unavailable", seen.error().message}}));
    if (!state.empty()) one.set("state", state);
    states.push_back(doc::object({{"path", step->text("path")}, {"state", state}}));
    shown.push_back(std::move(one));
  }
  Previewed out;
  if (shown.empty()) co_return out;
  out.shown = doc::object({{"kind", "plan"}, {"steps", std::move(shown)}});
  out.fingerprint = crypto::sha256_text(doc::canonical_or_die(doc::Value(std::move(states))));
  co_return out;
}

// A state that cannot be told now is no state that anybody agreed to.
Task<Result<bool>> Gate::Impl::moved(const catalog::Tool& tool,
                                     std::shared_ptr<ActionRecord> agreed, Noted noted) {
  if (tool.kind == catalog::ToolKind::kRunbook) {
    const Previewed now = co_await preview_plan(world.configuration, agreed->description,
                                                Looks::kOnlyState, kReleases);
    note_look(agreed->id, now.shown, noted);
    co_return !is_state_of(*agreed, now);
  }
  if (!tool.preview) co_return !agreed->state_print.empty();
  const catalog::Tool looked = only_state(tool);
  const Result<Previewed> now = co_await look(looked, agreed->args, kReleases);
  if (now) note_look(agreed->id, now->shown, noted);
  const bool told = now && now->shown.find("code") == nullptr;
  if (told) co_return now->fingerprint != agreed->state_print;
  co_return refuse("state_unavailable",
                   "what it would touch cannot be looked at, so that nothing was released: " +
                       (now ? std::string(now->shown.text("unavailable")) : now.error().message) +
                       "; try again, deny it, or mend the tool's preview");
}

// The step looks at the state by itself, and it is the one that the plan's people saw.
Task<bool> Gate::Impl::is_as_planned(Case& c) {
  if (!c.tool->preview) co_return true;
  const std::shared_ptr<ActionRecord> run = open_record(ActionId(c.request.run->run));
  if (!run) co_return false;
  const std::string agreed = state_in_plan(run->preview, c.request.run->step);
  const catalog::Tool looked = only_state(*c.tool);
  Result<Previewed> now = co_await look(looked, c.args, kReleases);
  if (now) note_look(c.id, now->shown, c.noted);
  const bool told = now && now->shown.find("code") == nullptr;
  if (!told || now->fingerprint != agreed) co_return false;
  c.previewed = std::move(*now);
  co_return true;
}

}  // namespace keyturn::gate
