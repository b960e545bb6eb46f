// What starts runs of a runbook without anybody asking: times, and deliveries of others. Each
// starts the run in the name of an agent, as if that had asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runbook/expression.h"
#include "secrets/reference.h"
#include "zone/cron.h"

namespace keyturn::runbook {

struct Schedule {
  zone::Cron cron;
  std::string text;       // as written
  std::string time_zone;  // of the IANA database
  bool once_when_missed = false;
};

// How a delivery proves where it comes from, and what is in it.
enum class HookKind { kAlertmanager, kPagerDuty, kGitHub, kGeneric };
std::string_view to_text(HookKind kind);

struct Hook {
  std::string name;  // POST /v1/hooks/NAME; of several runbooks, if need be
  HookKind kind = HookKind::kGeneric;
  secrets::SecretReference secret;
  std::string user;                // of kAlertmanager: HTTP Basic, and the secret is its password
  std::optional<Expression> when;  // over `event`; absent: each
};

struct Trigger {
  std::string agent;
  Template inputs;  // over `event`: what came in, or {time} of a schedule
  std::optional<Schedule> schedule;
  std::optional<Hook> hook;
};

inline constexpr std::size_t kHookNameMax = 60;
// a-z, A-Z, 0-9, "_" and "-", beginning with a letter.
bool is_hook_name(std::string_view name);

}  // namespace keyturn::runbook
