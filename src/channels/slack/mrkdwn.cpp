#include "channels/slack/mrkdwn.h"

#include <array>
#include <utility>

namespace keyturn::channels::slack {
namespace {

// "<…>" without its brackets.
std::string form_as_read(std::string_view inner) {
  const std::size_t bar = inner.find('|');
  if (bar == std::string_view::npos || bar == 0) return std::string(inner);
  return std::string(inner.substr(bar + 1)) + " (" + std::string(inner.substr(0, bar)) + ")";
}

std::string unescaped(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 3> kEscapes{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}}};
  std::string out;
  while (!text.empty()) {
    std::string_view taken = text.substr(0, 1);
    char meant = text.front();
    for (const auto& [escape, c] : kEscapes) {
      if (!text.starts_with(escape)) continue;
      taken = escape;
      meant = c;
    }
    out += meant;
    text.remove_prefix(taken.size());
  }
  return out;
}

}  // namespace

std::string as_read(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t close = text.front() == '<' ? text.find('>') : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += text.front();
      text.remove_prefix(1);
    } else {
      out += form_as_read(text.substr(1, close - 1));
      text.remove_prefix(close + 1);
    }
  }
  return unescaped(out);
}

}  // namespace keyturn::channels::slack
