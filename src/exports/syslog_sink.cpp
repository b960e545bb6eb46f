// Syslog over TCP or TLS, framed by octet counting (RFC 6587 §3.4.1, RFC 5425 §4.3).
#include "exports/sinks.h"

namespace keyturn::exports {
namespace {

class SyslogSink final : public Sink {
 public:
  SyslogSink(net::StreamTarget target, Format format, Stopping stopping)
      : target_(std::move(target)), format_(format), stopping_(std::move(stopping)) {}

  Result<void> deliver(const Batch& batch) override {
    if (stream_ && stream_->is_closed()) {
      stream_.reset();
      return refuse("connection_lost", where() + " closed the connection");
    }
    if (Result<void> connected = connect(); !connected) return connected;
    std::string frames;
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
      const std::string message = syslog_message(format_, batch.items[i], batch.views[i]);
      frames += std::to_string(message.size()) + " " + message;
    }
    const Result<void> sent = stream_->send(frames);
    if (sent) return {};
    stream_.reset();
    return refuse("connection_lost", sent.error().message);
  }

 private:
  std::string where() const { return target_.host + ":" + std::to_string(target_.port); }

  Result<void> connect() {
    if (stream_) return {};
    auto stream = net::ByteStream::connect(target_, [stopping = stopping_] { return !*stopping; });
    if (!stream) return std::unexpected(stream.error());
    stream_ = std::move(*stream);
    return {};
  }

  net::StreamTarget target_;
  Format format_;
  Stopping stopping_;
  std::unique_ptr<net::ByteStream> stream_;
};

}  // namespace

std::unique_ptr<Sink> make_syslog_sink(const SyslogTarget& target, Format format,
                                       Stopping stopping) {
  return std::make_unique<SyslogSink>(target.stream, format, std::move(stopping));
}

}  // namespace keyturn::exports
