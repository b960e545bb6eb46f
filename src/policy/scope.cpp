#include "policy/scope.h"

#include <array>

#include "cel/convert.h"

namespace keyturn::policy {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::int64_t kRiskMax = 100;

cel::Value text(const std::string& s) {
  return cel::Value::borrowed(s);
}

cel::Value texts(const std::vector<std::string>& list) {
  std::vector<cel::Value> items;
  items.reserve(list.size());
  for (const std::string& item : list) items.push_back(text(item));
  return cel::Value::list(std::move(items));
}

cel::Value labels_map(const std::map<std::string, std::string>& labels) {
  std::vector<cel::MapEntry> entries;
  entries.reserve(labels.size());
  for (const auto& [key, value] : labels) entries.push_back({text(key), text(value)});
  return cel::Value::map(std::move(entries));
}

}  // namespace

class Scope::Root final : public cel::Resolver {
 public:
  using Read = cel::Value (*)(Scope&, std::string_view);
  void set(Scope& scope, Read read) {
    scope_ = &scope;
    read_ = read;
  }
  cel::Value resolve(std::string_view name) override { return read_(*scope_, name); }

 private:
  Scope* scope_ = nullptr;
  Read read_ = nullptr;
};

Scope::Scope(const Document::Rep& document, const PolicyInput& input)
    : document_(document), input_(input), activation_(document.environment) {
  struct Named {
    std::string_view name;
    Root::Read read;
  };
  static constexpr std::array<Named, 10> kRoots{{
      {"action", [](Scope& s, std::string_view n) { return s.action(n); }},
      {"resource", [](Scope& s, std::string_view n) { return s.resource(n); }},
      {"actor", [](Scope& s, std::string_view n) { return s.actor(n); }},
      {"request", [](Scope& s, std::string_view n) { return s.request(n); }},
      {"facts", [](Scope& s, std::string_view n) { return s.facts(n); }},
      {"risk", [](Scope& s, std::string_view n) { return s.risk_field(n); }},
      {"history", [](Scope& s, std::string_view n) { return s.history(n); }},
      {"calendar", [](Scope& s, std::string_view n) { return s.calendar_field(n); }},
      {"claims", [](Scope& s, std::string_view n) { return s.claims(n); }},
      {"variables", [](Scope& s, std::string_view n) { return s.variable(n); }},
  }};
  roots_ = std::make_unique<Root[]>(kRoots.size());
  for (std::size_t i = 0; i < kRoots.size(); ++i) {
    roots_[i].set(*this, kRoots[i].read);
    activation_.set(kRoots[i].name, roots_[i]);
  }
}

Scope::~Scope() = default;

cel::Value Scope::evaluate(const Condition& condition) const {
  return condition.program.evaluate(activation_, nullptr, document_.cost_limit);
}

cel::Value Scope::get(std::string_view path) const {
  return activation_.get(path);
}

cel::Value Scope::action(std::string_view name) const {
  if (name == "tool") return text(input_.tool);
  if (name == "operation") return text(input_.operation);
  if (name == "reason") return text(input_.reason);
  if (name != "args") return cel::Value::no_such_key(name);
  const auto typed = document_.argument_types.find(input_.tool);
  if (typed == document_.argument_types.end()) {
    return cel::from_doc(input_.args, cel::Strings::kBorrow);
  }
  return cel::from_doc(input_.args, typed->second, cel::Strings::kBorrow);
}

cel::Value Scope::resource(std::string_view name) const {
  if (name == "kind") return text(input_.resource.kind);
  if (name == "name") return text(input_.resource.name);
  if (name == "env") return text(input_.resource.env);
  if (name == "labels") return labels_map(input_.resource.labels);
  return cel::Value::no_such_key(name);
}

cel::Value Scope::actor(std::string_view name) const {
  if (name == "id") return text(input_.actor.id);
  if (name == "owner") return text(input_.actor.owner);
  if (name == "groups") return texts(input_.actor.groups);
  if (name == "delegated_by") return texts(input_.actor.delegated_by);
  return cel::Value::no_such_key(name);
}

cel::Value Scope::request(std::string_view name) const {
  const RequestInput& request = input_.request;
  if (name == "time") return to_cel(request.time);
  if (name == "channel") return text(request.channel);
  if (name == "taint") return texts(request.taint);
  if (name == "incident") return text(request.incident);
  if (name == "break_glass") return text(request.break_glass);
  if (name == "runbook") return text(request.runbook);
  if (name == "step") return text(request.step);
  if (name == "repeats_of_denied") return cel::Value::integer(request.repeats_of_denied);
  return cel::Value::no_such_key(name);
}

cel::Value Scope::facts(std::string_view name) const {
  if (const doc::Value* found = input_.facts.find(name)) {
    return cel::from_doc(*found, cel::Strings::kBorrow);
  }
  if (input_.facts.is_null() && name == "uninspectable") return cel::Value::boolean(false);
  if (input_.facts.is_null() && name == "why") return cel::Value::list({});
  return cel::Value::no_such_key(name);
}

cel::Value Scope::risk_field(std::string_view name) {
  if (name == "score") return cel::Value::integer(risk().score);
  if (name == "why") return texts(risk().why);
  return cel::Value::no_such_key(name);
}

cel::Value Scope::history(std::string_view name) const {
  if (!input_.history) return cel::Value::error("the history is not known yet");
  const HistoryInput& history = *input_.history;
  if (name == "count_1h") return cel::Value::integer(history.count_1h);
  if (name == "count_24h") return cel::Value::integer(history.count_24h);
  if (name == "count_7d") return cel::Value::integer(history.count_7d);
  if (name == "denied_24h") return cel::Value::integer(history.denied_24h);
  if (name == "first_time") return cel::Value::boolean(history.first_time);
  return cel::Value::no_such_key(name);
}

cel::Value Scope::calendar_field(std::string_view name) {
  for (const CalendarState::Window& window : calendar().windows) {
    if (name.starts_with("in_") && name.substr(3) == window.name) {
      return cel::Value::boolean(window.open);
    }
    if (window.open && name.ends_with("_ends") && name.substr(0, name.size() - 5) == window.name) {
      return to_cel(window.ends);
    }
  }
  return cel::Value::no_such_key(name);
}

cel::Value Scope::claims(std::string_view name) const {
  const doc::Value* found = input_.claims.find(name);
  if (found == nullptr) return cel::Value::no_such_key(name);
  return cel::from_doc(*found, cel::Strings::kBorrow);
}

cel::Value Scope::variable(std::string_view name) const {
  for (const Variable& variable : document_.variables) {
    if (variable.name == name) return evaluate(variable.value);
  }
  return cel::Value::no_such_key(name);
}

// A term that cannot be evaluated counts in full: what is not known is not harmless.
const Risk& Scope::risk() {
  if (input_.risk) return *input_.risk;
  if (risk_) return *risk_;
  Risk risk;
  for (const RiskTerm& term : document_.risk) {
    const cel::Value value = evaluate(term.when);
    if (value.is_false()) continue;
    risk.score = std::min(kRiskMax, risk.score + term.weight);
    std::string why = "+" + std::to_string(term.weight) + " " + term.reason;
    if (!value.is_true()) {
      why += " (could not be told: " + std::string(value.is_error() ? value.text() : "no boolean") +
             ")";
    }
    risk.why.push_back(std::move(why));
  }
  risk_ = std::move(risk);
  return *risk_;
}

const CalendarState& Scope::calendar() {
  if (input_.calendar) return *input_.calendar;
  if (!calendar_) calendar_ = document_.calendar.at(input_.request.time);
  return *calendar_;
}

cel::Value to_cel(Time time) {
  const std::int64_t micros = time.time_since_epoch().count();
  std::int64_t seconds = micros / kMicros, rest = micros % kMicros;
  if (rest < 0) {
    rest += kMicros;
    --seconds;
  }
  return cel::Value::timestamp({seconds, static_cast<std::int32_t>(rest * 1000)});
}

std::optional<Time> time_from(const cel::Value& timestamp) {
  if (timestamp.kind() != cel::Kind::kTimestamp) return std::nullopt;
  const cel::Timestamp t = timestamp.as_timestamp();
  return Time(std::chrono::seconds(t.seconds) + std::chrono::microseconds(t.nanos / 1000));
}

}  // namespace keyturn::policy
