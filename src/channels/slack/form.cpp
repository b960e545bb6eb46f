#include "channels/slack/form.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/bytes.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::size_t kFieldsMax = 200;

bool stays(char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '*';
}

void escape(std::string& out, std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (stays(c))
      out += c;
    else if (c == ' ')
      out += '+';
    else
      (out += '%') += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+') {
      out += ' ';
    } else if (text[at] == '%') {
      const auto byte = from_hex(text.substr(at + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      out += *byte;
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

std::string to_form(const Form& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    escape(out, name);
    out += '=';
    escape(out, value);
  }
  return out;
}

std::optional<Form> from_form(std::string_view body) {
  Form out;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = unescape(pair.substr(0, equals));
    const auto value = unescape(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || out.size() >= kFieldsMax) return std::nullopt;
    out.emplace_back(*name, *value);
  }
  return out;
}

std::string field_of(const Form& form, std::string_view name) {
  const auto found = std::ranges::find(form, name, &Form::value_type::first);
  return found == form.end() ? "" : found->second;
}

}  // namespace keyturn::channels::slack
