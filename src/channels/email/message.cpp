#include "channels/email/message.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "render/runs.h"

namespace keyturn::channels::email {
namespace {

constexpr std::size_t kLineMax = 76;
constexpr std::size_t kWordBytes = 42;  // 56 in base64: an encoded word of 68

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

std::string two_digits(unsigned number) {
  return std::string(number < 10 ? "0" : "") + std::to_string(number);
}

// The most bytes that are whole characters, at most `most` of them.
std::size_t whole_characters(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end == 0 ? most : end;
}

// What may stand for itself in quoted-printable; a space or tab not at the end of a line.
std::string quoted(char c, bool ends_line) {
  const bool is_blank = c == ' ' || c == '\t';
  if ((is_blank && !ends_line) || (is_printable(c) && !is_blank && c != '=')) return {c};
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return {'=', kDigits[byte >> 4], kDigits[byte & 15]};
}

}  // namespace

std::string mail_date(Time time) {
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return std::string(kDays[std::chrono::weekday(day).c_encoding()]) + ", " +
         two_digits(static_cast<unsigned>(date.day())) + " " +
         kMonths[static_cast<unsigned>(date.month()) - 1] + " " +
         std::to_string(static_cast<int>(date.year())) + " " +
         two_digits(static_cast<unsigned>(clock.hours().count())) + ":" +
         two_digits(static_cast<unsigned>(clock.minutes().count())) + ":" +
         two_digits(static_cast<unsigned>(clock.seconds().count())) + " +0000";
}

std::string header_text(std::string_view text, std::size_t used) {
  std::string shown = render::to_plain_text(render::render_text(text, render::Style::kProse).runs);
  std::ranges::replace(shown, '\n', ' ');
  const bool is_plain = std::ranges::all_of(shown, is_printable) && !shown.contains("=?") &&
                        used + shown.size() <= kLineMax && !shown.starts_with(' ') &&
                        !shown.ends_with(' ');
  if (is_plain) return shown;
  std::string out;
  for (std::string_view rest = shown; !rest.empty();) {
    const std::size_t some = whole_characters(rest, kWordBytes);
    out += (out.empty() ? "" : "\r\n ") + std::string("=?utf-8?B?") +
           to_base64(rest.substr(0, some)) + "?=";
    rest.remove_prefix(some);
  }
  return out;
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n';
    const std::string next = quoted(text[i], ends_line);
    if (column + next.size() > kLineMax - 1) {
      out += "=\r\n";
      column = 0;
    }
    out += next;
    column += next.size();
  }
  return out;
}

std::string compose(const Letter& letter) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    out += std::string(name) + ": " + std::string(value) + "\r\n";
  };
  constexpr std::string_view kSubject = "Subject";
  add("From", "Keyturn <" + letter.from + ">");
  add("To", letter.to);
  add(kSubject, header_text(letter.subject, kSubject.size() + 2));
  add("Date", mail_date(letter.date));
  add("Message-ID", "<" + letter.id + ">");
  if (!letter.in_reply_to.empty()) {
    add("In-Reply-To", "<" + letter.in_reply_to + ">");
    add("References", "<" + letter.in_reply_to + ">");
  }
  add("Auto-Submitted", "auto-generated");  // RFC 3834: nobody's absence answers it
  add("MIME-Version", "1.0");
  add("Content-Type", "text/plain; charset=utf-8");
  add("Content-Transfer-Encoding", "quoted-printable");
  return out + "\r\n" + quoted_printable(letter.body);
}

}  // namespace keyturn::channels::email
