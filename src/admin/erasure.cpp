// The erasure of private parts as an action of the built-in tool keyturn.erasure: what it would
// destroy is listed, agreed to by two unrelated administrators, and destroyed in one commit.
#include <algorithm>

#include "admin/admin.h"
#include "admin/change.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"

namespace keyturn::admin {
namespace {

constexpr std::string_view kErasureTool = "keyturn.erasure";
constexpr std::size_t kActionsMax = 1000;  // of one erasure: each is shown to who agrees

catalog::Tool erasure_tool() {
  catalog::Tool tool;
  tool.name = kErasureTool;
  tool.kind = catalog::ToolKind::kGrantOnly;  // nothing of connectors/ runs it
  tool.mode = catalog::Mode::kExecute;
  tool.operation = "erase";
  tool.resource = {"keyturn", "private parts", "", {}};
  for (const char* name : {"action", "person"}) {
    catalog::Param param;
    param.name = name;
    param.required = false;
    param.schema = doc::object({{"type", "string"}});
    tool.params.push_back(std::move(param));
  }
  tool.digest = crypto::sha256_text("keyturn/v1/tool/" + tool.name);
  return tool;
}

std::string listed(const gate::Gate::Erasable& one) {
  std::string out = one.id.str() + " (" + one.tool + "): entries";
  if (one.stream.starts_with("person/"))
    out = one.stream + " (name and mail address): entries";
  else if (one.stream.starts_with("run/"))
    out = one.stream + " (inputs, outputs and reasons of the run): entries";
  else if (one.stream.starts_with("hook/"))
    out = one.stream + " (the delivery that started it): entries";
  else if (one.stream.starts_with("standing/"))
    out = one.stream + " (what stood, and why): entries";
  else if (one.id.str().empty())
    out = one.stream + " (why it was opened): entries";
  const std::vector<std::uint64_t>& all = one.entries;
  for (std::size_t from = 0; from < all.size();) {
    std::size_t to = from;
    while (to + 1 < all.size() && all[to + 1] == all[to] + 1) ++to;
    out += (from == 0 ? " " : ", ") + std::to_string(all[from]);
    if (to > from) out += "-" + std::to_string(all[to]);
    from = to + 1;
  }
  return out;
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Task<std::vector<people::Party>> concerned(doc::Value args) {
  co_return std::vector<people::Party>{{people::Role::kOther, std::string(args.text("person"))}};
}

}  // namespace

struct Admin::ErasurePlan {
  doc::Value subject;
  std::vector<gate::Gate::Erasable> actions;
  std::size_t entries = 0;
  std::size_t left_open = 0;  // not over yet: stays
  bool more = false;          // than one erasure takes
  bool active = false;        // the person is: then name and mail address stay

  void add(std::vector<gate::Gate::Erasable> more_of_it) {
    for (gate::Gate::Erasable& one : more_of_it) {
      entries += one.entries.size();
      actions.push_back(std::move(one));
    }
  }

  // The whole of it, as it is shown to who agrees.
  doc::Value description() const {
    doc::Array lines;
    for (const gate::Gate::Erasable& one : actions) lines.emplace_back(listed(one));
    doc::Value out = doc::object({{"destroys", counted(entries, "private part") + " of " +
                                                   counted(actions.size(), "action") +
                                                   ", for ever; entries and proofs stay"}});
    if (left_open > 0) out.set("leaves", counted(left_open, "action") + " that are not over yet");
    if (active)
      out.set("leaves_who",
              "the name and the mail address: the person is active; deactivate first");
    if (more) out.set("leaves_too", "more than one erasure takes: propose another after this one");
    out.set("actions", std::move(lines));
    return out;
  }
};

void Admin::add_erasure_tool() {
  gate::Gate::BuiltIn what;
  what.run = [this](const gate::ActionRecord& record) {
    return carry_out_erasure(record.args, record.description, record.id);
  };
  what.describe = [this](Principal who, doc::Value args, doc::Value) {
    return describe_erasure(std::move(who), std::move(args));
  };
  what.related = [](doc::Value args) { return concerned(std::move(args)); };
  what.recover = [this](ActionId action) { return recover_erasure(std::move(action)); };
  gate_.add_built_in(erasure_tool(), built_in_floor(), std::move(what));
}

Task<Result<gate::Submitted>> Admin::propose_erasure(Principal who, ErasureSubject subject,
                                                     std::string reason) {
  ActionRequest request;
  request.tool = kErasureTool;
  request.args = doc::Object{};
  request.claims = doc::Object{};
  request.reason = std::move(reason);
  if (!subject.action.empty()) request.args.set("action", subject.action);
  if (!subject.person.empty()) request.args.set("person", subject.person);
  Result<gate::Submitted> submitted = co_await gate_.submit(who, std::move(request));
  co_return submitted;
}

Task<Result<Admin::ErasurePlan>> Admin::plan_erasure(doc::Value args) {
  ErasurePlan plan;
  const std::string action(args.text("action")), person(args.text("person"));
  if (action.empty() == person.empty())
    co_return refuse("invalid_args", "name an action or a person, one of them", "/subject");
  if (!action.empty()) {
    plan.subject = doc::object({{"action", action}});
    Result<gate::Gate::Erasable> one = co_await gate_.erasable(ActionId(action), "");
    if (!one) co_return std::unexpected(one.error());
    plan.entries = one->entries.size();
    if (plan.entries > 0) plan.actions.push_back(std::move(*one));
    plan.add(co_await gate_.erasable_of_run(ActionId(action)));
    gate::Gate::ErasableStandings made = co_await gate_.erasable_standings("", action);
    if (made.in_force > 0)
      co_return refuse("still_open",
                       "a standing approval that was made from it is in force: revoke it first",
                       "/subject/action");
    plan.add(std::move(made.over));
  } else {
    plan.subject = doc::object({{"person", person}});
    const people::Directory& directory = gate_.world().directory;
    if (directory.person(person) == nullptr)
      co_return refuse("unknown_person", "there is no person " + person, "/subject/person");
    if (!private_index_.names)
      co_return refuse("read_model_unavailable", "this needs the lists of a running server");
    Result<std::vector<std::string>> names = co_await private_index_.names();
    if (!names) co_return std::unexpected(names.error());
    std::erase_if(*names, [&](const std::string& name) {
      const people::Person* known = directory.resolve(name);
      return known == nullptr || !directory.same_human(known->id, person);
    });
    Result<std::vector<std::string>> found = co_await private_index_.actions_of(*names);
    if (!found) co_return std::unexpected(found.error());
    for (const std::string& id : *found) {
      Result<gate::Gate::Erasable> one = co_await gate_.erasable(ActionId(id), person);
      if (!one && one.error().code == "still_open") ++plan.left_open;
      if (!one || one->entries.empty()) continue;
      plan.more = plan.actions.size() == kActionsMax;
      if (plan.more) break;
      plan.entries += one->entries.size();
      plan.actions.push_back(std::move(*one));
      plan.add(co_await gate_.erasable_of_run(ActionId(id)));
    }
  }
  if (!person.empty()) {
    gate::Gate::Erasable own = co_await gate_.erasable_person(person);
    plan.add(co_await gate_.erasable_emergencies(person));
    gate::Gate::ErasableStandings stood = co_await gate_.erasable_standings(person, "");
    plan.left_open += stood.in_force;
    plan.add(std::move(stood.over));
    plan.active = gate_.world().directory.person(person)->active;
    if (!plan.active && !own.entries.empty()) {
      plan.entries += own.entries.size();
      plan.actions.push_back(std::move(own));
    }
  }
  if (plan.actions.empty()) {
    std::string why = "nothing private is left to erase";
    if (plan.left_open > 0) why += "; " + counted(plan.left_open, "action") + " are not over yet";
    co_return refuse("nothing_to_erase", why);
  }
  co_return plan;
}

Task<Result<doc::Value>> Admin::describe_erasure(Principal who, doc::Value args) {
  const people::Person* person = gate_.world().directory.person(who.id);
  if (person == nullptr || !person->active || !person->admin)
    co_return refuse("not_allowed", "only administrators propose an erasure");
  Result<ErasurePlan> plan = co_await plan_erasure(std::move(args));
  if (!plan) co_return std::unexpected(plan.error());
  co_return plan->description();
}

// Exactly what people agreed to, or nothing.
Task<Result<Outcome>> Admin::carry_out_erasure(doc::Value args, doc::Value agreed,
                                               ActionId action) {
  Result<ErasurePlan> plan = co_await plan_erasure(std::move(args));
  if (!plan) co_return nothing_done("nothing was erased: " + plan.error().message);
  if (!(plan->description() == agreed)) {
    co_return nothing_done(
        "nothing was erased: it would be something else by now than what was agreed to; propose "
        "it again");
  }
  Outcome done;
  done.kind = OutcomeKind::kSucceeded;
  done.stdout_text = counted(plan->entries, "private part") + " of " +
                     counted(plan->actions.size(), "action") + " erased\n";
  Result<void> erased =
      co_await gate_.erase(std::move(plan->actions), std::move(plan->subject), action);
  if (!erased) co_return nothing_done("nothing was erased: " + erased.error().message);
  co_return done;
}

// The claim is of the commit that erased.
Task<Outcome> Admin::recover_erasure(ActionId action) {
  const auto claim = co_await gate_.journal().find_claim("erasure/" + action.str());
  if (!claim) co_return nothing_done("the server stopped before anything was erased");
  Outcome done;
  done.kind = OutcomeKind::kSucceeded;
  done.stdout_text = "erased; the server stopped before it could say so\n";
  co_return done;
}

}  // namespace keyturn::admin
