// Is it alive, can it append, and the numbers for Prometheus (text format 0.0.4).
#include "api/assets.h"
#include "api/impl.h"
#include "channels/channels.h"
#include "oncall/oncall.h"
#include "runs/runs.h"

namespace keyturn::api {
namespace {

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_ += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " +
             std::string(name) + " " + std::string(type) + "\n";
    name_ = name;
  }
  // Label values are words of ours: nothing to escape.
  void sample(std::uint64_t value, std::string_view label = {}, std::string_view word = {}) {
    text_ += name_;
    if (!label.empty()) text_ += "{" + std::string(label) + "=\"" + std::string(word) + "\"}";
    text_ += " " + std::to_string(value) + "\n";
  }
  void single(std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_, name_;
};

void add_decisions(Exposition& out, const gate::Gate::Numbers& n) {
  out.single("keyturn_requests_total", "counter", "Actions asked for.", n.requested);
  out.family("keyturn_verdicts_total", "counter", "Verdicts of policy, by effect.");
  out.sample(n.allowed, "effect", "allow");
  out.sample(n.denied, "effect", "deny");
  out.sample(n.required, "effect", "require");
  out.sample(n.deferred, "effect", "defer");
  out.single("keyturn_votes_total", "counter", "Votes that were tried.", n.votes);
  out.single("keyturn_released_total", "counter", "Grants issued or used.", n.released);
  out.single("keyturn_executed_total", "counter", "Executions with an outcome.", n.executed);
  out.single("keyturn_refused_total", "counter", "Requests refused by the gate.", n.refused);
  out.single("keyturn_append_conflicts_total", "counter", "Appends that were decided again.",
             n.conflicts);
}

void add_open(Exposition& out, const gate::Gate& gate) {
  std::map<State, std::uint64_t> open{
      {State::kDeferred, 0}, {State::kPending, 0}, {State::kApproved, 0}, {State::kExecuting, 0}};
  for (const auto& [state, count] : gate.count_open()) open[state] = count;
  out.family("keyturn_open_actions", "gauge", "Actions that are not final, by state.");
  for (const auto& [state, count] : open) out.sample(count, "state", to_text(state));
}

// Names are of a-z, 0-9 and "-".
void add_exports(Exposition& out, const doc::Value& exports) {
  const auto add = [&](std::string_view name, std::string_view help, auto value_of) {
    out.family(name, "gauge", help);
    for (const doc::Value& one : exports.as_array())
      out.sample(value_of(one), "name", one.text("name"));
  };
  if (exports.as_array().empty()) return;
  add("keyturn_export_lag", "Ledger entries that an export has not delivered.",
      [](const doc::Value& one) { return static_cast<std::uint64_t>(one.integer("lag")); });
  add("keyturn_export_failing",
      "1: the last attempt to deliver failed, or the receiver wants no more.",
      [](const doc::Value& one) { return std::uint64_t{one.text("status") != "running"}; });
}

// Names are of a-z, 0-9 and "-".
void add_channels(Exposition& out, const std::vector<channels::CourierState>& all) {
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                       auto value_of) {
    out.family(name, type, help);
    for (const channels::CourierState& one : all) out.sample(value_of(one), "name", one.name);
  };
  if (all.empty()) return;
  add("keyturn_channel_waiting", "gauge", "Actions that a channel still has to tell of.",
      [](const auto& one) { return one.waiting; });
  add("keyturn_channel_failing", "gauge", "1: the other side does not take anything just now.",
      [](const auto& one) { return std::uint64_t{one.error.has_value()}; });
  add("keyturn_channel_given_up", "gauge", "Messages that were given up (at most 200 are counted).",
      [](const auto& one) { return static_cast<std::uint64_t>(one.dead.size()); });
  add("keyturn_channel_messages_total", "counter", "Messages that were carried since the start.",
      [](const auto& one) { return one.carried; });
}

std::vector<std::string> troubled(const Service& s) {
  return s.ports.on_call == nullptr ? std::vector<std::string>{} : s.ports.on_call->troubled();
}

void add_runs(Exposition& out, const runs::Runs::Numbers& numbers) {
  out.single("keyturn_runs_open", "gauge", "Runs of runbooks under way.", numbers.open);
  out.single("keyturn_runs_stopped", "gauge",
             "Of these, runs that wait until people say how a step ended.", numbers.stopped);
  out.single("keyturn_run_steps_under_way", "gauge", "Steps of runs that are actions now.",
             numbers.under_way);
  out.single("keyturn_run_steps_ended_total", "counter", "Steps of runs that ended.",
             numbers.ended_steps);
}

}  // namespace

Task<Response> get_health(Service&, Call&) {
  co_return json_answer(200, doc::object({{"status", "ok"}}));
}

Task<Response> get_ready(Service& s, Call&) {
  if (const auto& alarm = s.ports.audit.alarm())
    co_return problem({"read_only", "ALARM: " + alarm->message, ""});
  if (s.ports.ready && !s.ports.ready())
    co_return problem({"not_ready", "it cannot append to its journal", ""});
  doc::Value out = doc::object({{"status", "ready"}});
  // It serves all the same, without whoever is not on call for that.
  if (const auto names = troubled(s); !names.empty()) out.set("troubled", doc::array_of(names));
  co_return json_answer(200, out);
}

Task<Response> get_metrics(Service& s, Call&) {
  Exposition out;
  add_decisions(out, s.ports.gate.numbers());
  add_open(out, s.ports.gate);
  out.single("keyturn_ledger_signed_size", "gauge", "Entries that the latest checkpoint covers.",
             s.ports.audit.signed_size());
  out.single("keyturn_ledger_cosigned_size", "gauge",
             "Entries that a checkpoint with enough cosignatures covers.",
             s.ports.audit.cosigned_size());
  out.single("keyturn_ledger_alarm", "gauge",
             "1: the log is not the one that was signed, and nothing is recorded or released.",
             s.ports.audit.alarm() ? 1 : 0);
  out.single("keyturn_witness_problems", "gauge", "Witnesses that do not cosign now.",
             s.ports.audit.witness_problems().size());
  out.single("keyturn_oncall_troubled", "gauge",
             "On-call schedules that are stale, or that something is wrong with.",
             troubled(s).size());
  add_runs(out, s.ports.runs.numbers());
  if (s.ports.exports) add_exports(out, s.ports.exports());
  if (s.ports.channels != nullptr) add_channels(out, s.ports.channels->states());
  out.single("keyturn_parked_waits", "gauge", "Requests that wait for an action.", s.http.parked);
  out.single("keyturn_event_streams", "gauge", "Open event streams.", s.http.streams);
  out.single("keyturn_refusals_not_recorded_total", "counter",
             "Refusals that were counted instead of recorded.", s.meter.suppressed());
  out.family("keyturn_http_responses_total", "counter", "Answers, by class of their status.");
  for (const auto& [status, count] : s.http.by_class)
    out.sample(count, "class", std::to_string(status) + "xx");
  Response response;
  response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                      {"Cache-Control", "no-store"}};
  response.body = out.take();
  co_return response;
}

// The description of the API, and of the documents for editors (/schemas/…).
Task<Response> get_openapi(Service&, Call& call) {
  const Asset* asset = find_asset(call.request.path);
  if (asset == nullptr)
    co_return problem({"not_found", "there is nothing at " + call.request.path, ""});
  Response response;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache"}};
  response.body = asset->bytes;
  co_return response;
}

}  // namespace keyturn::api
