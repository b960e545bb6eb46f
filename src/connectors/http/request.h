// An http tool's request, put together from its arguments: as reviewers see it, and as it is sent.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/http_call.h"
#include "connectors/http/call.h"
#include "connectors/lending.h"
#include "gate/executor.h"
#include "secrets/redact.h"

namespace keyturn::connectors::http {

// All of a tool and its arguments that an execution needs.
struct Prepared {
  std::shared_ptr<const catalog::HttpCall> call;
  catalog::HttpMessage message;                        // what is sent; may hold secret parameters
  catalog::HttpMessage shown;                          // the same, "<secret: name>" in their places
  std::optional<catalog::HttpMessage> look;            // HttpCall::look
  std::string credential;                              // Tool::credential
  std::vector<std::pair<std::string, Secret>> hidden;  // secret parameters, for redaction
  bool has_secrets = false;                            // message and shown differ
  std::string operation;                               // Tool::operation
  Duration timeout{};
  std::int64_t output_bytes_max = 0;
};

// Precondition: args passed check_args. Refuses what render_http refuses.
[[nodiscard]] Result<Prepared> prepare(const catalog::Tool& tool, const doc::Value& args);

// What reviewers see: {kind, server, request: {method, url, headers, body, body_sha256}, …}. No
// secret values. `request` says the arguments again, and nothing besides (gate::kSayArguments).
gate::Described describe(const Prepared& prepared);

// Headers with secrets in them, and what takes these out of what comes back.
struct Secrets {
  net::Headers headers;
  secrets::Redactor redactor;
  // By name: where credentials may be sent, of those that are bound to places.
  std::vector<std::pair<std::string, std::vector<std::string>>> only_to;
};

// Blocks: resolves references. Code no_secret.
[[nodiscard]] Result<Secrets> secrets_of(const Prepared& prepared, const Lent& lent);

// Before each request that has them. Code not_sent_there: one may not be sent to this URL.
[[nodiscard]] Result<void> check_place(const Secrets& secrets, const std::string& url);

}  // namespace keyturn::connectors::http
