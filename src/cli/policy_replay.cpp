// keyturn policy replay, keyturn policy diff: what a change of policy would mean.
#include <fmt/format.h>

#include <ostream>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "policy/diff.h"

namespace keyturn::cli {
namespace {

struct ReplayWords {
  std::string proposed, old, against, since;
  int examples = 3;
  std::int64_t limit = 0;
};

// The server gives up at last, and says so.
constexpr std::chrono::seconds kReplayPatience = std::chrono::minutes(16);

Attempt<std::string> read(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text) return std::unexpected(Failure{Exit::kUsage, text.error(), {}});
  return std::move(*text);
}

Attempt<doc::Value> replay_body(const ReplayWords& words) {
  Attempt<std::string> proposed = read(words.proposed);
  if (!proposed) return std::unexpected(proposed.error());
  doc::Value body = doc::object({{"policy", *proposed}, {"examples", words.examples}});
  if (!words.old.empty()) {
    Attempt<std::string> old = read(words.old);
    if (!old) return std::unexpected(old.error());
    body.set("old", *old);
  }
  if (!words.against.empty()) body.set("against", words.against);
  if (!words.since.empty()) body.set("since", words.since);
  if (words.limit > 0) body.set("limit", words.limit);
  return body;
}

void print_diagnostics(Console& console, const doc::Value& answer) {
  for (const doc::Value& one : answer.list("diagnostics")) {
    console.out << fmt::format("{}:{}:{}: {}{}\n", one_line(one.text("file")), one.integer("line"),
                               one.integer("column"), one.flag("warning") ? "warning: " : "",
                               one_line(one.text("message")));
  }
}

std::string side(const doc::Value& example, std::string_view key) {
  const doc::Value* found = example.find(key);
  if (found == nullptr) return "";
  std::string out =
      fmt::format("{} by {}", one_line(found->text("effect")), one_line(found->text("decided_by")));
  for (const doc::Value& reason : found->list("reasons")) {
    if (reason.is_string()) out += "; " + one_line(reason.as_string());
  }
  return out;
}

void print_flip(Console& console, const doc::Value& flip) {
  const std::string_view turn = flip.text("turn");
  const Tone tone = turn == "looser" ? Tone::kBad : turn == "other" ? Tone::kWarn : Tone::kGood;
  console.out << on_out(console, tone, fmt::format("{:<8}", one_line(turn)))
              << fmt::format(" {} -> {}: {}\n", one_line(flip.text("from")),
                             one_line(flip.text("to")), flip.integer("count"));
  for (const doc::Value& example : flip.list("examples")) {
    console.out << fmt::format("    {}  {}  {}  {}\n", one_line(example.text("time")),
                               one_line(example.text("id")), one_line(example.text("tool")),
                               one_line(example.text("agent")))
                << "      before: " << side(example, "before") << '\n'
                << "      after:  " << side(example, "after") << '\n';
  }
}

std::string because(const doc::Value& report) {
  std::string out;
  const doc::Value* reasons = report.find("not_repeatable_because");
  if (reasons == nullptr || !reasons->is_object()) return out;
  for (const doc::Member& member : reasons->as_object()) {
    out += (out.empty() ? " (" : ", ") + one_line(member.key) + " " +
           std::to_string(reasons->integer(member.key));
  }
  return out.empty() ? out : out + ")";
}

void print_report(Console& console, const doc::Value& report) {
  console.out << fmt::format(
      "{} decisions taken again{}: {} unchanged, {} stricter, {} looser, {} other\n",
      report.integer("repeated"), report.flag("limited") ? " (the newest; there are more)" : "",
      report.integer("unchanged"), report.integer("stricter"), report.integer("looser"),
      report.integer("other"));
  if (report.integer("errors") > 0)
    console.out << fmt::format("{} would be denied by an error in a rule\n",
                               report.integer("errors"));
  if (report.integer("not_repeatable") > 0)
    console.out << fmt::format("{} could not be taken again{}\n", report.integer("not_repeatable"),
                               because(report));
  for (const doc::Value& flip : report.list("flips")) print_flip(console, flip);
  std::string unused;
  for (const doc::Value& rule : report.list("rules")) {
    if (rule.integer("matched") == 0 && rule.integer("shadowed") == 0)
      unused += "  " + one_line(rule.text("rule")) + "\n";
  }
  if (!unused.empty()) console.out << "Rules that matched nothing\n" << unused;
}

int run_replay(Session& session, const ReplayWords& words) {
  const Attempt<doc::Value> body = replay_body(words);
  if (!body) return complain(session, body.error());
  const Attempt<doc::Value> answer =
      Remote(session.environment).post("/v1/policy/replay", *body, kReplayPatience);
  if (!answer) return complain(session, answer.error());
  const doc::Value* report = answer->find("replay");
  if (session.json) print_json(session.console, *answer);
  if (!answer->flag("ok") || report == nullptr) {
    if (!session.json) print_diagnostics(session.console, *answer);
    return code(Exit::kUsage);
  }
  if (!session.json) print_report(session.console, *report);
  const bool strict = report->integer("looser") == 0 && report->integer("other") == 0;
  return strict ? code(Exit::kOk) : code(Exit::kDenied);
}

struct DiffWords {
  std::string before, after;
};

Attempt<doc::Value> read_tree(const std::string& path) {
  const Attempt<std::string> text = read(path);
  if (!text) return std::unexpected(text.error());
  constexpr doc::ParseLimits kLimits{.bytes_max = 8 << 20, .values_max = 1'000'000};
  Result<doc::Value> tree = doc::parse_yaml(*text, path, kLimits);
  if (!tree) return usage(tree.error().where + ": " + tree.error().message);
  if (!tree->is_object()) return usage(path + " is no policy document");
  return std::move(*tree);
}

std::string shown(const std::optional<doc::Value>& value) {
  return value ? one_line(doc::write_json(*value)) : "(nothing)";
}

void print_difference(Console& console, const policy::Difference& difference) {
  using Kind = policy::Difference::Kind;
  const std::string name =
      one_line(difference.section + (difference.name.empty() ? "" : " " + difference.name));
  if (difference.kind != Kind::kChanged) {
    const bool added = difference.kind == Kind::kAdded;
    const policy::Difference::Field& whole = difference.fields.front();
    console.out << on_out(console, added ? Tone::kGood : Tone::kBad, added ? "+ " : "- ") << name
                << ": " << shown(added ? whole.after : whole.before) << '\n';
    return;
  }
  console.out << on_out(console, Tone::kWarn, "~ ") << name << '\n';
  for (const policy::Difference::Field& field : difference.fields) {
    console.out << "    " << (field.path.empty() ? "" : one_line(field.path) + ": ")
                << shown(field.before) << " -> " << shown(field.after) << '\n';
  }
}

int run_diff(Session& session, const DiffWords& words) {
  const Attempt<doc::Value> before = read_tree(words.before);
  if (!before) return complain(session, before.error());
  const Attempt<doc::Value> after = read_tree(words.after);
  if (!after) return complain(session, after.error());
  const std::vector<policy::Difference> found = policy::differences(*before, *after);
  if (session.json)
    print_json(session.console,
               doc::object({{"same", found.empty()}, {"differences", policy::to_value(found)}}));
  else
    for (const policy::Difference& one : found) print_difference(session.console, one);
  return found.empty() ? code(Exit::kOk) : code(Exit::kDenied);
}

}  // namespace

void add_policy_replay(CLI::App& policy, Session& session) {
  CLI::App* replay =
      leaf(policy, session, "replay", "Which recorded decisions a document would turn");
  const auto words = std::make_shared<ReplayWords>();
  replay->add_option("NEW", words->proposed, "The document")->required();
  CLI::Option* old = replay->add_option("--old", words->old,
                                        "Compare with this document, not with what was recorded");
  replay
      ->add_option("--against", words->against,
                   "recorded (default), or active: the policy in force")
      ->check(CLI::IsMember({"recorded", "active"}))
      ->excludes(old);
  replay->add_option("--since", words->since, "A time, or how long ago: 7d");
  replay->add_option("--limit", words->limit, "The newest N decisions")
      ->check(CLI::Range(1, 10'000'000));
  replay->add_option("--examples", words->examples, "Of every kind")->check(CLI::Range(0, 100));
  replay->footer(
      "Exit codes: 0 every decision is the same or stricter, 1 some are looser or neither, 2 a "
      "document has mistakes.");
  replay->callback([&session, words] { session.exit = run_replay(session, *words); });

  CLI::App* diff = leaf(policy, session, "diff", "What two documents say differently");
  const auto pair = std::make_shared<DiffWords>();
  diff->add_option("OLD", pair->before, "A document")->required();
  diff->add_option("NEW", pair->after, "Another")->required();
  diff->footer("Exit codes: 0 no difference, 1 some, 2 a file cannot be read.");
  diff->callback([&session, pair] { session.exit = run_diff(session, *pair); });
}

}  // namespace keyturn::cli
