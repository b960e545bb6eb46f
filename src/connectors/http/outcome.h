// What the answer to a tool's request means for the record. Pure.
#pragma once

#include "catalog/http_call.h"
#include "connectors/http/call.h"
#include "model/action.h"
#include "secrets/redact.h"

namespace keyturn::connectors::http {

// 2xx, or what the tool calls success, is succeeded; the rest is failed. But a request that changes
// something is unknown, and never sent again by itself, when it went out and
//  - no answer came, or not all of one;
//  - the answer was 5xx, and the tool does not say that nothing has changed then (failed_on);
//  - the answer was 2xx and none of those that the tool calls success, or 301, 302 or 303, which
//    come after the work was done as well as before.
// result: {status, headers, body}; headers are those that the tool shows, body is JSON where the
// answer says so and it parses, else text. Known secrets are taken out of all of it.
Outcome outcome_of(const catalog::HttpCall& call, const Called& called,
                   const secrets::Redactor& redactor, std::size_t bytes_max);

// The body as it may be shown: redacted, JSON or text, at most `bytes_max` of it.
doc::Value shown_body(const Answer& answer, const secrets::Redactor& redactor,
                      std::size_t bytes_max, bool& truncated);

}  // namespace keyturn::connectors::http
