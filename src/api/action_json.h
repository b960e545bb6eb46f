// An action as the API shows it: one shape, less of it for agents.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "doc/value.h"
#include "gate/gate.h"
#include "model/principal.h"

namespace keyturn::api {

enum class Detail {
  kSummary,  // lists and streams: no display, no facts
  kFull,     // one action, for whoever decides: with everything that is shown of it
};

struct ActionView {
  const gate::World& world;
  std::string_view public_url, origin;
  const Secret& fingerprint_key;  // of secret parameters, on the page
};

// Agents see state, outcome, `needed` and which rules matched; not the plan, the reasons and what
// a rule asked for (an oracle for splitting amounts), nor facts of an action that is not their own.
// `grant` is the grant itself, in the one answer that carries it.
doc::Value action_json(const ActionView& view, const Principal& reader,
                       const gate::ActionRecord& record, Detail detail,
                       const std::optional<std::string>& grant = std::nullopt);

// Whether `display` shows every byte of the case (promise whole-picture).
bool shown_whole(const ActionView& view, const gate::ActionRecord& record);

// {"items": [{"at", "type", "by", "text", "index"}]}
doc::Value timeline_json(const Principal& reader, const gate::ActionRecord& record);

// The outcome with `error` (why it failed) and `columns` (of its first row, in order) beside it.
doc::Value outcome_json(const Outcome& outcome);

}  // namespace keyturn::api
