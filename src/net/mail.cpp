#include "net/mail.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/ascii.h"
#include "net/curl.h"

namespace keyturn::net {
namespace {

constexpr std::size_t kAddressMax = 254;

bool is_atom(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").contains(c);
}

// How far it came: the verb that was sent last, and the last line of the answer to it.
struct MailExchange {
  const MailServer& server;
  std::string_view unsent;
  std::string verb;
  std::string reply;
  bool is_over = false;  // it says good-bye: what counts was said before
};

int note(CURL*, curl_infotype type, char* data, std::size_t size, void* user) {
  auto& exchange = *static_cast<MailExchange*>(user);
  const std::string_view line(data, size);
  constexpr std::size_t kVerb = 4;
  constexpr std::size_t kReplyMax = 64;
  if (exchange.is_over || line.starts_with("QUIT")) {
    exchange.is_over = true;
  } else if (type == CURLINFO_HEADER_OUT) {
    exchange.verb = line.substr(0, kVerb);
    exchange.reply.clear();
  } else if (type == CURLINFO_HEADER_IN) {
    exchange.reply = line.substr(0, kReplyMax);
  }
  return 0;
}

std::size_t give(char* to, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<MailExchange*>(user);
  const std::size_t some = std::min(size, exchange.unsent.size());
  std::memcpy(to, exchange.unsent.data(), some);
  exchange.unsent.remove_prefix(some);
  return some;
}

std::size_t drop(char*, std::size_t, std::size_t size, void*) {
  return size;
}

int ask_sender(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<MailExchange*>(user)->server.keep_going() ? 0 : 1;
}

void set_options(CURL* easy, MailExchange& exchange) {
  const MailServer& server = exchange.server;
  curl_easy_setopt(easy, CURLOPT_URL, server.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USE_SSL,
                   static_cast<long>(server.plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!server.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, server.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(server.connect_timeout));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(server.timeout));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);  // to note(), and nowhere else
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, note);
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &exchange);
  if (!server.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, server.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, std::string(server.password.reveal()).c_str());
  }
  if (server.keep_going) {
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, ask_sender);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &exchange);
  }
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

// "550 5.1.1": the reply code (RFC 5321 §4.2) and, where there is one, the enhanced one (RFC 3463).
std::string status_of(std::string_view reply) {
  constexpr std::size_t kCode = 3;
  if (reply.size() < kCode || !is_digits(reply.substr(0, kCode))) return {};
  std::string out(reply.substr(0, kCode));
  reply.remove_prefix(std::min(kCode + 1, reply.size()));
  const std::string_view enhanced = reply.substr(0, reply.find_first_of(" \r\n"));
  const bool is_enhanced =
      enhanced.size() >= 5 && enhanced.size() <= 11 && enhanced[1] == '.' &&
      std::ranges::all_of(enhanced, [](char c) { return c == '.' || is_digit(c); });
  return is_enhanced ? out + " " + std::string(enhanced) : out;
}

// Which step was answered so, in a code of ours.
std::string_view code_for(std::string_view verb, bool for_good) {
  if (verb == "RCPT") return for_good ? "recipient_refused" : "recipient_later";
  // Once DATA was agreed to, what is sent is no command.
  if (verb == "DATA") return for_good ? "message_refused" : "message_later";
  if (!for_good) return "try_later";
  return verb == "MAIL" ? "sender_refused" : "transfer_failed";
}

std::string words_for(std::string_view code) {
  if (code == "recipient_refused") return "the mail server does not know this recipient";
  if (code == "recipient_later") return "the mail server does not take mail for this recipient now";
  if (code == "message_refused") return "the mail server refuses this message";
  if (code == "message_later" || code == "try_later")
    return "the mail server asks to try again later";
  if (code == "login_refused") return "the mail server refuses user and password";
  if (code == "sender_refused") return "the mail server refuses the sender's address (from)";
  if (code == "cannot_connect") return "the mail server cannot be reached";
  if (code == "timeout") return "the mail server does not answer in time";
  if (code == "tls_failed")
    return "TLS with the mail server failed: look at its certificate and ca, and whether it offers "
           "STARTTLS";
  if (code == "bad_url") return "the address of the mail server cannot be used";
  if (code == "stopped") return "it was stopped";
  return "the exchange with the mail server broke off";
}

std::unexpected<Refusal> refusal_of(CURLcode code, const MailExchange& exchange) {
  std::string word(curl_failure(code, "transfer_failed"));
  const std::string status = status_of(exchange.reply);
  if (code == CURLE_LOGIN_DENIED) {
    word = status.starts_with('4') ? "try_later" : "login_refused";
  } else if (code == CURLE_USE_SSL_FAILED) {
    word = "tls_failed";
  } else if (word == "transfer_failed" && (status.starts_with('5') || status.starts_with('4'))) {
    word = code_for(exchange.verb, status.starts_with('5'));
  }
  return refuse(word, words_for(word) + (status.empty() ? "" : " (" + status + ")"));
}

Result<void> perform(CURL* easy, const MailExchange& exchange) {
  const CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_OK) return {};
  return refusal_of(code, exchange);
}

}  // namespace

bool is_mail_address(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || text.size() > kAddressMax) return false;
  const std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  const auto dotted = [](std::string_view part) {
    return !part.empty() && part.front() != '.' && part.back() != '.' && !part.contains("..");
  };
  return dotted(local) && dotted(domain) && std::ranges::all_of(local, is_atom) &&
         domain.front() != '-' && std::ranges::all_of(domain, [](char c) {
           return is_alphanumeric(c) || c == '-' || c == '.';
         });
}

Result<void> send_mail(const MailServer& server, const Mail& mail) {
  for (const std::string& address : {mail.from, mail.to}) {
    if (!is_mail_address(address))
      return refuse("bad_address", "this mail address cannot be used: it is to be plain ASCII");
  }
  start_curl_once();
  const Easy easy(curl_easy_init());
  const std::unique_ptr<curl_slist, FreeList> to(
      curl_slist_append(nullptr, ("<" + mail.to + ">").c_str()));
  if (!easy || !to) return refuse("transfer_failed", "cannot send mail: out of memory");
  MailExchange exchange{server, mail.message, {}, {}, false};
  set_options(easy.get(), exchange);
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, to.get());
  curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, give);
  curl_easy_setopt(easy.get(), CURLOPT_READDATA, &exchange);
  return perform(easy.get(), exchange);
}

Result<void> try_mail_server(const MailServer& server) {
  start_curl_once();
  const Easy easy(curl_easy_init());
  if (!easy) return refuse("transfer_failed", "cannot reach the mail server: out of memory");
  MailExchange exchange{server, {}, {}, {}, false};
  set_options(easy.get(), exchange);
  curl_easy_setopt(easy.get(), CURLOPT_NOBODY, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, "NOOP");
  return perform(easy.get(), exchange);
}

}  // namespace keyturn::net
