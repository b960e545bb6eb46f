// Reading requests: JSON bodies, the Prefer header, query parameters. Strict: what is not
// understood is refused, with its place.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "doc/read.h"
#include "doc/value.h"
#include "net/http.h"

namespace keyturn::api {

// The body as one JSON object. An empty body is {} (a POST without fields). Codes:
// unsupported_media_type, invalid_json (with an offset), too_large, wrong_type.
[[nodiscard]] Result<doc::Value> json_body(const net::HttpRequest& request);

// A text that must be there: a problem at its own pointer when it is not, and "".
std::string required(doc::ObjectReader& fields, std::string_view key);

// Nothing wrong, or the first problem as a refusal.
[[nodiscard]] Result<void> checked(const doc::Problems& problems);

// Seconds of `Prefer: wait=N` (RFC 7240 §4.3), at most `most`; nullopt when it is not asked for.
// Other preferences are ignored, as RFC 7240 wants it. Code: invalid_prefer.
[[nodiscard]] Result<std::optional<Duration>> preferred_wait(const net::HttpRequest& request,
                                                             Duration most);

// Every parameter is one of `known` and stands once, unless it is in `repeatable`. Codes:
// unknown_parameter, invalid_parameter.
[[nodiscard]] Result<void> known_parameters(
    const net::HttpRequest& request, std::initializer_list<std::string_view> known,
    std::initializer_list<std::string_view> repeatable = {});

// Absent: nullopt. Code: invalid_parameter.
[[nodiscard]] Result<std::optional<std::uint64_t>> number_parameter(const net::HttpRequest& request,
                                                                    std::string_view name,
                                                                    std::uint64_t most);
[[nodiscard]] Result<std::optional<Time>> time_parameter(const net::HttpRequest& request,
                                                         std::string_view name);

}  // namespace keyturn::api
