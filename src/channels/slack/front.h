// What comes in from Slack, by whichever way (docs.slack.dev/reference/interaction-payloads). Each
// answers within Slack's three seconds; what takes longer goes on afterwards.
#pragma once

#include "channels/slack/home.h"
#include "channels/slack/office.h"

namespace keyturn::channels::slack {

struct Front {
  explicit Front(OfficePtr o) : office(std::move(o)), homes(std::make_shared<Homes>(office)) {}
  OfficePtr office;
  std::shared_ptr<Homes> homes;
};
using FrontPtr = std::shared_ptr<Front>;

// Each gives what Slack is answered with; null: nothing but that it came. None of them counts
// anything that is of another workspace: `is_ours` says so before.
bool is_ours(const Office& office, const doc::Value& payload);
Task<doc::Value> interactive(FrontPtr front, doc::Value payload);  // a click, or a dialog
Task<doc::Value> command(FrontPtr front, doc::Value fields);       // /keyturn
Task<void> event(FrontPtr front, doc::Value body);                 // the whole event_callback

// ---- its parts
Task<void> click(FrontPtr front, doc::Value payload, doc::Value action);      // clicks.cpp
Task<doc::Value> submission(FrontPtr front, doc::Value payload);              // dialogs.cpp
Task<doc::Value> answer_command(FrontPtr front, doc::Value fields);           // commands.cpp
Task<void> message_came(FrontPtr front, doc::Value event, std::string team);  // events.cpp
Task<void> link_shared(FrontPtr front, doc::Value event, std::string team);   // events.cpp

// Tells somebody something that nobody else sees: where they are, or else in their own
// conversation with the app. For what they have done; what fails is logged.
Task<void> tell(OfficePtr office, std::string user, std::string channel, doc::Value message);

// What a button carries: "act_…|sha256:…".
struct Pressed {
  std::string action, digest;
};
Pressed pressed_of(std::string_view value);

}  // namespace keyturn::channels::slack
