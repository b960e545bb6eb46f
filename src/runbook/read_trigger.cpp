// What starts a runbook: schedules and webhooks.
#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/bytes.h"
#include "catalog/schema.h"
#include "runbook/reader.h"
#include "zone/zone.h"

namespace keyturn::runbook {
namespace {

using doc::ObjectReader;

constexpr std::array<std::pair<std::string_view, HookKind>, 4> kKinds{
    {{"alertmanager", HookKind::kAlertmanager},
     {"pagerduty", HookKind::kPagerDuty},
     {"github", HookKind::kGitHub},
     {"generic", HookKind::kGeneric}}};

// Whether nothing in it is an expression.
bool is_literal(const doc::Value& value) {
  if (value.is_string()) return !value.as_string().contains("{{");
  if (value.is_array()) return std::ranges::all_of(value.as_array(), is_literal);
  if (!value.is_object()) return true;
  return std::ranges::all_of(value.as_object(), is_literal, &doc::Member::value);
}

class TriggerReader {
 public:
  TriggerReader(const Beside& beside, doc::Problems& problems)
      : beside_(beside), problems_(problems) {}

  std::optional<Trigger> read(const doc::Value& value, const std::string& pointer);

 private:
  void read_schedule(ObjectReader& in, Trigger& trigger);
  void read_hook(ObjectReader& in, Trigger& trigger);
  void read_secret(ObjectReader& in, Hook& hook);
  void check_inputs(ObjectReader& in, const doc::Value& inputs);

  Beside beside_;
  doc::Problems& problems_;
  Expressions expressions_{Expressions::Of::kTriggers};
};

void TriggerReader::read_schedule(ObjectReader& in, Trigger& trigger) {
  const auto text = in.string("schedule");
  if (!text) return;
  const std::string name = in.string("time_zone").value_or("UTC");
  const std::string missed = in.string("missed").value_or("skip");
  if (missed != "skip" && missed != "once")
    in.problem("unknown_choice",
               "missed is skip (what was due while nothing ran is left out) or once (one run for "
               "all of it)",
               "missed");
  const std::optional<zone::Zone> there = zone::Zone::open(name);
  if (!there)
    in.problem("unknown_zone", "\"" + name + "\" is no time zone, such as Europe/Berlin",
               "time_zone");
  Result<zone::Cron> cron = zone::Cron::parse(*text);
  if (!cron) {
    in.problem(cron.error().code, cron.error().message, "schedule");
    return;
  }
  // From a fixed time, so that a document loads or not whenever it is read.
  if (there && !cron->next(*there, Time{}))
    in.problem("invalid_schedule", "it is never due", "schedule");
  trigger.schedule = Schedule{std::move(*cron), *text, name, missed == "once"};
}

void TriggerReader::read_secret(ObjectReader& in, Hook& hook) {
  const doc::Value* secret = in.any("secret");
  if (secret == nullptr) {
    in.problem("missing_field",
               "needs secret: {secret: env:NAME}: what the sender proves itself with");
    return;
  }
  Result<secrets::SecretReference> reference =
      secrets::parse_reference(*secret, in.pointer_to("secret"));
  if (reference)
    hook.secret = std::move(*reference);
  else
    in.problem(reference.error().code, reference.error().message, "secret");
}

void TriggerReader::read_hook(ObjectReader& in, Trigger& trigger) {
  const auto name = in.string("webhook");
  if (!name) return;
  Hook hook{.name = *name};
  if (!is_hook_name(*name))
    in.problem("invalid_name",
               "\"" + *name +
                   "\" is no name of a webhook: letters, digits, \"_\" and \"-\", at most " +
                   std::to_string(kHookNameMax),
               "webhook");
  const std::string kind = in.require_string("kind");
  const auto known = std::ranges::find(kKinds, kind, &decltype(kKinds)::value_type::first);
  if (known != kKinds.end())
    hook.kind = known->second;
  else if (!kind.empty())
    in.problem("unknown_choice", "kind is alertmanager, pagerduty, github or generic", "kind");
  read_secret(in, hook);
  hook.user = in.string("user").value_or("");
  if (in.value().find("user") != nullptr && hook.kind != HookKind::kAlertmanager)
    in.problem("without_effect", "user is for kind: alertmanager (HTTP Basic); remove it", "user");
  if (const doc::Value* when = in.any("when"))
    hook.when = expressions_.compile(*when, in.pointer_to("when"), cel::Type::boolean(), problems_);
  trigger.hook = std::move(hook);
}

// What the runbook has no input for is told here, and not when it is due.
void TriggerReader::check_inputs(ObjectReader& in, const doc::Value& inputs) {
  if (beside_.inputs == nullptr) return;
  const std::vector<catalog::Param>& params = *beside_.inputs;
  for (const doc::Member& input : inputs.as_object()) {
    const auto param = std::ranges::find(params, input.key, &catalog::Param::name);
    if (param == params.end()) {
      in.problem("unknown_param", "the runbook has no input \"" + input.key + "\"", "inputs");
      continue;
    }
    if (!param->checked || !is_literal(input.value)) continue;
    const std::string place = in.pointer_to("inputs") + "/" + doc::pointer_escape(input.key);
    const Result<void> fits = catalog::check_value(*param->checked, input.value, place);
    if (!fits)
      problems_.push_back({fits.error().code,
                           "the input \"" + input.key + "\": " + fits.error().message,
                           fits.error().where, input.value.position()});
  }
  for (const catalog::Param& param : params) {
    if (param.required && inputs.find(param.name) == nullptr)
      in.problem("missing_param", "the runbook needs the input \"" + param.name + "\"", "inputs");
  }
}

std::optional<Trigger> TriggerReader::read(const doc::Value& value, const std::string& pointer) {
  ObjectReader in(value, pointer, problems_);
  if (!value.is_object()) return std::nullopt;
  Trigger out;
  if ((value.find("schedule") != nullptr) == (value.find("webhook") != nullptr))
    in.problem("missing_field", "a trigger says one of schedule and webhook");
  read_schedule(in, out);
  read_hook(in, out);
  out.agent = in.string("as").value_or("");
  if (value.find("as") == nullptr)
    in.problem("missing_field", "needs as: AGENT, in whose name the run is asked for");
  else if (beside_.known.agents != nullptr && !beside_.known.agents->contains(out.agent))
    problems_.push_back(
        {"unknown_agent",
         "there is no agent " + out.agent + " yet: until `keyturn agent add` this starts nothing",
         in.pointer_to("as"), value.find("as")->position(), true});
  const doc::Value* inputs = in.object("inputs");
  const doc::Value none = doc::Object{};
  out.inputs = expressions_.compile_template(inputs == nullptr ? none : *inputs,
                                             in.pointer_to("inputs"), problems_);
  check_inputs(in, inputs == nullptr ? none : *inputs);
  in.finish();
  return out;
}

}  // namespace

std::string_view to_text(HookKind kind) {
  for (const auto& [text, known] : kKinds) {
    if (known == kind) return text;
  }
  return "";
}

bool is_hook_name(std::string_view name) {
  return !name.empty() && name.size() <= kHookNameMax && is_letter(name.front()) &&
         std::ranges::all_of(name,
                             [&](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
}

std::vector<Trigger> read_triggers(const doc::Value& triggers, const std::string& pointer,
                                   const Beside& beside, doc::Problems& problems) {
  std::vector<Trigger> out;
  TriggerReader reader(beside, problems);
  const doc::Array& all = triggers.as_array();
  if (all.size() > kTriggersMax)
    problems.push_back({"too_many",
                        "a runbook has at most " + std::to_string(kTriggersMax) + " triggers",
                        pointer, triggers.position()});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string place = pointer + "/" + std::to_string(i);
    std::optional<Trigger> one = reader.read(all[i], place);
    if (!one) continue;
    const auto same = [&](const Trigger& other) {
      return one->schedule && other.schedule && one->schedule->text == other.schedule->text &&
             one->schedule->time_zone == other.schedule->time_zone;
    };
    if (std::ranges::any_of(out, same))
      problems.push_back({"duplicate_name", "this runbook has the same schedule already", place,
                          all[i].position()});
    out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace keyturn::runbook
