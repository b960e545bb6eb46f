#include <algorithm>

#include "report/evidence.h"
#include "report/population.h"

namespace keyturn::report {
namespace {

constexpr std::size_t kBarsMax = 12, kIndexesShown = 12, kSampleDetailsMax = 60;

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

// "2026-11-21 12:04:04.706": in a narrow column it breaks between date and time.
std::string stamp(Time time) {
  std::string out = to_rfc3339(time);
  out[10] = ' ';
  out.pop_back();
  return out;
}

std::string time_text(const std::optional<Time>& time) {
  return time ? to_rfc3339(*time) : std::string("–");
}

std::string between(const std::optional<Time>& from, const std::optional<Time>& to) {
  if (!from || !to) return "–";
  return text_of_ms(std::chrono::duration_cast<std::chrono::milliseconds>(*to - *from).count());
}

Counts first_of(const Counts& counts, std::size_t most) {
  if (counts.size() <= most) return counts;
  Counts out(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(most));
  std::uint64_t rest = 0;
  for (std::size_t i = most; i < counts.size(); ++i) rest += counts[i].second;
  out.emplace_back("(" + number(counts.size() - most) + " others)", rest);
  return out;
}

// "identity." matches all that begin so; a whole name only itself.
bool matches(std::string_view wanted, std::string_view type) {
  const bool prefix = wanted.ends_with('.') || wanted.ends_with('_');
  return prefix ? type.starts_with(wanted) : type == wanted;
}

std::string resource_of(const Action& a) {
  std::string out = a.kind + " " + a.name;
  if (!a.env.empty()) out += " (" + a.env + ")";
  if (!a.sensitivity.empty()) out += ", " + a.sensitivity;
  return out;
}

class Composer {
 public:
  Composer(const EvidenceInput& input, const Story& story, const Figures& figures,
           const std::set<std::string>& sample, std::size_t rows_max)
      : in_(input), story_(story), f_(figures), sample_(sample), rows_max_(rows_max) {}

  Document compose(const std::string& seed, const std::vector<const Control*>& controls) {
    out_.title = "Evidence of agent actions";
    out_.subtitle = in_.asked + " · log " + in_.origin + " · entries " + number(story_.from) +
                    " to " + number(story_.to) + " (the last not included)";
    out_.footer = in_.origin + " · root " + in_.root.substr(0, 16) + "… at " + number(in_.size) +
                  " · made " + in_.made_at.substr(0, 16) + "Z";
    out_.made_at = in_.made_at;
    summary(seed);
    figures();
    control_map(controls);
    sample_details(seed);
    population();
    types();
    policies();
    others();
    verifying();
    return std::move(out_);
  }

 private:
  void add(Block block) { out_.blocks.push_back(std::move(block)); }
  void chapter(std::string id, std::string text) {
    add(Heading{1, std::move(id), std::move(text)});
  }
  void section(std::string id, std::string text) {
    add(Heading{2, std::move(id), std::move(text)});
  }
  void say(std::string text) { add(Paragraph{std::move(text)}); }
  void facts(const std::vector<std::pair<std::string, std::string>>& pairs) {
    Table table{.widths = {1, 2.6}};
    for (const auto& [name, value] : pairs) table.rows.push_back({{{name}, {value}}});
    add(std::move(table));
  }
  void summary(const std::string& seed);
  void figures();
  void time_to_decision();
  void control_map(const std::vector<const Control*>& controls);
  void sample_details(const std::string& seed);
  void detail(const Action& action);
  void population();
  void types();
  void policies();
  void others();
  void verifying();

  const EvidenceInput& in_;
  const Story& story_;
  const Figures& f_;
  const std::set<std::string>& sample_;
  const std::size_t rows_max_;
  Document out_;
};

void Composer::summary(const std::string& seed) {
  chapter("summary", "Summary");
  say("This report is drawn from a range of entries of a signed, append-only log. The bundle that "
      "it is part of proves, offline and "
      "without trusting who made it, that these are all entries of the range and that none was "
      "changed: run keyturn verify on the "
      "bundle, or the script verify.py in it, with the log's key from a source of your own.");
  std::string cosigners = in_.cosigners.empty() ? "none" : joined(in_.cosigners, ", ");
  facts(
      {{"Log", in_.origin},
       {"Asked for", in_.asked},
       {"Entries", number(story_.from) + " to " + number(story_.to) +
                       " (the last not included): " + number(f_.entries)},
       {"First entry", time_text(story_.first)},
       {"Last entry", time_text(story_.last)},
       {"Checkpoint", "size " + number(in_.size) + ", root " + in_.root},
       {"Witnesses that cosigned", cosigners},
       {"Population", number(f_.actions) + " actions requested in this period (actions.csv)"},
       {"Begun before, still moving", number(f_.carried) + " actions"},
       {"Sample", number(sample_.size()) + " actions, seed " + seed},
       {"Private parts shown",
        number(in_.revealed) + (in_.erased > 0 ? ", and " + number(in_.erased) + " ERASED" : "")}});
  say("The population is complete because the range is: each action's first entry (action.decided "
      "at position 1 of its stream) within "
      "the range is one row of actions.csv. verify.py and keyturn verify count them again.");
}

void Composer::figures() {
  chapter("figures", "Figures of the period");
  Table table{.widths = {3, 1}, .head = {"Figure", "Count"}, .right = {false, true}};
  const auto row = [&](const char* name, std::uint64_t value) {
    table.rows.push_back({{{name}, {number(value)}}});
  };
  row("Entries", f_.entries);
  row("Actions requested (the population)", f_.actions);
  row("Executions started", f_.executions);
  row("Executions of actions that policy asked people about", f_.required_executions);
  row("Executions of these without an approved review (must be 0)", f_.unapproved_executions);
  row("Reviews that people decided", f_.reviews);
  row("Reviews approved", f_.approved);
  row("Reviews denied", f_.denied_by_people);
  row("Votes that stand", f_.votes);
  row("Votes with a passkey's signature over the case", f_.assertions);
  row("Approvals by somebody of the action's lineage (must be 0)", f_.votes_of_lineage);
  add(std::move(table));
  add(Plot{Plot::Kind::kColumns, "Actions requested, by day (UTC)", "day", f_.days});
  add(Plot{Plot::Kind::kBars, "First verdicts of policy", "", f_.effects});
  add(Plot{Plot::Kind::kBars, "What became of them by the end of the period", "", f_.outcomes});
  time_to_decision();
  const auto bars = [&](const char* title, const Counts& counts) {
    if (!counts.empty()) add(Plot{Plot::Kind::kBars, title, "", first_of(counts, kBarsMax)});
  };
  bars("Rules that matched", f_.rules);
  if (f_.exceptions.empty())
    say("No exceptions (waivers, standing approvals) applied to any verdict of this period.");
  bars("Exceptions that applied, by rule", f_.exceptions);
  bars("Tools", f_.tools);
  bars("Agents", f_.agents);
  bars("Models, as the agents claim (nothing proves a claim)", f_.models);
  bars("Votes that stand, by reviewer", f_.reviewers);
}

void Composer::time_to_decision() {
  section("time-to-decision", "Time to decision");
  if (f_.reviews == 0) {
    say("No review was decided by people in this period.");
    return;
  }
  facts({{"Half of the reviews were decided within (p50)", text_of_ms(*f_.decision_p50_ms)},
         {"95% were decided within (p95)", text_of_ms(*f_.decision_p95_ms)},
         {"The slowest took", text_of_ms(*f_.decision_max_ms)}});
  add(Plot{Plot::Kind::kColumns, "Reviews by the time from opening to decision", "time to decision",
           f_.decision_histogram});
}

void Composer::control_map(const std::vector<const Control*>& controls) {
  chapter("controls", "Controls");
  say("Which entries and figures of this period bear on which control. That they bear on it is not "
      "a finding that it is effective: that "
      "judgement is the auditor's.");
  for (const Control* control : controls) {
    section("control-" + std::string(control->id), std::string(control->family) + " " +
                                                       std::string(control->id) + ": " +
                                                       std::string(control->title));
    say(std::string(control->says));
    Table table{.widths = {3, 1}, .head = {"Entries and figures", "Count"}, .right = {false, true}};
    for (const auto& [name, value] : figures_for(*control, story_, f_))
      table.rows.push_back({{{name}, {value}}});
    for (const auto& [type, indexes] : story_.by_type) {
      const bool bears = std::ranges::any_of(
          control->types, [&](std::string_view wanted) { return matches(wanted, type); });
      if (bears)
        table.rows.push_back(
            {{{"entries of type " + type, "type-" + type}, {number(indexes.size())}}});
    }
    if (table.rows.empty())
      say("Nothing of this period bears on it.");
    else
      add(std::move(table));
  }
}

void Composer::sample_details(const std::string& seed) {
  chapter("sample", "Sample");
  say("Drawn by anybody in the same way: of all actions of the population, those whose SHA-256 of "
      "\"SEED:ACTION\" is least. Seed: " +
      seed + ". Who wants another sample gives another --seed.");
  std::size_t shown = 0;
  for (const Action& action : story_.actions) {
    if (!sample_.contains(action.id)) continue;
    if (shown++ == kSampleDetailsMax) {
      say("The other " + number(sample_.size() - kSampleDetailsMax) +
          " are marked in actions.csv.");
      return;
    }
    detail(action);
  }
}

void Composer::detail(const Action& a) {
  section("a-" + a.id, a.tool + " · " + a.state + " · " + a.id);
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"Who asked",
       a.agent + ", owned by " + a.owner + ", over " + a.channel + ", credential " + a.credential},
      {"Model", a.model.empty() ? "none claimed" : a.model + " (the agent's claim)"},
      {"On whose behalf",
       a.on_behalf_of.empty() ? "none claimed" : a.on_behalf_of + " (the agent's claim)"},
      {"What", a.operation + " of " + resource_of(a) + ", by " + a.tool + ", mode " + a.mode},
      {"Verdict", a.effect + ", by " + (a.rules.empty() ? a.decided_by : joined(a.rules, ", ")) +
                      ", policy " + a.policy},
      {"Case", a.digest}};
  if (!a.exceptions.empty()) pairs.emplace_back("Exceptions", joined(a.exceptions, "; "));
  const std::string approvers = approvers_of(a);
  pairs.emplace_back("Who approved",
                     approvers.empty() ? "nobody (not asked, or not approved)" : approvers);
  std::string outcome = a.outcome.empty() ? a.state : a.outcome;
  if (a.exit_code) outcome += ", exit code " + std::to_string(*a.exit_code);
  if (a.rows) outcome += ", " + std::to_string(*a.rows) + " rows";
  if (a.bytes) outcome += ", " + std::to_string(*a.bytes) + " bytes of output";
  pairs.emplace_back("Outcome", outcome);
  pairs.emplace_back("How long", "to the verdict " + between(a.requested, a.decided) + ", review " +
                                     between(a.opened, a.closed) + ", execution " +
                                     (a.duration_ms ? text_of_ms(*a.duration_ms)
                                                    : between(a.started, a.finished)));
  facts(pairs);
  Table steps{.widths = {1, 3.4, 3, 4.4, 1.6},
              .head = {"Entry", "Time (UTC)", "Type", "Says", "After"},
              .right = {true, false, false, false, true}};
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    const Step& step = a.steps[i];
    steps.rows.push_back({{{number(step.index)},
                           {stamp(step.at)},
                           {step.type},
                           {step.says},
                           {i == 0 ? std::string("–") : between(a.steps[i - 1].at, step.at)}}});
  }
  add(std::move(steps));
}

void Composer::population() {
  chapter("population", "Population");
  const std::size_t shown = std::min(rows_max_, story_.actions.size());
  say("All " + number(story_.actions.size()) +
      " actions of the period are in actions.csv, with every column. " +
      (shown < story_.actions.size() ? "The first " + number(shown) + " are here."
                                     : "They are here too."));
  if (shown == 0) return;
  Table table{.widths = {1.45, 2.5, 1.9, 2.2, 2.5, 1.85, 2.4, 2.9, 1.95},
              .head = {"Entry", "Requested (UTC)", "Agent", "Tool", "Resource", "Verdict", "State",
                       "Approved by", "Sample"},
              .right = {true}};
  for (std::size_t i = 0; i < shown; ++i) {
    const Action& a = story_.actions[i];
    const bool sampled = sample_.contains(a.id);
    table.rows.push_back({{{number(a.index)},
                           {stamp(a.requested).substr(0, 19)},
                           {a.agent},
                           {a.tool},
                           {resource_of(a)},
                           {a.effect},
                           {a.state},
                           {approvers_of(a)},
                           {sampled ? "yes" : "", sampled ? "a-" + a.id : ""}},
                          "e-" + number(a.index)});
  }
  add(std::move(table));
}

void Composer::types() {
  chapter("types", "Entries by type");
  Table table{
      .widths = {3, 1, 6}, .head = {"Type", "Count", "Entries"}, .right = {false, true, false}};
  for (const auto& [type, indexes] : story_.by_type) {
    std::string list;
    for (std::size_t i = 0; i < std::min(indexes.size(), kIndexesShown); ++i)
      list += (i == 0 ? "" : ", ") + number(indexes[i]);
    if (indexes.size() > kIndexesShown)
      list += ", … " + number(indexes.size() - kIndexesShown) + " more in bundle.json";
    table.rows.push_back(
        {{{type.empty() ? "(not a leaf of Keyturn)" : type}, {number(indexes.size())}, {list}},
         "type-" + type});
  }
  add(std::move(table));
}

void Composer::policies() {
  chapter("policies", "Policy versions");
  say("Each decision names the digest of the document that it was taken by. A document in policy/ "
      "is bound to the log by that digest: "
      "SHA-256 of its RFC 8785 form is the name of the file, and entries name it.");
  if (story_.policies.empty()) return;
  Table table{.widths = {5, 2, 1.5, 1.7, 1.7, 1.8},
              .head = {"Digest", "Name", "Revision", "Activated by entry", "Decisions", "Document"},
              .right = {false, false, true, true, true, false}};
  for (const PolicyVersion& version : story_.policies) {
    const bool there = std::ranges::any_of(in_.policies, [&](const PolicyText& text) {
      return version.digest == "sha256:" + text.digest;
    });
    table.rows.push_back({{{version.digest, "", true},
                           {version.name},
                           {version.revision},
                           {version.activated ? number(*version.activated) : "before"},
                           {number(version.decisions)},
                           {there ? "in policy/" : "not shown"}}});
  }
  add(std::move(table));
}

void Composer::others() {
  chapter("others", "People, credentials, configuration");
  const std::size_t shown = std::min(rows_max_, story_.notable.size());
  say(number(story_.notable.size()) + " entries are of no action." +
      (shown < story_.notable.size()
           ? " The first " + number(shown) + " are here; all are in bundle.json."
           : ""));
  if (shown == 0) return;
  Table table{.widths = {1, 3.7, 3.4, 4.3, 1.2},
              .head = {"Entry", "Time (UTC)", "Type", "Of", "By"},
              .right = {true}};
  for (std::size_t i = 0; i < shown; ++i) {
    const Notable& n = story_.notable[i];
    table.rows.push_back({{{number(n.index)}, {stamp(n.at)}, {n.type}, {n.stream}, {n.by}}});
  }
  add(std::move(table));
}

void Composer::verifying() {
  chapter("verifying", "How to verify, and what is not proven");
  say("keyturn verify BUNDLE --key KEY or python3 verify.py --key KEY, with no network. KEY is the "
      "log's verifier key (NAME+HASH+KEY), from "
      "the auditor's own file or another source that is trusted, never from this bundle. Both "
      "check the checkpoint's signature, that the "
      "entries hash to its root with nothing left out of the range, that each continues its "
      "stream, that shown private parts are what "
      "entries committed to, that actions.csv lists the population, and that the files are those "
      "of "
      "manifest.json. keyturn verify makes every file again from the entries, this report too; "
      "what "
      "cannot be made again alike, and what verify.py leaves out, they name as not checked.");
  say("Not proven by any of this: that what an entry says was true, that every action passed "
      "through Keyturn, or that a person "
      "understood what they approved. Texts that come from an agent (model, on whose behalf, "
      "session, reason) are claims.");
}

}  // namespace

Document compose(const EvidenceInput& input, const Story& story, const Figures& figures,
                 const std::set<std::string>& sample, const std::string& seed,
                 const std::vector<const Control*>& controls, std::size_t rows_max) {
  return Composer(input, story, figures, sample, rows_max).compose(seed, controls);
}

}  // namespace keyturn::report
