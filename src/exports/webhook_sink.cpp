// POST, signed as Standard Webhooks says (standardwebhooks.com, spec 1.0).
#include <algorithm>
#include <charconv>

#include "crypto/crypto.h"
#include "crypto/webhook.h"
#include "exports/sinks.h"
#include "net/client.h"

namespace keyturn::exports {
namespace {

constexpr int kGone = 410;
constexpr unsigned kRetryAfterMax = 3600;

// Seconds; a date is not taken: the usual backoff applies.
unsigned retry_after(const net::ClientResponse& response) {
  const std::string_view text = response.headers.find("retry-after").value_or("");
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size()) return 0;
  return std::min(seconds, kRetryAfterMax);
}

// The same items, the same id, however often they are sent.
std::string message_id(const Batch& batch, std::string_view body) {
  return "msg_" + crypto::sha256_text(batch.items.front().uid() + "\n" + std::string(body))
                      .substr(std::string_view("sha256:").size(), 32);
}

class WebhookSink final : public Sink {
 public:
  WebhookSink(WebhookTarget target, Format format, Stopping stopping)
      : target_(std::move(target)), format_(format), stopping_(std::move(stopping)) {}

  Result<void> deliver(const Batch& batch) override {
    if (Result<void> known = load_key(); !known) return known;
    std::vector<std::string> lines;
    lines.reserve(batch.items.size());
    for (std::size_t i = 0; i < batch.items.size(); ++i)
      lines.push_back(line_of(format_, batch.items[i], batch.views[i]));
    Result<void> answered = post(message_id(batch, lines.front()), body_of(format_, lines));
    if (!answered) key_ = Secret();  // it may have been changed
    return answered;
  }

 private:
  Result<void> load_key() {
    if (!key_.empty()) return {};
    const Result<Secret> text = secrets::resolve(target_.secret);
    if (!text) return std::unexpected(text.error());
    Result<Secret> key = crypto::webhook_key(*text);
    if (!key) return std::unexpected(key.error());
    key_ = std::move(*key);
    return {};
  }

  Result<void> post(const std::string& id, Body body) {
    const std::string timestamp = std::to_string(unix_ms(SystemClock().now()) / 1000);
    net::ClientRequest request;
    request.method = "POST";
    request.url = target_.url;
    request.ca_file = target_.ca_file;
    request.headers = {
        {"Content-Type", body.content_type},
        {"webhook-id", id},
        {"webhook-timestamp", timestamp},
        {"webhook-signature", crypto::webhook_signature(key_, id, timestamp, body.bytes)}};
    request.body = std::move(body.bytes);
    request.timeout = std::chrono::seconds(30);
    request.body_bytes_max = 64 << 10;
    request.keep_going = [stopping = stopping_] { return !*stopping; };
    const Result<net::ClientResponse> response = net::fetch(request);
    // Its message may have the URL, and that a token in its path.
    if (!response) return refuse(response.error().code, words_for(response.error().code));
    if (response->status >= 200 && response->status < 300) return {};
    if (response->status == kGone)
      return refuse("gone", "the receiver answered 410: it wants nothing any more");
    Refusal refusal{"receiver_refused", "the receiver answered " + std::to_string(response->status),
                    ""};
    refusal.retry_after_s = retry_after(*response);
    return std::unexpected(std::move(refusal));
  }

  static std::string words_for(std::string_view code) {
    if (code == "cannot_connect") return "the receiver cannot be reached";
    if (code == "timeout") return "the receiver does not answer in time";
    if (code == "tls_failed") return "TLS with the receiver failed: look at its certificate and ca";
    if (code == "bad_url") return "the url cannot be used";
    return "the exchange with the receiver broke off";
  }

  WebhookTarget target_;
  Format format_;
  Stopping stopping_;
  Secret key_;
};

}  // namespace

std::unique_ptr<Sink> make_webhook_sink(const WebhookTarget& target, Format format,
                                        Stopping stopping) {
  return std::make_unique<WebhookSink>(target, format, std::move(stopping));
}

std::unique_ptr<Sink> make_sink(const Export& wanted, Stopping stopping) {
  if (const auto* file = std::get_if<FileTarget>(&wanted.to))
    return make_file_sink(*file, wanted.format);
  if (const auto* syslog = std::get_if<SyslogTarget>(&wanted.to))
    return make_syslog_sink(*syslog, wanted.format, std::move(stopping));
  return make_webhook_sink(std::get<WebhookTarget>(wanted.to), wanted.format, std::move(stopping));
}

}  // namespace keyturn::exports
