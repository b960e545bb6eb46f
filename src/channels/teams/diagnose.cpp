#include "channels/teams/diagnose.h"

#include <vector>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "channels/teams/api.h"
#include "channels/teams/incoming.h"
#include "doc/json.h"

namespace keyturn::channels::teams {
namespace {

// What our own token says of us. It was just given to us by the tenant: nothing is believed that
// matters.
doc::Value claims_of(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return {};
  const std::optional<std::string> bytes =
      from_base64url(token.substr(first + 1, second - first - 1));
  Result<doc::Value> tree = bytes ? doc::parse_json(*bytes) : refuse("", "");
  return tree ? std::move(*tree) : doc::Value();
}

Check check_token(const Config& config, const Answered<Secret>& token) {
  Check out{.what = "a token for the bot", .good = false, .words = ""};
  if (!token) {
    out.words = token.error().why;
    return out;
  }
  const doc::Value claims = claims_of(token->reveal());
  std::string app(claims.text("appid"));
  if (app.empty()) app = claims.text("azp");
  const std::string tenant(claims.text("tid"));
  if (!tenant.empty() && tenant != config.tenant)
    out.words = "it is of the tenant " + tenant + ": that is what tenant should say";
  else if (!app.empty() && app != config.app_id)
    out.words = "it is of the app " + app + ": that is what app_id should say";
  else
    out = {.what = out.what, .good = true, .words = "given by tenant " + config.tenant};
  return out;
}

// The clock, by the answer of where the keys are.
Task<Check> check_time(Config config, CheckPorts ports) {
  net::ClientRequest request = identity::get_json(config.metadata);
  request.ca_file = config.ca_file;
  const Result<net::ClientResponse> answer = co_await ports.fetch(std::move(request));
  if (!answer)
    co_return Check{
        .what = "the clock",
        .good = false,
        .words = answer.error().message + ": let this machine reach " + config.metadata};
  co_return check_clock(answer->headers.find("date").value_or(""), ports.clock.now());
}

// Teams calls us: from here only what stands in its way here can be seen.
Task<Check> check_way_in(CheckPorts ports) {
  const std::string url = ports.public_url + "/teams/messages";
  Check out{.what = "the way in, " + url, .good = false, .words = ""};
  if (!url.starts_with("https://")) {
    out.words =
        "Teams only sends to https://: set public_url in keyturn.yaml to the address that "
        "the internet reaches, and the bot's messaging endpoint to the same";
    co_return out;
  }
  net::ClientRequest request;
  request.method = "POST";
  request.url = url;
  request.headers.set("Content-Type", "application/json");
  request.body = "{}";
  request.timeout = std::chrono::seconds(10);
  request.body_bytes_max = 64 << 10;
  const Result<net::ClientResponse> answer = co_await ports.fetch(std::move(request));
  if (!answer) {
    out.words = answer.error().message + ": is Keyturn running, and its proxy in front of it?";
  } else if (answer->status != 401 || !answer->body.contains("missing_token")) {
    out.words = "something else answers there (" + std::to_string(answer->status) +
                "): the proxy has to pass /teams/messages to Keyturn, unchanged";
  } else {
    out.good = true;
    out.words =
        "Keyturn answers, and asks for the token of Bot Framework. (Whether the internet "
        "reaches it cannot be seen from here.)";
  }
  co_return out;
}

Check check_keys(const Result<std::size_t>& endorsed) {
  Check out{.what = "the keys of Bot Framework", .good = false, .words = ""};
  if (!endorsed)
    out.words = endorsed.error().message;
  else if (*endorsed == 0)
    out.words = "none of them is endorsed for Teams: look at metadata";
  else
    out = {.what = out.what, .good = true, .words = std::to_string(*endorsed) + " for Teams"};
  return out;
}

}  // namespace

Task<Checks> diagnose(Config config, CheckPorts ports) {
  Checks out;
  net::Loop loop;  // for what waits for others here: nobody does
  Api api(config, loop, ports.clock, ports.fetch, ports.secret);
  Incoming incoming(config, loop, ports.clock, ports.fetch);
  const Answered<Secret> token = co_await api.token().get();
  out.push_back(check_token(config, token));
  const Result<std::size_t> endorsed = co_await incoming.look_at_keys();
  out.push_back(check_keys(endorsed));
  Check clock = co_await check_time(config, ports);
  out.push_back(std::move(clock));
  for (const auto& [group, room] : config.rooms) {
    Check one{.what = "the room of " + group, .good = false, .words = ""};
    const Answered<void> seen = co_await api.look_into(
        room.service_url.empty() ? config.service_url : room.service_url, room.conversation);
    one.good = seen.has_value();
    one.words = seen ? "the bot is in it" : undelivered(seen.error()).why;
    out.push_back(std::move(one));
  }
  Check way_in = co_await check_way_in(ports);
  out.push_back(std::move(way_in));
  co_return out;
}

}  // namespace keyturn::channels::teams
