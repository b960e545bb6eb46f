// What URLs and headers of tools.yaml may say. Private to catalog/.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::catalog {

std::string lower_case(std::string_view text);

bool is_header_name(std::string_view text);  // a token (RFC 9110 §5.6.2)
bool is_field_text(std::string_view text);   // visible ASCII, spaces and tabs (§5.5)
// Its value is a credential, whatever it looks like.
bool is_secret_header(std::string_view name);
// In an answer: a credential, or leads to one.
bool holds_secrets(std::string_view name);

// What is wrong, in words; "" nothing. One that is Keyturn's own ends with "remove it".
std::string wrong_with_header(std::string_view name);
// https://HOST[:PORT], or http:// on this machine, and no path.
std::string wrong_with_server(std::string_view server);
// The literal parts of a path's template (RFC 3986 §3.3), "." and ".." and empty segments.
std::string wrong_with_path(std::string_view path);

}  // namespace keyturn::catalog
