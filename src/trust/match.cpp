#include <algorithm>

#include "trust/document.h"

namespace keyturn::trust {
namespace {

constexpr int kDepthMax = 4;

bool stops(char c) {
  return c == ':' || c == '/';
}

bool has(const doc::Value& wanted, const doc::Value* found, int depth) {
  if (found == nullptr || depth > kDepthMax) return false;
  if (wanted.is_object()) {
    return std::ranges::all_of(wanted.as_object(), [&](const doc::Member& member) {
      return has(member.value, found->find(member.key), depth + 1);
    });
  }
  if (wanted.is_string())
    return found->is_string() && matches(wanted.as_string(), found->as_string());
  return wanted == *found;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace

// Row by row over the pattern: reach[i] says that the pattern so far fits text[0, i).
bool matches(std::string_view pattern, std::string_view text) {
  std::vector<char> reach(text.size() + 1, 0);
  reach[0] = 1;
  for (std::size_t p = 0; p < pattern.size(); ++p) {
    if (pattern[p] != '*') {
      for (std::size_t i = text.size(); i > 0; --i)
        reach[i] = reach[i - 1] != 0 && text[i - 1] == pattern[p] ? 1 : 0;
      reach[0] = 0;
      continue;
    }
    const bool any = p + 1 < pattern.size() && pattern[p + 1] == '*';
    if (any) ++p;
    for (std::size_t i = 1; i <= text.size(); ++i) {
      if (reach[i - 1] != 0 && (any || !stops(text[i - 1]))) reach[i] = 1;
    }
  }
  return reach[text.size()] != 0;
}

bool matches(const AgentRule& rule, const doc::Value& claims) {
  return rule.claims.is_object() && !rule.claims.as_object().empty() && claims.is_object() &&
         has(rule.claims, &claims, 0);
}

bool is_safe_url(std::string_view url) {
  const bool plain = url.starts_with("http://");
  if (!plain && !url.starts_with("https://")) return false;
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      return false;
  }
  if (url.find_first_of("?#\\@\"<>") != std::string_view::npos) return false;
  std::string_view host = url.substr(plain ? 7 : 8);
  host = host.substr(0, host.find('/'));
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
    host = host.substr(0, colon);
  if (host.empty()) return false;
  return !plain || is_loopback(host);
}

}  // namespace keyturn::trust
