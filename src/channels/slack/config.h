// What keyturn.yaml says under `channels: slack:`.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "channels/config.h"
#include "doc/read.h"
#include "secrets/reference.h"

namespace keyturn::channels::slack {

inline constexpr std::string_view kName = "slack";

// How clicks come in: over a connection that Keyturn opens, or as signed requests to its address.
struct BySocket {
  secrets::SecretReference app_token;  // xapp-…
};
struct ByHttp {
  secrets::SecretReference signing_secret;
};

struct Settings {
  std::string team;                    // "T0123": no other workspace's word counts
  secrets::SecretReference bot_token;  // xoxb-…
  std::variant<BySocket, ByHttp> by;
  bool tell_people = true, tell_rooms = false;
  std::map<std::string, std::string> rooms;  // group -> channel id; "*": of any other
  std::string api = "https://slack.com/api";
  std::string ca_file;

  NeededSecret bot() const { return {"bot_token", bot_token, "xoxb-"}; }
  NeededSecret way_in() const;  // app_token or signing_secret
  // The room of a group, "" without one.
  std::string room_of(const std::string& group) const;
};

Settings read_settings(const doc::Value& value, const std::string& pointer,
                       doc::Problems& problems);
// As a row of channels/config.cpp: one channel, or none where there are errors.
std::vector<Configured> read_slack(const doc::Value& value, const std::string& pointer,
                                   doc::Problems& problems);

// "U0123ABCD": fit to be written where Slack reads an id.
bool is_slack_id(std::string_view text);

}  // namespace keyturn::channels::slack
