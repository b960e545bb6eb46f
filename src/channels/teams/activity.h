// What Teams sends to a bot (Bot Framework "Activity", as Teams fills it in). Values only: nothing
// in it is believed but what incoming.h has checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doc/value.h"

namespace keyturn::channels::teams {

struct Activity {
  std::string type;  // message, invoke, conversationUpdate, installationUpdate …
  std::string name;  // of an invoke: "adaptiveCard/action"
  std::string id, reply_to, action;
  std::string channel, service_url, tenant;
  std::string conversation;       // with ";messageid=…": a thread of a channel
  std::string conversation_type;  // personal, groupChat, channel
  std::string user, user_name;    // "29:…", and how Teams calls them
  std::string object_id;          // at Entra, in small letters
  std::string bot;                // "28:APP"
  std::string text;               // without the mention of the bot, trimmed
  doc::Value value;
  std::vector<std::string> added, removed;  // members, by id

  bool is_personal() const { return conversation_type == "personal"; }
};

Activity activity_of(const doc::Value& json);

// A channel's conversation without the thread.
std::string without_thread(const std::string& conversation);

// Of a GUID in small letters; nullopt: it is none.
std::optional<std::string> guid_of(std::string text);

}  // namespace keyturn::channels::teams
