#include "policy/document.h"

#include <algorithm>
#include <span>

#include "crypto/crypto.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "policy/reader.h"
#include "policy/tests.h"
#include "policy/types.h"

namespace keyturn::policy {
namespace {

using doc::ObjectReader;

constexpr std::size_t kRulesMax = 20'000;
constexpr doc::ParseLimits kLimits{.bytes_max = 8 << 20, .values_max = 1'000'000};

void expect_text(ObjectReader& in, std::string_view key, std::string_view wanted) {
  const auto text = in.string(key);
  if (text == wanted) return;
  if (!text && in.value().find(key) != nullptr) return;
  in.problem(text ? "unknown_version" : "missing_field",
             std::string(key) + " must be " + std::string(wanted), text ? key : std::string_view{});
}

class Loader {
 public:
  Loader(const doc::Value& tree, std::string_view text, const LoadOptions& options,
         doc::Problems& problems)
      : rep_(std::make_unique<Document::Rep>()),
        in_(tree, "", problems),
        text_(text),
        options_(options),
        problems_(problems) {}

  std::unique_ptr<Document::Rep> read() {
    rep_->text = text_;
    read_head();
    read_defaults();
    if (const doc::Value* calendar = in_.object("calendar")) {
      rep_->calendar = Calendar::load(*calendar, in_.pointer_to("calendar"), problems_);
    }
    if (const doc::Value* emergencies = in_.object("emergencies")) {
      rep_->emergencies = read_emergencies(*emergencies, in_.pointer_to("emergencies"), problems_);
      rep_->emergencies_at = emergencies->position();
    }
    rep_->environment = base_environment(rep_->calendar);
    for (const catalog::Tool& tool : tools()) {
      rep_->argument_types.emplace(tool.name, arguments_type(tool));
    }
    Compiler compiler(*rep_, text_, options_.tools, problems_);
    read_conditions(compiler);
    read_rules(compiler);
    if (const doc::Value* standing = in_.array("standing"))
      rep_->standing = read_standing(*standing, in_.pointer_to("standing"), compiler, problems_);
    read_tests();
    in_.finish();
    check_document(*rep_, compiler, options_, problems_);
    read_digest();
    return std::move(rep_);
  }

 private:
  std::span<const catalog::Tool> tools() const {
    if (options_.tools == nullptr) return {};
    return options_.tools->tools();
  }
  void read_head();
  void read_defaults();
  void read_conditions(Compiler& compiler);
  void read_rules(Compiler& compiler);
  void read_tests();
  void read_digest();

  std::unique_ptr<Document::Rep> rep_;
  ObjectReader in_;
  std::string_view text_;
  const LoadOptions& options_;
  doc::Problems& problems_;
};

void Loader::read_head() {
  expect_text(in_, "apiVersion", "keyturn/v1");
  expect_text(in_, "kind", "Policy");
  if (const doc::Value* metadata = in_.object("metadata")) {
    ObjectReader in(*metadata, in_.pointer_to("metadata"), problems_);
    rep_->name = in.require_string("name");
    rep_->revision = in.integer("revision", 0, INT64_MAX).value_or(0);
    (void)in.string("description");
    in.finish();
  } else if (in_.value().find("metadata") == nullptr) {
    in_.problem("missing_field", "needs metadata: {name: …, revision: 1}");
  }
  const std::string mode = in_.string("mode").value_or("enforce");
  if (mode != "enforce" && mode != "observe") {
    in_.problem("unknown_choice", "mode is enforce or observe", "mode");
  }
  rep_->observe = mode == "observe";
}

void Loader::read_defaults() {
  const doc::Value* defaults = in_.object("defaults");
  if (defaults == nullptr) return;
  ObjectReader in(*defaults, in_.pointer_to("defaults"), problems_);
  const std::string effect = in.string("effect").value_or("deny");
  if (effect == "allow") {
    rep_->fallback = Effect::kAllow;
    problems_.push_back({"allows_by_default",
                         "defaults.effect: allow lets through what no rule knows of",
                         in.pointer_to("effect"), defaults->find("effect")->position(), true});
  } else if (effect != "deny") {
    in.problem("unknown_choice", "effect of defaults is deny or allow", "effect");
  }
  if (in.string("onError").value_or("deny") != "deny") {
    in.problem("unknown_choice", "onError is deny: an error is never an approval", "onError");
  }
  if (const auto limit = in.integer("costLimit", 100, kCostLimitMax)) {
    rep_->cost_limit = static_cast<std::uint64_t>(*limit);
  }
  in.finish();
}

void Loader::read_conditions(Compiler& compiler) {
  static const doc::Value kNone = doc::Object{};
  const doc::Value* variables = in_.object("variables");
  compiler.variables(variables != nullptr ? *variables : kNone, in_.pointer_to("variables"));
  if (const doc::Value* risk = in_.array("risk")) {
    rep_->risk = read_risk_terms(*risk, in_.pointer_to("risk"), compiler, problems_);
  }
}

void Loader::read_rules(Compiler& compiler) {
  const doc::Value* rules = in_.array("rules");
  if (rules == nullptr) {
    if (in_.value().find("rules") == nullptr)
      in_.problem("missing_field", "needs rules: [{id: …}]");
    return;
  }
  if (rules->as_array().size() > kRulesMax) {
    in_.problem("too_large", "more than " + std::to_string(kRulesMax) + " rules", "rules");
    return;
  }
  std::set<std::string, std::less<>> ids;
  for (std::size_t i = 0; i < rules->as_array().size(); ++i) {
    const std::string pointer = in_.pointer_to("rules") + "/" + std::to_string(i);
    auto rule = read_rule(rules->as_array()[i], pointer, compiler, options_.tools, problems_);
    if (!rule) continue;
    if (!ids.insert(rule->id).second) {
      problems_.push_back(
          {"duplicate_name",
           "rule \"" + rule->id + "\" is defined twice; give one of them another id", pointer,
           rule->at});
    }
    rep_->index.add(static_cast<std::uint32_t>(rep_->rules.size()), rule->match);
    rep_->rules.push_back(std::move(*rule));
  }
}

void Loader::read_tests() {
  const doc::Value* tests = in_.array("tests");
  if (tests == nullptr) return;
  for (std::size_t i = 0; i < tests->as_array().size(); ++i) {
    const std::string pointer = in_.pointer_to("tests") + "/" + std::to_string(i);
    rep_->tests.push_back(read_test(tests->as_array()[i], pointer, problems_));
  }
}

void Loader::read_digest() {
  const auto canonical = doc::canonical(in_.value());
  if (canonical) {
    rep_->digest = crypto::sha256_text(*canonical);
  } else {
    problems_.push_back(
        {canonical.error().code, canonical.error().message, canonical.error().where, {}});
  }
}

void add_test_failures(const Document& document, const LoadOptions& options,
                       doc::Problems& problems) {
  // Groups may still be empty before the seal: that is warned about, and no failure of a test.
  const Roster* roster = options.sealed ? options.roster : nullptr;
  const std::vector<TestResult> results = run_tests(document, roster, options.go_on);
  if (const auto& tests = document.rep().tests; results.size() < tests.size()) {
    problems.push_back(
        {"tests_take_too_long",
         "the document's tests take too long: after " + std::to_string(results.size()) + " of " +
             std::to_string(tests.size()) +
             " the time was up; make conditions cheaper, lower costLimit, or run them "
             "with keyturn policy test",
         "", tests[results.size()].at});
  }
  for (const TestResult& result : results) {
    if (result.passed) continue;
    problems.push_back(
        {"test_failed", "test \"" + result.name + "\": " + result.message, "", result.position});
  }
}

}  // namespace

std::optional<Document> Document::load(std::string_view text, const LoadOptions& options,
                                       doc::Problems& problems) {
  const auto tree = doc::parse_yaml(text, kLimits, problems);
  if (!tree) return std::nullopt;
  doc::Problems found;
  std::optional<Document> document;
  if (auto rep = Loader(*tree, text, options, found).read(); !doc::has_errors(found)) {
    document = Document(std::move(rep));
    if (options.run_tests) add_test_failures(*document, options, found);
  }
  std::ranges::sort(found, {}, [](const doc::Problem& p) {
    return std::pair(p.position.line, p.position.column);
  });
  problems.insert(problems.end(), found.begin(), found.end());
  if (doc::has_errors(found)) return std::nullopt;
  return document;
}

Document::Document(std::unique_ptr<const Rep> rep) : rep_(std::move(rep)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

const std::string& Document::name() const {
  return rep_->name;
}
std::int64_t Document::revision() const {
  return rep_->revision;
}
const std::string& Document::digest() const {
  return rep_->digest;
}
const std::string& Document::text() const {
  return rep_->text;
}
bool Document::observe() const {
  return rep_->observe;
}
std::size_t Document::rule_count() const {
  return rep_->rules.size();
}

std::vector<std::string> Document::rule_ids() const {
  std::vector<std::string> ids;
  for (const Rule& rule : rep_->rules) ids.push_back(rule.id);
  return ids;
}

std::set<std::string> Document::groups() const {
  std::set<std::string> out;
  const auto add = [&](const Plan& plan) {
    out.merge(groups_of(plan));
    out.insert(plan.veto_groups.begin(), plan.veto_groups.end());
    if (!plan.escalate_to.empty()) out.insert(plan.escalate_to);
  };
  for (const Rule& rule : rep_->rules) {
    add(rule.plan);
    for (const Tier& tier : rule.tiers) add(tier.plan);
  }
  out.merge(groups_of(rep_->emergencies));
  return out;
}

const EmergencyRules& Document::emergencies() const {
  return rep_->emergencies;
}

}  // namespace keyturn::policy
