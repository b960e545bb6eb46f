#include "channels/teams/api.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/percent.h"
#include "base/task_impl.h"
#include "doc/json.h"

namespace keyturn::channels::teams {
namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(12);
constexpr Duration kConnectTimeout = std::chrono::seconds(5);
constexpr std::size_t kAnswerBytesMax = 256 << 10;
constexpr std::int64_t kRetryAfterMax = 600;

std::string word_of(std::string_view code) {
  std::string out;
  for (const char c : code.substr(0, 60)) {
    if (is_alphanumeric(c) || c == '_') out += c;
  }
  return out;
}

std::optional<Duration> retry_after(const net::ClientResponse& response) {
  const std::string_view text = response.headers.find("retry-after").value_or("");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, kRetryAfterMax));
}

doc::Value json_of(const std::string& body) {
  Result<doc::Value> tree = doc::parse_json(body, {.bytes_max = kAnswerBytesMax});
  return tree ? std::move(*tree) : doc::Value();
}

ApiError error_of(const net::ClientResponse& response, std::string_view who) {
  ApiError out;
  out.status = response.status;
  const doc::Value body = json_of(response.body);
  if (const doc::Value* error = body.find("error"); error != nullptr)
    out.code = word_of(error->is_string() ? error->as_string() : std::string(error->text("code")));
  out.why = std::string(who) + " answered " + std::to_string(response.status) +
            (out.code.empty() ? "" : " " + out.code);
  out.retry_after = retry_after(response);
  return out;
}

net::ClientRequest request_to(const Config& config, std::string method, std::string url) {
  net::ClientRequest out;
  out.method = std::move(method);
  out.url = std::move(url);
  out.ca_file = config.ca_file;
  out.connect_timeout = kConnectTimeout;
  out.timeout = kCallTimeout;
  out.body_bytes_max = kAnswerBytesMax;
  return out;
}

Answered<std::string> id_in(const doc::Value& body) {
  std::string id(body.text("id"));
  if (id.empty()) return std::unexpected(ApiError{0, "", "the connector's answer names no id", {}});
  return id;
}

}  // namespace

Undelivered undelivered(const ApiError& error) {
  using Kind = Undelivered::Kind;
  switch (error.status) {
    case 429:
      return {Kind::kPlaceBusy, error.why, error.retry_after.value_or(std::chrono::seconds(5))};
    case 412:
      return {Kind::kPlaceBusy, error.why, error.retry_after.value_or(std::chrono::seconds(1))};
    case 403:
      return {Kind::kNever,
              error.why +
                  ": the app is not installed there, or was blocked or removed. Install "
                  "Keyturn for that person or team in Teams, then try again",
              {}};
    case 404:
      return {Kind::kNever,
              error.why +
                  ": that conversation is not there any more. Look at the rooms in "
                  "keyturn.yaml, or let the person write to Keyturn in Teams",
              {}};
    case 413:
      return {Kind::kNever, error.why + ": Teams takes no message of that size", {}};
    default:
      break;
  }
  const bool refused =
      error.status >= 400 && error.status < 500 && error.status != 401 && error.status != 408;
  if (refused)
    return {Kind::kNever, error.why + ": `keyturn channels test teams` looks at the bot", {}};
  return {Kind::kUnreachable, error.why, error.retry_after};
}

// ------------------------------------------------------------------ the token

BotToken::BotToken(const Config& config, net::Loop& loop, const Clock& clock, Fetch fetch,
                   ReadSecret secret)
    : config_(config),
      loop_(loop),
      clock_(clock),
      fetch_(std::move(fetch)),
      secret_(std::move(secret)) {}

Task<Answered<Secret>> BotToken::get() {
  while (token_.empty() || clock_.now() >= until_) {
    if (!asking_) {
      asking_ = true;
      const std::unique_ptr<bool, void (*)(bool*)> asked(&asking_, [](bool* one) { *one = false; });
      Answered<Secret> answer = co_await ask();
      trouble_ = answer ? std::nullopt : std::optional(answer.error());
      for (const auto& one : std::exchange(waiting_, {})) one->fire();
      co_return answer;
    }
    auto waiter = std::make_shared<net::Waiter>(loop_);
    waiting_.push_back(waiter);
    co_await waiter->wait(2 * kCallTimeout);
    if (trouble_) co_return std::unexpected(*trouble_);
  }
  co_return token_;
}

Task<Answered<Secret>> BotToken::ask() {
  const auto failed = [](ApiError error) { return std::unexpected(std::move(error)); };
  const Result<Secret> secret = co_await secret_(config_.secret);
  if (!secret) co_return failed({0, "", "the bot's secret: " + secret.error().message, {}});
  net::ClientRequest request =
      request_to(config_, "POST", config_.login + "/" + config_.tenant + "/oauth2/v2.0/token");
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = "grant_type=client_credentials&client_id=" + percent_encoded(config_.app_id) +
                 "&client_secret=" + percent_encoded(secret->reveal()) +
                 "&scope=https%3A%2F%2Fapi.botframework.com%2F.default";
  const Result<net::ClientResponse> answer = co_await fetch_(std::move(request));
  if (!answer) co_return failed({0, "", "the tenant's sign-in: " + answer.error().message, {}});
  if (answer->status != 200) {
    ApiError error = error_of(*answer, "the tenant's sign-in");
    const bool is_ours = error.status >= 400 && error.status < 500 && error.status != 429;
    if (is_ours)
      error.why +=
          ": look at app_id, tenant and secret of teams in keyturn.yaml (a secret of an "
          "app expires)";
    error.status = error.status == 429 ? 429 : 0;  // it concerns no conversation
    co_return failed(std::move(error));
  }
  const doc::Value body = json_of(answer->body);
  const std::string_view token = body.text("access_token");
  const bool sendable = token.find_first_of(" \r\n\t") == std::string_view::npos;
  if (token.empty() || !sendable)
    co_return failed({0, "", "the tenant's sign-in gave no token", {}});
  const std::int64_t seconds = std::clamp<std::int64_t>(body.integer("expires_in"), 0, 86'400);
  until_ = clock_.now() + std::chrono::seconds(seconds - std::min<std::int64_t>(seconds / 5, 300));
  token_ = Secret(std::string(token));
  co_return token_;
}

// ------------------------------------------------------------------ the connector

Task<Answered<doc::Value>> Api::call(std::string method, std::string service_url, std::string path,
                                     doc::Value body) {
  const auto failed = [](ApiError error) { return std::unexpected(std::move(error)); };
  if (!may_be_service(config_, service_url))
    co_return failed(
        {403, "", "the address that Teams is to be reached at is no host of Teams", {}});
  if (!service_url.ends_with('/')) service_url += '/';
  for (int attempt = 0;; ++attempt) {
    const Answered<Secret> token = co_await token_.get();
    if (!token) co_return failed(token.error());
    net::ClientRequest request = request_to(config_, method, service_url + path);
    request.headers.set("Authorization", "Bearer " + std::string(token->reveal()));
    if (!body.is_null()) {
      request.headers.set("Content-Type", "application/json; charset=utf-8");
      request.body = doc::write_json(body);
    }
    const Result<net::ClientResponse> answer = co_await fetch_(std::move(request));
    if (!answer) co_return failed({0, "", "Teams: " + answer.error().message, {}});
    if (answer->status >= 200 && answer->status < 300) co_return json_of(answer->body);
    if (answer->status == 401) token_.drop();
    if (answer->status != 401 || attempt > 0) co_return failed(error_of(*answer, "Teams"));
  }
}

Task<Answered<std::string>> Api::post(std::string service_url, std::string conversation,
                                      doc::Value activity) {
  const Answered<doc::Value> answer = co_await call(
      "POST", std::move(service_url),
      "v3/conversations/" + percent_encoded(conversation) + "/activities", std::move(activity));
  if (!answer) co_return std::unexpected(answer.error());
  co_return id_in(*answer);
}

Task<Answered<void>> Api::update(std::string service_url, std::string conversation,
                                 std::string message, doc::Value activity) {
  const Answered<doc::Value> answer =
      co_await call("PUT", std::move(service_url),
                    "v3/conversations/" + percent_encoded(conversation) + "/activities/" +
                        percent_encoded(message),
                    std::move(activity));
  if (!answer) co_return std::unexpected(answer.error());
  co_return Answered<void>{};
}

Task<Answered<std::string>> Api::chat_with(std::string service_url, std::string user) {
  doc::Array members;
  members.push_back(doc::object({{"id", std::move(user)}}));
  doc::Value wanted = doc::object(
      {{"bot", doc::object({{"id", "28:" + config_.app_id}})},
       {"isGroup", false},
       {"members", std::move(members)},
       {"tenantId", config_.tenant},
       {"channelData", doc::object({{"tenant", doc::object({{"id", config_.tenant}})}})}});
  const Answered<doc::Value> answer =
      co_await call("POST", std::move(service_url), "v3/conversations", std::move(wanted));
  if (!answer) co_return std::unexpected(answer.error());
  co_return id_in(*answer);
}

Task<Answered<Api::Thread>> Api::open_thread(std::string service_url, std::string channel,
                                             doc::Value activity) {
  doc::Value wanted = doc::object(
      {{"bot", doc::object({{"id", "28:" + config_.app_id}})},
       {"isGroup", true},
       {"tenantId", config_.tenant},
       {"channelData", doc::object({{"channel", doc::object({{"id", std::move(channel)}})},
                                    {"tenant", doc::object({{"id", config_.tenant}})}})},
       {"activity", std::move(activity)}});
  const Answered<doc::Value> answer =
      co_await call("POST", std::move(service_url), "v3/conversations", std::move(wanted));
  if (!answer) co_return std::unexpected(answer.error());
  const Answered<std::string> id = id_in(*answer);
  if (!id) co_return std::unexpected(id.error());
  co_return Thread{*id, std::string(answer->text("activityId"))};
}

Task<Answered<Member>> Api::member(std::string service_url, std::string conversation,
                                   std::string user) {
  const Answered<doc::Value> answer = co_await call(
      "GET", std::move(service_url),
      "v3/conversations/" + percent_encoded(conversation) + "/members/" + percent_encoded(user),
      {});
  if (!answer) co_return std::unexpected(answer.error());
  std::string object(answer->text("aadObjectId"));
  if (object.empty()) object = answer->text("objectId");
  co_return Member{std::move(object), std::string(answer->text("tenantId")),
                   std::string(answer->text("userRole")),
                   std::string(answer->text("userPrincipalName"))};
}

Task<Answered<void>> Api::look_into(std::string service_url, std::string conversation) {
  const Answered<doc::Value> answer = co_await call(
      "GET", std::move(service_url),
      "v3/conversations/" + percent_encoded(conversation) + "/pagedmembers?pageSize=50", {});
  if (!answer) co_return std::unexpected(answer.error());
  co_return Answered<void>{};
}

}  // namespace keyturn::channels::teams
