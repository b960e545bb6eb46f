#include "net/response_head.h"

#include <array>
#include <charconv>
#include <ctime>

#include "net/request_head.h"

namespace keyturn::net {
namespace {

void append_number(std::string& out, std::size_t number, int base = 10) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, base);
  out.append(text.data(), end.ptr);
}

// Fields that say how the message is framed are the server's alone.
bool is_servers_own(std::string_view name) {
  return equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "connection") ||
         equal_ignoring_case(name, "date") || equal_ignoring_case(name, "transfer-encoding");
}

bool may_have_length(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

bool append_response_head(std::string& out, const HttpResponse& response,
                          const ResponseFraming& framing, std::string_view date) {
  if (response.status < 100 || response.status > 599) return false;
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\nDate: ";
  out += date;
  out += "\r\n";
  for (const Header& field : response.headers.all()) {
    if (!is_token(field.name) || !is_field_value(field.value)) return false;
    if (is_servers_own(field.name)) continue;
    out += field.name;
    out += ": ";
    out += field.value;
    out += "\r\n";
  }
  if (framing.is_chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (framing.has_length && may_have_length(response.status)) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  if (!framing.keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  return true;
}

std::string http_date(std::int64_t unix_seconds) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(tm.tm_wday)), tm.tm_mday,
                kMonths.at(static_cast<std::size_t>(tm.tm_mon)), tm.tm_year + 1900, tm.tm_hour,
                tm.tm_min, tm.tm_sec);
  return text.data();
}

void append_chunk(std::string& out, std::string_view bytes) {
  append_number(out, bytes.size(), 16);
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

}  // namespace keyturn::net
