// Slack's Web API (docs.slack.dev/apis/web-api): one call, and what its answer means.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "channels/channel.h"
#include "channels/kept_secret.h"
#include "channels/slack/form.h"
#include "doc/value.h"
#include "net/client.h"

namespace keyturn::channels::slack {

struct Failure {
  std::string word;    // Slack's: "channel_not_found"; or "unreachable", "http_500"
  Undelivered what;    // with words for administrators
  bool token = false;  // nothing goes while the token is what it is
};
using Answer = std::expected<doc::Value, Failure>;

// What Slack's error word means for what was to be said. Pure.
Failure failure_of(std::string_view method, std::string_view word, const doc::Value& answer);

class Client {
 public:
  using Fetch = std::function<Task<Result<net::ClientResponse>>(net::ClientRequest)>;
  Client(Fetch fetch, const Clock& clock, std::string api, std::string ca_file);

  // Borrowed.
  void use(KeptSecret& bot_token) { bot_token_ = &bot_token; }
  // With the bot's token. Where Slack asked to wait, nothing is sent before that.
  Task<Answer> call(std::string method, Form arguments,
                    Duration timeout = std::chrono::seconds(15));
  // With another one. `headers`: of the answer, if it is wanted.
  Task<Answer> call_as(Secret token, std::string method, Form arguments, Duration timeout,
                       net::Headers* headers = nullptr);

  // What is said to this user hangs in that conversation: Slack counts both as one.
  void one_place(std::string_view user, std::string_view conversation);
  // The conversation of a user, once it is known; any other channel itself.
  std::string place_of(std::string_view channel) const;

  // Why nothing goes: a token that was revoked, a scope that is missing. Until a call succeeds.
  const std::optional<Refusal>& trouble() const { return shut_ ? shut_ : trouble_; }
  // Nothing but auth.test goes before open(): the token is of another workspace, say.
  void shut(Refusal why) { shut_ = std::move(why); }
  void open() { shut_.reset(); }

 private:
  std::optional<Failure> must_wait(const std::string& line);
  std::string line_of(std::string_view method, const Form& arguments) const;
  Fetch fetch_;
  const Clock& clock_;
  std::string api_, ca_file_;
  KeptSecret* bot_token_ = nullptr;
  std::map<std::string, Time> until_;  // by method, and channel for what is said in one
  std::map<std::string, std::string, std::less<>> conversations_;  // by user
  std::optional<Refusal> trouble_, shut_;
};

}  // namespace keyturn::channels::slack
