#include "channels/slack/config.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/task_impl.h"
#include "channels/slack/diagnose.h"
#include "channels/slack/slack.h"
#include "net/url.h"

namespace keyturn::channels::slack {
namespace {

secrets::SecretReference read_secret(doc::ObjectReader& reader, std::string_view key,
                                     const std::string& what) {
  const doc::Value* value = reader.any(key);
  if (value == nullptr) {
    reader.problem("missing_field", what, key);
    return {};
  }
  Result<secrets::SecretReference> out = secrets::parse_reference(*value, reader.pointer_to(key));
  if (out) return std::move(*out);
  reader.problem(out.error().code, out.error().message, key);
  return {};
}

void read_way_in(doc::ObjectReader& reader, Settings& out, doc::Problems& problems) {
  const doc::Value* socket = reader.object("socket");
  const doc::Value* http = reader.object("http");
  if ((socket == nullptr) == (http == nullptr)) {
    reader.problem("out_of_range",
                   "slack needs one of socket: {app_token: {secret: …}} (no public address) and "
                   "http: {signing_secret: {secret: …}}");
    return;
  }
  if (socket != nullptr) {
    doc::ObjectReader way(*socket, reader.pointer_to("socket"), problems);
    out.by = BySocket{read_secret(way, "app_token",
                                  "socket needs app_token: {secret: …}, the app-level token "
                                  "xapp-… with the scope connections:write")};
    way.finish();
  } else {
    doc::ObjectReader way(*http, reader.pointer_to("http"), problems);
    out.by = ByHttp{read_secret(way, "signing_secret",
                                "http needs signing_secret: {secret: …}, from the app's Basic "
                                "Information page")};
    way.finish();
  }
}

void read_rooms(doc::ObjectReader& reader, Settings& out) {
  const doc::Value* rooms = reader.object("rooms");
  if (rooms == nullptr) return;
  for (const doc::Member& room : rooms->as_object()) {
    if (!room.value.is_string() || !is_slack_id(room.value.as_string())) {
      reader.problem("out_of_range",
                     "a room is the id of a channel, such as C0123ABCD (the channel's About page "
                     "shows it)",
                     "rooms");
      continue;
    }
    out.rooms[room.key] = room.value.as_string();
  }
}

void read_tell(doc::ObjectReader& reader, Settings& out) {
  const std::string tell = reader.string("tell").value_or("people");
  if (tell != "people" && tell != "rooms" && tell != "both") {
    reader.problem("out_of_range", "tell is people, rooms or both", "tell");
    return;
  }
  out.tell_people = tell != "rooms";
  out.tell_rooms = tell != "people";
  if (out.tell_rooms && out.rooms.empty())
    reader.problem("missing_field", "rooms: {GROUP: C0123ABCD, \"*\": …} says which", "rooms");
  if (!out.tell_rooms && !out.rooms.empty())
    reader.problem("out_of_range",
                   "rooms are told with tell: rooms, or tell: both; tell says people", "rooms");
}

}  // namespace

bool is_slack_id(std::string_view text) {
  return text.size() >= 2 && text.size() <= 40 &&
         std::ranges::all_of(text, [](char c) { return is_upper(c) || is_digit(c); });
}

std::string Settings::room_of(const std::string& group) const {
  const auto found = rooms.find(group);
  if (found != rooms.end()) return found->second;
  const auto any = rooms.find("*");
  return any == rooms.end() ? "" : any->second;
}

NeededSecret Settings::way_in() const {
  if (const auto* socket = std::get_if<BySocket>(&by))
    return {"app_token", socket->app_token, "xapp-"};
  return {"signing_secret", std::get<ByHttp>(by).signing_secret, ""};
}

Settings read_settings(const doc::Value& value, const std::string& pointer,
                       doc::Problems& problems) {
  doc::ObjectReader reader(value, pointer, problems);
  Settings out;
  out.team = reader.require_string("team");
  if (!out.team.empty() && (!is_slack_id(out.team) || out.team[0] != 'T'))
    reader.problem("out_of_range", "team is the workspace's id, such as T0123ABCD", "team");
  out.bot_token = read_secret(reader, "bot_token",
                              "slack needs bot_token: {secret: …}, the bot token xoxb-… that "
                              "installing the app shows");
  read_way_in(reader, out, problems);
  read_rooms(reader, out);
  read_tell(reader, out);
  out.api = reader.string("api").value_or(out.api);
  while (out.api.ends_with('/')) out.api.pop_back();
  if (const std::string wrong = net::wrong_with_service_url(out.api); !wrong.empty())
    reader.problem("bad_url", wrong, "api");
  out.ca_file = reader.string("ca").value_or("");
  reader.finish();
  return out;
}

std::vector<Configured> read_slack(const doc::Value& value, const std::string& pointer,
                                   doc::Problems& problems) {
  const std::size_t before = problems.size();
  const Settings settings = read_settings(value, pointer, problems);
  if (problems.size() != before) return {};
  std::vector<Configured> out;
  out.push_back({.name = std::string(kName),
                 .kind = std::string(kName),
                 .make = [settings](const Ports& ports) { return make_slack(ports, settings); },
                 .test = [settings](CheckPorts ports) { return diagnose(settings, ports); },
                 .secrets = {settings.bot(), settings.way_in()}});
  return out;
}

}  // namespace keyturn::channels::slack
