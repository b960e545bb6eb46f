#include "exports/leaf_view.h"

#include <algorithm>
#include <array>

#include "doc/json.h"

namespace keyturn::exports {
namespace {

std::string text_at(const doc::Value& leaf, std::initializer_list<std::string_view> path) {
  const doc::Value* found = leaf.find_path(path);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

void read_actor(LeafView& view) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kPlaces{{
      {"vote", "reviewer"},
      {"comment", "author"},
      {"review", "by"},
      {"grant", "by"},
      {"execution", "by"},
      {"token", "by"},
      {"enrolment", "by"},
      {"credential", "by"},
      {"agent", "by"},
      {"agent", "id"},
      {"session", "person"},
      {"credential", "person"},
  }};
  view.actor = view.leaf.text("by");
  for (const auto& [part, member] : kPlaces) {
    if (!view.actor.empty()) break;
    view.actor = text_at(view.leaf, {part, member});
    view.actor_is_agent =
        part == "agent" && member == "id" && text_at(view.leaf, {"agent", "kind"}) != "person";
  }
  if (view.actor.empty() && view.leaf.flag("host")) view.actor = "host";
  if (view.actor_is_agent) view.owner = text_at(view.leaf, {"agent", "owner"});
}

void read_action(LeafView& view) {
  const doc::Value& leaf = view.leaf;
  view.tool = text_at(leaf, {"action", "tool"});
  if (view.tool.empty()) view.tool = text_at(leaf, {"refusal", "tool"});
  view.operation = text_at(leaf, {"action", "operation"});
  view.resource_kind = text_at(leaf, {"action", "resource", "kind"});
  view.resource = text_at(leaf, {"action", "resource", "name"});
  view.env = text_at(leaf, {"action", "resource", "env"});
  const doc::Value* rules = leaf.find_path({"policy", "verdict", "rules"});
  if (rules == nullptr || !rules->is_array()) return;
  for (const doc::Value& rule : rules->as_array()) {
    if (rule.is_string()) view.rules += (view.rules.empty() ? "" : ",") + rule.as_string();
  }
}

void read_outcome(LeafView& view) {
  const doc::Value& leaf = view.leaf;
  for (const std::string& found :
       {text_at(leaf, {"policy", "verdict", "effect"}), text_at(leaf, {"vote", "decision"}),
        text_at(leaf, {"review", "result"}), text_at(leaf, {"execution", "outcome"}),
        text_at(leaf, {"refusal", "code"}), std::string(leaf.text("state"))}) {
    if (!found.empty()) {
      view.outcome = found;
      return;
    }
  }
}

// W3C traceparent: version-traceid-spanid-flags. An agent wrote it: nothing else is taken.
void read_trace(LeafView& view) {
  const std::string_view text = view.leaf.text("traceparent");
  const auto hex = [](std::string_view part) {
    return part.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           part.find_first_not_of('0') != std::string_view::npos;
  };
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return;
  if (!hex(text.substr(3, 32)) || !hex(text.substr(36, 16))) return;
  view.trace_id = text.substr(3, 32);
  view.span_id = text.substr(36, 16);
}

bool is_any_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::ranges::find(types, type) != types.end();
}

Severity severity_of(const LeafView& view) {
  if (is_any_of(view.type, {"execution.unknown", "seal.broken", "files.not_in_force",
                            "breakglass.used", "key.rotated", "ledger.restarted", "unreadable"}))
    return Severity::kHigh;
  if (view.denied ||
      is_any_of(view.type, {"identity.agent_suspended", "payload.erased", "standing.granted"}))
    return Severity::kMedium;
  if (view.status == Status::kFailure || view.type.starts_with("policy.") ||
      view.type.starts_with("tools.") || view.type.starts_with("config.") ||
      is_any_of(view.type, {"identity.group_changed", "identity.credential_added"}))
    return Severity::kLow;
  return Severity::kInformational;
}

Status status_of(const LeafView& view) {
  if (view.type == "unreadable" || view.type == "execution.unknown") return Status::kUnknown;
  const bool failed = view.denied || view.outcome == "failed" || view.outcome == "expired";
  return failed ? Status::kFailure : Status::kSuccess;
}

}  // namespace

bool is_denial(std::string_view type, const doc::Value& body) {
  if (type == "request.refused") return true;
  if (type == "action.decided") return body.text("state") == "denied";
  if (type == "review.closed") return text_at(body, {"review", "result"}) == "denied";
  return type == "review.voted" && text_at(body, {"vote", "decision"}) == "deny";
}

LeafView look_at(std::string_view leaf) {
  LeafView view;
  Result<doc::Value> tree = doc::parse_json(leaf);
  if (!tree || !tree->is_object()) {
    view.type = "unreadable";
    view.status = Status::kUnknown;
    view.severity = Severity::kHigh;
    return view;
  }
  view.leaf = std::move(*tree);
  view.type = view.leaf.text("type");
  view.time = view.leaf.text("time");
  view.at = from_rfc3339(view.time);
  view.node = view.leaf.text("node");
  view.stream = view.leaf.text("stream");
  const std::size_t slash = view.stream.find('/');
  view.subject_kind = view.stream.substr(0, slash);
  view.subject = slash == std::string::npos ? view.stream : view.stream.substr(slash + 1);
  read_actor(view);
  read_action(view);
  read_outcome(view);
  read_trace(view);
  view.denied = is_denial(view.type, view.leaf);
  view.status = status_of(view);
  view.severity = severity_of(view);
  return view;
}

std::string summary(const LeafView& view) {
  std::string out = view.type;
  if (!view.outcome.empty()) out += ": " + view.outcome;
  if (!view.tool.empty()) out += " (" + view.tool + ")";
  if (!view.actor.empty()) out += " by " + view.actor;
  if (!view.stream.empty()) out += ", " + view.stream;
  return out;
}

}  // namespace keyturn::exports
