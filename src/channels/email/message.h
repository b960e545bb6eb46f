// A mail as RFC 5322, RFC 2047 and RFC 2045 write it: text/plain, UTF-8. Pure. Whatever the texts
// hold, each stays where it belongs.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace keyturn::channels::email {

struct Letter {
  std::string from, to;     // addresses alone
  std::string subject;      // any text; control characters are shown as the renderer does
  std::string id;           // without < and >
  std::string in_reply_to;  // "": it answers nothing
  Time date;
  std::string body;  // lines end in "\n"
};

// Lines end in CR LF; ASCII alone; none is longer than 998 bytes.
std::string compose(const Letter& letter);

// A header's text: as it is where that is plain, else encoded words (RFC 2047), folded. `used`: how
// much of the first line is taken.
std::string header_text(std::string_view text, std::size_t used);
// Quoted-printable (RFC 2045 §6.7), "\n" as CR LF.
std::string quoted_printable(std::string_view text);
// "Sat, 21 Nov 2026 05:04:43 +0000" (RFC 5322 §3.3).
std::string mail_date(Time time);

}  // namespace keyturn::channels::email
