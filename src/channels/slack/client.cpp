#include "channels/slack/client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "base/task_impl.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

using Kind = Undelivered::Kind;
constexpr std::size_t kAnswerBytesMax = 2 << 20;
constexpr Duration kWaitUnsaid = std::chrono::seconds(1), kWaitMax = std::chrono::hours(1);

struct Meaning {
  std::string_view word;
  std::string_view advice;
};

// Nothing goes until somebody mends the installation.
constexpr auto kTokens = std::to_array<Meaning>({
    {"invalid_auth", "the bot token is none of Slack's: check bot_token"},
    {"not_authed", "no bot token was sent: check bot_token"},
    {"token_revoked", "the bot token was revoked: install the app again and change bot_token"},
    {"token_expired", "the bot token has expired: install the app again and change bot_token"},
    {"account_inactive", "the app was uninstalled or its bot deactivated: install it again"},
    {"missing_scope", "the app lacks a scope: add it and install the app again"},
    {"not_allowed_token_type", "this is a token of another kind: check which token is which"},
    {"org_login_required", "the workspace is being moved to an organisation: wait, or ask Slack"},
    {"team_access_not_granted", "the app was not granted to this workspace: grant it there"},
    {"access_denied", "the app may not be used in this workspace: ask its administrators"},
});

// The same of the app-level token, which opens connections and nothing else.
constexpr auto kAppTokens = std::to_array<Meaning>({
    {"invalid_auth", "the app-level token is none of Slack's: check app_token"},
    {"not_authed", "no app-level token was sent: check app_token"},
    {"token_revoked",
     "the app-level token was revoked: generate another one with connections:write (Basic "
     "Information), and change app_token"},
    {"token_expired",
     "the app-level token has expired: generate another one with connections:write (Basic "
     "Information), and change app_token"},
    {"missing_scope",
     "the app-level token lacks a scope: generate another one with connections:write (Basic "
     "Information), and change app_token"},
    {"not_allowed_token_type", "app_token is to be the app-level token, xapp-…"},
});

// This place will not take it, whatever we do again.
constexpr auto kNever = std::to_array<Meaning>({
    {"channel_not_found",
     "there is no such channel, or the bot cannot see it: invite it there, or "
     "correct rooms"},
    {"not_in_channel", "the bot is not in that channel: invite it there"},
    {"is_archived", "that channel is archived: name another in rooms"},
    {"user_not_found", "that account is not in the workspace any more"},
    {"users_not_found", "that account is not in the workspace any more"},
    {"user_disabled", "that account is deactivated"},
    {"cannot_dm_bot", "that account is a bot"},
    {"messages_tab_disabled", "the app's Messages tab is off: turn it on (App Home)"},
    {"restricted_action", "the workspace does not let the bot post there"},
    {"restricted_action_read_only_channel", "only some people may post in that channel"},
    {"restricted_action_thread_only_channel", "that channel takes answers in threads only"},
    {"no_permission", "the bot may not post there"},
    {"ekm_access_denied", "the workspace's administrators have suspended posting"},
    {"cant_update_message", "the message is not the bot's"},
    {"edit_window_closed", "the workspace does not let messages be changed so late"},
    {"message_not_found", "the message was deleted"},
    {"thread_not_found", "the message was deleted"},
    {"msg_too_long", "the message is too long for Slack"},
    {"msg_blocks_too_long", "the message is too long for Slack"},
    {"invalid_blocks", "Slack does not take the message: please report it"},
    {"invalid_arguments", "Slack does not take the message: please report it"},
    {"user_is_restricted", "that account is a guest"},
    {"expired_trigger_id", "Slack waited too short a time: click again"},
    {"trigger_expired", "Slack waited too short a time: click again"},
    {"cannot_unfurl_url", "Slack does not show a card for that link"},
});

// Slack's own trouble, which passes.
constexpr auto kPassing = std::to_array<Meaning>({
    {"internal_error", "Slack has trouble"},
    {"fatal_error", "Slack has trouble"},
    {"service_unavailable", "Slack has trouble"},
    {"request_timeout", "the request did not arrive whole"},
    {"accesslimited", "Slack limits access just now"},
    {"team_added_to_org", "the workspace is being moved to an organisation"},
});

const Meaning* find(std::string_view word, const auto& table) {
  const auto found = std::ranges::find(table, word, &Meaning::word);
  return found == table.end() ? nullptr : &*found;
}

// The other side's word is not trusted to be one.
std::string plain_word(std::string_view word) {
  std::string out(word.substr(0, 60));
  std::erase_if(out, [](char c) { return !(is_lower(c) || is_digit(c) || c == '_'); });
  return out.empty() ? "no_word" : out;
}

std::string scopes_of(std::string_view needed) {
  std::string out(needed.substr(0, 100));
  std::erase_if(
      out, [](char c) { return !(is_lower(c) || c == ':' || c == '.' || c == ',' || c == '_'); });
  return out;
}

Failure unreachable(std::string_view method, std::string why, std::string word) {
  return {std::move(word), {Kind::kUnreachable, std::string(method) + ": " + why, {}}, false};
}

// Seconds of Retry-After (Slack sends no dates).
Duration wait_of(const net::ClientResponse& response) {
  const std::string_view text = response.headers.find("Retry-After").value_or("");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || seconds <= 0) return kWaitUnsaid;
  return std::min<Duration>(std::chrono::seconds(seconds), kWaitMax);
}

bool is_said_in_a_place(std::string_view method) {
  return method == "chat.postMessage" || method == "chat.postEphemeral";
}

Failure rate_limited(std::string_view method, Duration wait) {
  return {"ratelimited",
          {is_said_in_a_place(method) ? Kind::kPlaceBusy : Kind::kBusy,
           std::string(method) + ": Slack asks to wait", wait},
          false};
}

}  // namespace

Failure failure_of(std::string_view method, std::string_view said, const doc::Value& answer) {
  const std::string word = plain_word(said);
  const std::string begin = std::string(method) + ": " + word;
  const Meaning* token = method == "apps.connections.open" ? find(word, kAppTokens) : nullptr;
  if (token == nullptr) token = find(word, kTokens);
  if (token != nullptr) {
    std::string why = begin + ": " + std::string(token->advice);
    if (const std::string needed = scopes_of(answer.text("needed")); !needed.empty())
      why += " (" + needed + ")";
    return {word, {Kind::kUnreachable, std::move(why), {}}, true};
  }
  if (const Meaning* meaning = find(word, kNever))
    return {word, {Kind::kNever, begin + ": " + std::string(meaning->advice), {}}, false};
  if (word == "ratelimited" || word == "rate_limited" || word == "message_limit_exceeded")
    return rate_limited(method, kWaitUnsaid);
  if (const Meaning* meaning = find(word, kPassing))
    return {word, {Kind::kUnreachable, begin + ": " + std::string(meaning->advice), {}}, false};
  // A word that nobody here knows: tried again for ever, it would hold up everything else.
  return {word, {Kind::kNever, begin, {}}, false};
}

Client::Client(Fetch fetch, const Clock& clock, std::string api, std::string ca_file)
    : fetch_(std::move(fetch)), clock_(clock), api_(std::move(api)), ca_file_(std::move(ca_file)) {}

void Client::one_place(std::string_view user, std::string_view conversation) {
  if (!conversation.empty() && user != conversation)
    conversations_.insert_or_assign(std::string(user), std::string(conversation));
}

std::string Client::place_of(std::string_view channel) const {
  const auto found = conversations_.find(channel);
  return found == conversations_.end() ? std::string(channel) : found->second;
}

std::string Client::line_of(std::string_view method, const Form& arguments) const {
  std::string out(method);
  if (is_said_in_a_place(method)) out += " " + place_of(field_of(arguments, "channel"));
  return out;
}

std::optional<Failure> Client::must_wait(const std::string& line) {
  const Time now = clock_.now();
  std::erase_if(until_, [&](const auto& one) { return one.second <= now; });
  const auto found = until_.find(line);
  if (found == until_.end()) return std::nullopt;
  return rate_limited(line.substr(0, line.find(' ')), found->second - now);
}

Task<Answer> Client::call(std::string method, Form arguments, Duration timeout) {
  if (shut_ && method != "auth.test")
    co_return std::unexpected(Failure{shut_->code, {Kind::kUnreachable, shut_->message, {}}, true});
  const std::string line = line_of(method, arguments);
  if (auto wait = must_wait(line)) co_return std::unexpected(std::move(*wait));
  const Result<Secret> token = co_await bot_token_->get();
  if (!token) {
    trouble_ = token.error();
    co_return std::unexpected(
        Failure{token.error().code, {Kind::kUnreachable, token.error().message, {}}, true});
  }
  Answer answer = co_await call_as(*token, method, std::move(arguments), timeout);
  if (answer) {
    trouble_.reset();
  } else if (answer.error().token) {
    trouble_ = Refusal{answer.error().word, answer.error().what.why, ""};
    if (answer.error().word != "missing_scope") bot_token_->doubt();
  } else if (answer.error().what.retry_after) {
    until_[line] = clock_.now() + *answer.error().what.retry_after;
  }
  co_return answer;
}

Task<Answer> Client::call_as(Secret token, std::string method, Form arguments, Duration timeout,
                             net::Headers* headers) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = api_ + "/" + method;
  request.headers.add("Authorization", "Bearer " + std::string(token.reveal()));
  request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = to_form(arguments);
  request.ca_file = ca_file_;
  request.timeout = timeout;
  request.connect_timeout = std::min<Duration>(timeout, std::chrono::seconds(10));
  request.body_bytes_max = kAnswerBytesMax;
  const Result<net::ClientResponse> response = co_await fetch_(std::move(request));
  if (!response)
    co_return std::unexpected(unreachable(method, response.error().message, "unreachable"));
  if (headers != nullptr) *headers = response->headers;
  if (response->status == 429) co_return std::unexpected(rate_limited(method, wait_of(*response)));
  const Result<doc::Value> body = doc::parse_json(response->body, {.bytes_max = kAnswerBytesMax});
  if (response->status != 200 || !body || !body->is_object()) {
    const std::string status = std::to_string(response->status);
    co_return std::unexpected(
        unreachable(method, "Slack answered with status " + status, "http_" + status));
  }
  if (body->flag("ok")) co_return *body;
  co_return std::unexpected(failure_of(method, body->text("error"), *body));
}

}  // namespace keyturn::channels::slack
