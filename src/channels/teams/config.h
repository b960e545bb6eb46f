// What keyturn.yaml says under `channels: teams:`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "doc/read.h"
#include "secrets/reference.h"

namespace keyturn::channels::teams {

struct Room {
  std::string conversation;  // "19:…@thread.tacv2" a channel, "19:…@thread.v2" a group chat
  std::string service_url;   // "": the one that Teams last used
  bool operator==(const Room&) const = default;
};

struct Config {
  std::string app_id, tenant;  // GUIDs, in small letters
  secrets::SecretReference secret;
  bool tell_people = true, tell_rooms = false;
  std::map<std::string, Room, std::less<>> rooms;  // by group; "*": any other

  // Microsoft's; others for a cloud of its own, or a test on this machine.
  std::string login = "https://login.microsoftonline.com";
  std::string metadata = "https://login.botframework.com/v1/.well-known/openidconfiguration";
  std::string service_url = "https://smba.trafficmanager.net/teams/";
  std::string ca_file;
};

// Every problem with its pointer; what is returned is for use when there was none.
Config read_config(const doc::Value& value, const std::string& pointer, doc::Problems& problems);

// Where Teams' connector is, and our token may go: hosts of Microsoft that nobody else can have,
// and the configured one.
bool may_be_service(const Config& config, std::string_view url);

}  // namespace keyturn::channels::teams
