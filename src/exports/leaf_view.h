// A leaf as the formats look at it: who, what, how it came out. Total: any bytes give a view. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "doc/value.h"

namespace keyturn::exports {

enum class Severity { kInformational, kLow, kMedium, kHigh };
enum class Status { kSuccess, kFailure, kUnknown };

struct LeafView {
  doc::Value leaf;           // null: it is no JSON object
  std::string type;          // "unreadable" then
  std::string time;          // as the leaf has it
  std::optional<Time> at;    // the same, read
  std::string node, stream;  // "action/act_…"
  std::string subject_kind;  // of the stream: "action", "person", …
  std::string subject;       // and the rest of it
  std::string actor;         // who did it: an id; "" where the leaf does not say
  bool actor_is_agent = false;
  std::string owner;  // of that agent
  std::string tool, operation;
  std::string resource_kind, resource, env;
  std::string outcome;  // "deny", "approved", "succeeded", a refusal's code …; "" none
  std::string rules;    // that matched, with commas
  std::string trace_id, span_id;
  bool denied = false;
  Severity severity = Severity::kInformational;
  Status status = Status::kSuccess;
};

LeafView look_at(std::string_view leaf);

// A denial by policy or by people, or a refused request: pushed at once.
bool is_denial(std::string_view type, const doc::Value& body);

// In a sentence on one line: "action.decided: deny (forbidden) by bot". Holds whatever the leaf
// holds; each format escapes it.
std::string summary(const LeafView& view);

}  // namespace keyturn::exports
