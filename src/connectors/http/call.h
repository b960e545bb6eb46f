// One HTTP exchange for a tool: bounded in time and size, never repeated, never sent on.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "catalog/http_call.h"
#include "net/exchange.h"

namespace keyturn::connectors::http {

struct CallRequest {
  catalog::HttpMessage message;
  net::Headers secrets;  // besides the message's own
  std::string ca_file;
  catalog::HttpAddresses addresses;
  Duration timeout{};         // of all of it
  std::size_t bytes_max = 0;  // of the body that is kept; more is not read
  // Asked before the first byte is sent (net::ExchangeRequest).
  std::function<Task<Result<void>>()> before_send;
};

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;
  bool is_cut = false;     // there was more
  bool broke_off = false;  // the rest never came
};

// What came of it: an answer, or why there is none, or not all of it. With `lost` and an answer,
// the answer is its head and what came of the body.
struct Called {
  bool sent = false;  // some of the request may have arrived
  std::optional<Answer> answer;
  std::optional<Refusal> lost;  // codes as of net::ExchangeClient::send, and timeout
};

// `client` keeps no connections, so that each call is made on its own. I/O thread.
Task<Called> call(net::Loop& loop, net::ExchangeClient& client, CallRequest request);

}  // namespace keyturn::connectors::http
