// What Keyturn itself says to a client about a gated call: in words a model can act on. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "doc/value.h"

namespace keyturn::mcp {

// What a CallToolResult of ours tells. Each is an object: content (one text), and with `outputs`
// (the tool has an outputSchema) isError, because clients refuse a result without
// structuredContent otherwise.
struct Told {
  std::string action, review_url;
  std::string state;    // of the action
  std::string words;    // why: who is asked, who denied, what failed
  bool modern = false;  // resultType: "complete"
  bool outputs = false;
};
// A successful result: it waits for people; ask again in the same words, or keyturn_wait.
doc::Value pending_result(const Told& told);
// isError: denied, expired, cancelled, failed before it began.
doc::Value refused_result(const Told& told);

// requestState of `input_required`: that this principal asked this, until then. Authenticated and
// opaque: base64url of a JSON object and its HMAC-SHA-256.
struct RequestState {
  std::string principal, upstream, method, args_digest, action;
  Time expires{};
  int leg = 0;
};
std::string seal_state(const RequestState& state, std::string_view key);
// Code invalid_state: not ours, altered, or over.
[[nodiscard]] Result<RequestState> open_state(std::string_view text, std::string_view key,
                                              Time now);
doc::Value input_required_result(std::string_view request_state);

// A task (2025-11-25 `tasks`, 2026-07-28 extension) that stands for a held call.
struct Task {
  std::string id, status, words;  // status: working, input_required, completed, failed, cancelled
  Time created{}, updated{};
  Duration ttl{}, poll{};
};
doc::Value task_value(const Task& task, bool modern);
doc::Value create_task_result(const Task& task, bool modern);

}  // namespace keyturn::mcp
