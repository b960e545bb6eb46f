// Sends mail by SMTP (RFC 5321) over libcurl. Blocking: for pools and the command line.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace keyturn::net {

struct MailServer {
  std::string url;     // smtps://HOST[:PORT], or smtp://HOST[:PORT] with STARTTLS
  bool plain = false;  // smtp:// without TLS
  std::string user;    // "": no AUTH
  Secret password;
  std::string ca_file;  // PEM of trusted roots instead of the system's
  Duration connect_timeout = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(60);  // of the whole exchange
  std::function<bool()> keep_going;             // asked about once a second; false ends it
};

struct Mail {
  std::string from, to;  // addresses alone (is_mail_address)
  std::string message;   // RFC 5322, whole, with lines that end in CR LF
};

// An address that needs no quoting and no extension: ASCII, a dot-atom, "@", a host name; 254 bytes
// at most (RFC 5321 §4.1.2).
bool is_mail_address(std::string_view text);

// The server has it when this returns. Without TLS where it was asked for, nothing is sent; its
// certificate must be of the host. Words name the server's status codes ("550 5.1.1"), never its
// text, which may hold addresses. Codes:
//  bad_address        from or to is none, nothing was sent
//  recipient_refused  for good (5xx to RCPT); recipient_later: not now (4xx)
//  message_refused    for good (5xx to DATA or what came with it); message_later: not now
//  login_refused, sender_refused: 5xx to AUTH, to MAIL
//  try_later          any other 4xx
//  cannot_connect, timeout, tls_failed, bad_url, stopped, transfer_failed: as in net/client.h
[[nodiscard]] Result<void> send_mail(const MailServer& server, const Mail& mail);

// Whether one gets as far as being logged in. Codes as above.
[[nodiscard]] Result<void> try_mail_server(const MailServer& server);

}  // namespace keyturn::net
