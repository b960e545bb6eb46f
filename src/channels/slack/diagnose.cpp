#include "channels/slack/diagnose.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <set>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "channels/slack/client.h"
#include "channels/slack/signature.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(10);

struct Scope {
  std::string_view name;
  std::string_view use;
};
constexpr auto kScopes = std::to_array<Scope>({
    {"chat:write", "to show cards"},
    {"commands", "for /keyturn"},
    {"users:read", "to ask whether an account still counts, at every click"},
    {"im:history", "to read what is written below a card in a person's own conversation"},
    {"links:read", "to see links to Keyturn"},
    {"links:write", "to show a card for them"},
});
constexpr auto kRoomScopes = std::to_array<Scope>({
    {"channels:history", "to read what is written below a card in a public channel"},
    {"groups:history", "to read what is written below a card in a private channel"},
    {"channels:read", "to look whether the bot is in a public channel"},
    {"groups:read", "to look whether the bot is in a private channel"},
});

void say(Checks& to, std::string what, bool good, std::string words) {
  to.push_back({std::move(what), good, std::move(words)});
}

std::string advice(const Failure& failure) {
  if (failure.word != "unreachable") return failure.what.why;
  return failure.what.why +
         ": look at proxy and firewall (slack.com:443; Socket Mode also wss-*.slack.com:443)";
}

bool is_local(std::string_view url) {
  const auto parts = url.find("://");
  const std::string_view host = parts == std::string_view::npos ? url : url.substr(parts + 3);
  return host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]");
}

// Links on cards; and, over HTTP, the address that Slack calls. A Slack of this machine (a test's)
// reaches what is local.
void check_links(Checks& to, const Settings& settings, const std::string& public_url) {
  const bool local = is_local(public_url);
  const bool by_socket = std::holds_alternative<BySocket>(settings.by);
  std::string words = "links on cards lead to " + public_url;
  if (local)
    words += by_socket ? ": they work on this machine only; for others set public_url"
                       : ", and Slack cannot call that: set public_url";
  say(to, "links", !local || by_socket || is_local(settings.api), std::move(words));
}

void check_scopes(Checks& to, const Settings& settings, const net::Headers& headers) {
  std::set<std::string, std::less<>> granted;
  std::string_view all = headers.find("X-OAuth-Scopes").value_or("");
  while (!all.empty()) {
    std::string_view one = all.substr(0, all.find(','));
    all.remove_prefix(std::min(one.size() + 1, all.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    granted.emplace(one);
  }
  const auto check = [&](const Scope& scope) {
    const bool good = granted.contains(scope.name);
    say(to, "scope " + std::string(scope.name), good,
        good ? std::string(scope.use)
             : "missing, " + std::string(scope.use) +
                   ": add it under OAuth & Permissions, and install the app again");
  };
  for (const Scope& scope : kScopes) check(scope);
  if (settings.tell_rooms)
    for (const Scope& scope : kRoomScopes) check(scope);
}

// RFC 9110 §5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<Time> date_of(std::string_view text) {
  std::tm parts{};
  const std::string zeroed(text);
  const char* end = ::strptime(zeroed.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return Time{std::chrono::seconds(::timegm(&parts))};
}

void check_clock(Checks& to, const net::Headers& headers, Time now) {
  const std::optional<Time> there = date_of(headers.find("Date").value_or(""));
  if (!there)
    return say(to, "clock", false, "Slack's answer says no time: a proxy may have cut it");
  const auto apart =
      std::chrono::duration_cast<std::chrono::seconds>(now > *there ? now - *there : *there - now);
  const bool good = apart < kSignatureWindow;
  say(to, "clock", good,
      std::to_string(apart.count()) + " s from Slack's" +
          (good ? ""
                : ": signatures are good for five minutes only; let the machine keep time (NTP)"));
}

Task<bool> check_bot(Checks& to, const Settings& settings, CheckPorts ports, Client& client,
                     KeptSecret& bot) {
  const Result<Secret> token = co_await bot.get();
  if (!token) {
    say(to, "bot token", false, token.error().message);
    co_return false;
  }
  net::Headers headers;
  const Answer answer = co_await client.call_as(*token, "auth.test", {}, kTimeout, &headers);
  if (!answer) {
    say(to, "bot token", false, advice(answer.error()));
    co_return false;
  }
  const std::string team(answer->text("team_id"));
  const bool ours = team == settings.team;
  say(to, "bot token", ours,
      ours ? "good, of workspace " + settings.team
           : "good, but of another workspace (" + (is_slack_id(team) ? team : "no id") +
                 ") than team: " + settings.team + " says");
  check_scopes(to, settings, headers);
  check_clock(to, headers, ports.clock.now());
  co_return ours;
}

Task<void> check_socket(Checks& to, NeededSecret app_token, CheckPorts ports, Client& client) {
  KeptSecret app(std::move(app_token), ports.secret, ports.clock);
  const Result<Secret> token = co_await app.get();
  if (!token) {
    say(to, "app token", false, token.error().message);
    co_return;
  }
  const Answer answer = co_await client.call_as(*token, "apps.connections.open", {}, kTimeout);
  std::string words = answer ? "opens a connection (Socket Mode)" : advice(answer.error());
  if (!answer && !answer.error().token && answer.error().word != "unreachable")
    words += ". Socket Mode has to be on: turn it on (Settings, Socket Mode)";
  say(to, "app token", answer.has_value(), std::move(words));
}

Task<void> check_http(Checks& to, NeededSecret needed, CheckPorts ports, std::string ca_file) {
  const Result<Secret> secret = co_await ports.secret(needed.reference);
  if (!secret || secret->empty()) {
    say(to, "signing secret", false, secret ? "it is empty" : secret.error().message);
    co_return;
  }
  const std::string url = ports.public_url + "/slack/events";
  const std::string challenge =
      to_hex(std::to_string(ports.clock.now().time_since_epoch().count()));
  net::ClientRequest request;
  request.method = "POST";
  request.url = url;
  request.timeout = kTimeout;
  request.ca_file = std::move(ca_file);
  request.body =
      doc::write_json(doc::object({{"type", "url_verification"}, {"challenge", challenge}}));
  const std::string timestamp = std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(ports.clock.now().time_since_epoch())
          .count());
  request.headers.add("Content-Type", "application/json");
  request.headers.add("X-Slack-Request-Timestamp", timestamp);
  request.headers.add("X-Slack-Signature", sign(*secret, timestamp, request.body));
  const Result<net::ClientResponse> response = co_await ports.fetch(std::move(request));
  const bool good = response && response->status == 200 && response->body.contains(challenge);
  std::string words = url;
  if (!response)
    words += " is not reached: " + response.error().message;
  else if (good)
    words +=
        " answers, with the same secret as the running server has; that it is Slack's shows as "
        "Verified where the app's settings ask for the Request URL";
  else if (response->status == 401)
    words += " takes another signing secret: is the server running with this configuration?";
  else
    words += " answers with status " + std::to_string(response->status) +
             ": is the server running with channels: slack: http: …, and public_url its address?";
  say(to, "signing secret and address", good, std::move(words));
}

Task<void> check_room(Checks& to, std::string room, std::string group, Client& client) {
  const std::string what = "room " + room + " (" + group + ")";
  const Answer answer = co_await client.call("conversations.info", {{"channel", room}});
  if (!answer) {
    say(to, what, false, advice(answer.error()));
    co_return;
  }
  const doc::Value* channel = answer->find("channel");
  const bool archived = channel != nullptr && channel->flag("is_archived");
  const bool member = channel != nullptr && channel->flag("is_member");
  say(to, what, member && !archived,
      archived ? "it is archived: name another"
      : member ? "the bot is in it"
               : "the bot is not in it: invite it there (/invite)");
}

}  // namespace

Task<Checks> diagnose(Settings settings, CheckPorts ports) {
  Checks out;
  Client client(ports.fetch, ports.clock, settings.api, settings.ca_file);
  KeptSecret bot(settings.bot(), ports.secret, ports.clock);
  client.use(bot);
  const bool good = co_await check_bot(out, settings, ports, client, bot);
  check_links(out, settings, ports.public_url);
  if (std::holds_alternative<BySocket>(settings.by))
    co_await check_socket(out, settings.way_in(), ports, client);
  else
    co_await check_http(out, settings.way_in(), ports, settings.ca_file);
  if (good && settings.tell_rooms)
    for (const auto& [group, room] : settings.rooms) co_await check_room(out, room, group, client);
  co_return out;
}

}  // namespace keyturn::channels::slack
