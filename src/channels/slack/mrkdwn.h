// What people wrote in Slack, as they read it there.
#pragma once

#include <string>
#include <string_view>

namespace keyturn::channels::slack {

// Slack's &-escapes and <…> forms (docs.slack.dev/messaging/formatting-message-text) undone:
// "<@U1>" becomes "@U1", "<https://a|b>" becomes "b (https://a)", "&lt;" becomes "<".
std::string as_read(std::string_view text);

}  // namespace keyturn::channels::slack
