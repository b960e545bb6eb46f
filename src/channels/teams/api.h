// The connector of Bot Framework, as a bot calls it over REST (learn.microsoft.com, "Bot Framework
// REST API"), with a token of the bot's own.
//
// Threads: the I/O thread only.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "channels/channel.h"
#include "channels/teams/config.h"
#include "net/client.h"
#include "net/loop.h"

namespace keyturn::channels::teams {

using Fetch = std::function<Task<Result<net::ClientResponse>>(net::ClientRequest)>;
using ReadSecret = std::function<Task<Result<Secret>>(secrets::SecretReference)>;

struct ApiError {
  int status = 0;    // of the answer; 0: there was none
  std::string code;  // the connector's word, letters and digits only
  std::string why;   // for administrators: nothing of what was sent
  std::optional<Duration> retry_after;
};
template <class T>
using Answered = std::expected<T, ApiError>;

// What it means for who delivers: which of these will never work, and what to do then.
Undelivered undelivered(const ApiError& error);

// Client credentials (RFC 6749 §4.4) at the tenant; kept until shortly before they expire.
class BotToken {
 public:
  BotToken(const Config& config, net::Loop& loop, const Clock& clock, Fetch fetch,
           ReadSecret secret);
  Task<Answered<Secret>> get();
  void drop() { token_ = Secret(); }  // the connector does not take it
  const std::optional<ApiError>& trouble() const { return trouble_; }

 private:
  Task<Answered<Secret>> ask();
  const Config& config_;
  net::Loop& loop_;
  const Clock& clock_;
  Fetch fetch_;
  ReadSecret secret_;
  Secret token_;
  Time until_{};
  bool asking_ = false;
  std::vector<std::shared_ptr<net::Waiter>> waiting_;
  std::optional<ApiError> trouble_;
};

// Somebody in a conversation, as Teams knows them now.
struct Member {
  std::string object_id, tenant, role, principal_name;
};

class Api {
 public:
  Api(const Config& config, net::Loop& loop, const Clock& clock, Fetch fetch, ReadSecret secret)
      : config_(config), fetch_(fetch), token_(config, loop, clock, fetch, std::move(secret)) {}

  // The id of the new message. `conversation` may name a thread.
  Task<Answered<std::string>> post(std::string service_url, std::string conversation,
                                   doc::Value activity);
  Task<Answered<void>> update(std::string service_url, std::string conversation,
                              std::string message, doc::Value activity);
  // The chat with somebody of the tenant, by object id or "29:…".
  Task<Answered<std::string>> chat_with(std::string service_url, std::string user);
  // A new thread in a channel, with its first message.
  struct Thread {
    std::string conversation, message;
  };
  Task<Answered<Thread>> open_thread(std::string service_url, std::string channel,
                                     doc::Value activity);
  Task<Answered<Member>> member(std::string service_url, std::string conversation,
                                std::string user);

  // Whether the bot is in a conversation: nothing is sent there.
  Task<Answered<void>> look_into(std::string service_url, std::string conversation);

  BotToken& token() { return token_; }

 private:
  Task<Answered<doc::Value>> call(std::string method, std::string service_url, std::string path,
                                  doc::Value body);
  const Config& config_;
  Fetch fetch_;
  BotToken token_;
};

}  // namespace keyturn::channels::teams
