// What a proposal would change and what that would have meant, for those who decide about it: part
// of the case, so its digest, the ledger and every channel have the same words and figures.
#include "admin/admin.h"
#include "admin/change.h"
#include "admin/replay.h"
#include "base/line_diff.h"
#include "base/task_impl.h"
#include "doc/yaml.h"
#include "policy/diff.h"

namespace keyturn::admin {
namespace {

constexpr std::uint64_t kDecisionsMax = 10'000;
constexpr Duration kAgeMax = std::chrono::days(30);
constexpr Duration kTimeMax = std::chrono::seconds(5);
constexpr std::size_t kExamples = 3;            // of a kind
constexpr int kAtOnceMax = 4;                   // descriptions being made
constexpr std::size_t kDiffBytesMax = 1 << 18;  // past it the new text has to do
constexpr std::size_t kRulesMax = 200;          // differences named one by one
constexpr std::size_t kValueBytesMax = 400;

// What the parts that would change are now: while these stand, what was said of them holds.
doc::Value standing(const gate::Configuration& active, const doc::Value& args) {
  doc::Value out = doc::Object{};
  if (!args.text("policy").empty()) out.set("policy", active.policy->digest());
  if (!args.text("tools").empty())
    out.set("tools", active.tools ? active.tools->digest() : std::string());
  if (!args.text("identity").empty()) out.set("identity", active.identity->digest);
  return out;
}

doc::Value changed_file(std::string_view file, std::string_view before, std::string_view after) {
  doc::Value out = doc::object({{"file", file}});
  std::string lines = line_diff(before, after);
  if (lines.size() > kDiffBytesMax)
    out.set("too_long", true);
  else
    out.set("lines", std::move(lines));
  return out;
}

doc::Value changed_files(const gate::Configuration& active, const doc::Value& args) {
  doc::Array out;
  if (const std::string policy(args.text("policy")); !policy.empty())
    out.push_back(changed_file("policy.yaml", active.policy_text, policy));
  if (const std::string tools(args.text("tools")); !tools.empty())
    out.push_back(changed_file("tools.yaml", active.tools_text, tools));
  if (const std::string identity(args.text("identity")); !identity.empty())
    out.push_back(changed_file("identity.yaml", active.identity_text, identity));
  return out;
}

std::string shown(const std::optional<doc::Value>& value) {
  if (!value) return "nothing";
  std::string text = value->is_string() ? value->as_string() : doc::write_json(*value);
  if (text.size() <= kValueBytesMax) return text;
  return "(" + std::to_string(text.size()) + " bytes)";
}

std::string shown(const policy::Difference& difference) {
  std::string out;
  for (const policy::Difference::Field& field : difference.fields) {
    if (!out.empty()) out += "\n";
    if (!field.path.empty()) out += field.path + ": ";
    if (difference.kind == policy::Difference::Kind::kAdded)
      out += "new: " + shown(field.after);
    else if (difference.kind == policy::Difference::Kind::kRemoved)
      out += "removed: " + shown(field.before);
    else
      out += shown(field.before) + " -> " + shown(field.after);
  }
  return out;
}

doc::Value becomes(const Checked& checked, const doc::Value& args) {
  doc::Value out = doc::Object{};
  if (!args.text("policy").empty())
    out.set("policy", doc::object({{"name", checked.policy.name()},
                                   {"revision", checked.policy.revision()},
                                   {"digest", checked.policy.digest()}}));
  if (!args.text("tools").empty())
    out.set("tools", doc::object({{"digest", checked.tools.digest()}}));
  if (!args.text("identity").empty())
    out.set("identity", doc::object({{"digest", checked.identity.digest}}));
  return out;
}

doc::Value report_of(Replaying& run, std::uint64_t size, bool examples) {
  doc::Value out = to_value(run.replay->report());
  std::erase_if(out.as_object(), [](const doc::Member& member) { return member.key == "rules"; });
  out.set("ledger_size", size);
  out.set("oldest", run.oldest ? doc::Value(to_rfc3339(*run.oldest)) : doc::Value());
  out.set("at_most", kDecisionsMax);
  out.set("since", to_rfc3339(*run.since));
  out.set("limited", run.limited);
  out.set("late", run.late);
  if (!examples) out.set("without_examples", true);
  return out;
}

// While it lives, one more description is being made.
class Counted {
 public:
  explicit Counted(std::shared_ptr<int> count) : count_(std::move(count)) { ++*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*count_; }

 private:
  std::shared_ptr<int> count_;
};

}  // namespace

doc::Value changed_rules(const std::string& before, const std::string& after) {
  const Result<doc::Value> old_tree = doc::parse_yaml(before, "policy.yaml");
  const Result<doc::Value> new_tree = doc::parse_yaml(after, "policy.yaml");
  doc::Array out;
  if (!old_tree || !new_tree) return out;
  const std::vector<policy::Difference> all = policy::differences(*old_tree, *new_tree);
  for (const policy::Difference& one : all) {
    if (out.size() == kRulesMax) {
      out.push_back(
          doc::object({{"of", "and"}, {"is", std::to_string(all.size() - kRulesMax) + " more"}}));
      break;
    }
    out.push_back(doc::object(
        {{"of", one.section + (one.name.empty() ? "" : " " + one.name)}, {"is", shown(one)}}));
  }
  return out;
}

// Everything but the replay rests on `standing` alone, so it can be told whether a description
// holds without making it anew. The replay is of the time when it was made, and says so.
Task<Result<doc::Value>> Admin::describe(Principal who, doc::Value args, doc::Value reviewed) {
  const std::shared_ptr<const gate::Configuration> active = gate_.world().configuration;
  const doc::Value against = standing(*active, args);
  if (const doc::Value* was = reviewed.find("against"); was != nullptr && *was == against)
    co_return reviewed;
  doc::Value out = doc::object({{"against", against}});
  const std::string policy(args.text("policy"));
  if (against.as_object().empty()) co_return out;
  out.set("changes", changed_files(*active, args));
  const auto checking = co_await check_aside(args);
  if (!checking) co_return std::unexpected(checking.error());
  std::optional<Checked>& checked = (*checking)->checked;
  if (!checked) {
    doc::Array lines;
    for (const doc::FileProblem& problem : (*checking)->problems)
      lines.push_back(doc::to_text(problem));
    out.set("problems", std::move(lines));
    co_return out;
  }
  out.set("becomes", becomes(*checked, args));
  if (policy.empty()) co_return out;
  out.set("rules", changed_rules(active->policy_text, policy));
  Result<doc::Value> replayed = co_await replay(who, std::move(checked->policy));
  if (!replayed) co_return std::unexpected(replayed.error());
  out.set("replay", std::move(*replayed));
  co_return out;
}

// Who may not look at all decisions gets no examples of them into a case that they may read.
Task<Result<doc::Value>> Admin::replay(Principal who, policy::Document proposed) {
  if (*describing_ >= kAtOnceMax)
    co_return refuse("overloaded", "other proposals are being replayed; try again in a moment");
  const Counted counted(describing_);
  const people::Person* person = gate_.world().directory.person(who.id);
  const bool examples = person != nullptr && (person->admin || person->auditor);
  const Time now = gate_.clock().now();
  auto run = std::make_shared<Replaying>();
  run->proposed = std::move(proposed);
  run->replay.emplace(*run->proposed, nullptr, examples ? kExamples : 0);
  run->since = now - kAgeMax;
  run->limit = kDecisionsMax;
  run->clock = &gate_.clock();
  run->until = now + kTimeMax;
  store::Journal& journal = gate_.journal();
  const std::uint64_t size = journal.size();
  Result<void> done = co_await replay_recorded(run, &journal, size, aside_);
  if (!done) co_return std::unexpected(done.error());
  co_return report_of(*run, size, examples);
}

}  // namespace keyturn::admin
