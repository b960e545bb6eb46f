// What a pager is told of an action, and in which form: PagerDuty's Events API v2, Opsgenie's Alert
// API. Names of the configuration and of the directory only, and words of ours. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "channels/webhook/settings.h"
#include "gate/record.h"
#include "net/client.h"

namespace keyturn::channels::webhook {

enum class Stage { kNone, kTriggered, kAcknowledged, kResolved };
std::string_view to_text(Stage stage);  // "" "triggered" "acknowledged" "resolved"
Stage stage_from_text(std::string_view text);

// How it should stand there now: triggered while nobody has voted since people were called for it,
// acknowledged by the first vote after that, resolved once nobody is asked any more.
Stage stage_of(const gate::ActionRecord& record);

// By which steps it comes from one to the other; each can be repeated without harm.
std::vector<Stage> steps(Stage from, Stage to);

// What an alert says.
struct Alert {
  std::string action;
  std::string summary;
  std::vector<std::pair<std::string, std::string>> details;
  Time at;
  std::string page, source;
  bool escalated = false;
};
// `page`: URL of its page.
Alert alert_of(const gate::ActionRecord& record, const std::string& page);

// The request that takes one step.
net::ClientRequest request_for(const Settings& settings, const Secret& key, Stage step,
                               const Alert& alert);

}  // namespace keyturn::channels::webhook
