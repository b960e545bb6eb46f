#include "channels/teams/config.h"

#include <algorithm>
#include <array>

#include "channels/fields.h"
#include "channels/teams/activity.h"
#include "net/url.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::size_t kRoomsMax = 200, kConversationMax = 300;

std::string read_guid(doc::ObjectReader& reader, std::string_view key, const char* what) {
  const std::string text = reader.require_string(key);
  std::string out = guid_of(text).value_or("");
  if (!text.empty() && out.empty())
    reader.problem("out_of_range",
                   std::string(what) + " is written like 01234567-89ab-cdef-0123-456789abcdef",
                   key);
  return out;
}

bool is_conversation(std::string_view text) {
  return text.starts_with("19:") && text.size() <= kConversationMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

Room read_room(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  Room out;
  if (value.is_string()) {
    out.conversation = value.as_string();
  } else {
    doc::ObjectReader reader(value, pointer, problems);
    out.conversation = reader.require_string("conversation");
    if (reader.value().find("service_url") != nullptr)
      out.service_url = read_url(reader, "service_url", "");
    reader.finish();
    if (out.conversation.empty()) return out;
  }
  if (!is_conversation(out.conversation)) {
    problems.push_back({"out_of_range",
                        "a room is the id of a channel or a group chat of Teams: 19:…@thread.tacv2",
                        pointer, value.position()});
  }
  return out;
}

void read_rooms(doc::ObjectReader& reader, Config& out, doc::Problems& problems) {
  const doc::Value* rooms = reader.object("rooms");
  if (rooms == nullptr) return;
  if (rooms->as_object().size() > kRoomsMax)
    reader.problem("out_of_range", "there are at most 200 rooms", "rooms");
  for (const doc::Member& room : rooms->as_object()) {
    const std::string pointer = reader.pointer_to("rooms") + "/" + doc::pointer_escape(room.key);
    out.rooms[room.key] = read_room(room.value, pointer, problems);
    const std::string& url = out.rooms[room.key].service_url;
    if (!url.empty() && net::wrong_with_service_url(url).empty() && !may_be_service(out, url))
      problems.push_back({"bad_url",
                          "that is no host of Teams: our token for Teams would go there. Another "
                          "cloud's is set by service_url beside app_id",
                          pointer + "/service_url", room.value.position()});
  }
}

void read_tell(doc::ObjectReader& reader, Config& out) {
  const std::string tell = reader.string("tell").value_or("people");
  out.tell_people = tell == "people" || tell == "both";
  out.tell_rooms = tell == "rooms" || tell == "both";
  if (!out.tell_people && !out.tell_rooms)
    reader.problem("out_of_range", "tell is people, rooms or both", "tell");
  if (out.tell_rooms && out.rooms.empty())
    reader.problem("missing_field", "rooms are to be told: say which, by group, under rooms",
                   "rooms");
  if (!out.tell_rooms && !out.rooms.empty())
    reader.problem("out_of_range", "there are rooms, and tell says that only people are told",
                   "tell");
}

// "https://host:port" of a URL; "" of what is none.
std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, std::min(url.find_first_of("/?#", scheme + 3), url.size()));
}

}  // namespace

Config read_config(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  Config out;
  doc::ObjectReader reader(value, pointer, problems);
  out.app_id = read_guid(reader, "app_id", "the id of an app (a bot)");
  out.tenant = read_guid(reader, "tenant", "the id of a tenant (directory)");
  out.secret = require_secret(reader, "secret", "the bot's client secret");
  out.login = read_url(reader, "login", out.login);
  out.metadata = read_url(reader, "metadata", out.metadata);
  out.service_url = read_url(reader, "service_url", out.service_url);
  while (out.login.ends_with('/')) out.login.pop_back();
  if (!out.service_url.ends_with('/')) out.service_url += '/';
  out.ca_file = reader.string("ca").value_or("");
  read_rooms(reader, out, problems);
  read_tell(reader, out);
  reader.finish();
  return out;
}

bool may_be_service(const Config& config, std::string_view url) {
  if (!net::wrong_with_service_url(url).empty()) return false;
  const std::string_view origin = origin_of(url);
  if (origin == origin_of(config.service_url)) return true;
  constexpr std::string_view kHttps = "https://";
  if (!origin.starts_with(kHttps)) return false;
  // Anybody can have a name under trafficmanager.net: only this one is Teams'.
  const std::string_view host = origin.substr(kHttps.size());
  constexpr std::array<std::string_view, 4> kDomains = {
      ".botframework.com", ".botframework.us", ".teams.microsoft.com", ".teams.microsoft.us"};
  return host == "smba.trafficmanager.net" ||
         std::ranges::any_of(kDomains, [&](std::string_view one) { return host.ends_with(one); });
}

}  // namespace keyturn::channels::teams
