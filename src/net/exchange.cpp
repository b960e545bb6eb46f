#include "net/exchange.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/beast/core/error.hpp>
#include <vector>

#include "base/task_impl.h"
#include "net/answer_body.h"
#include "net/kept_wires.h"
#include "net/request_head.h"
#include "net/url.h"
#include "net/wire.h"

namespace keyturn::net {
namespace {

using boost::system::error_code;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr int kInterimMax = 16;  // heads of 1xx before the answer's own
// Servers close what is silent, many after 5 s (Node, uvicorn): sooner than that, so that a request
// does not meet the end of its connection.
constexpr Duration kIdle = std::chrono::seconds(4), kIdleMost = std::chrono::seconds(60),
                   kIdleSlack = std::chrono::seconds(1);

Result<std::string> request_text(const ExchangeRequest& request, const ServiceAddress& to) {
  if (!is_token(request.method)) return refuse("bad_header", "the method is no word");
  std::string out =
      request.method + " " + to.path + " HTTP/1.1\r\nHost: " + to.authority() + "\r\n";
  bool has_agent = false;
  for (const Header& field : request.headers.all()) {
    if (!is_token(field.name) || !is_field_value(field.value))
      return refuse("bad_header",
                    "header " + field.name + " cannot be sent: it holds a control character");
    const auto is = [&](std::string_view name) { return equal_ignoring_case(field.name, name); };
    if (is("host") || is("content-length") || is("transfer-encoding") || is("connection")) continue;
    has_agent = has_agent || is("user-agent");
    out += field.name + ": " + field.value + "\r\n";
  }
  if (!has_agent) out += "User-Agent: keyturn\r\n";
  if (!request.body.empty() ||
      (request.method != "GET" && request.method != "HEAD" && request.method != "DELETE"))
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return out + "\r\n" + request.body;
}

Duration idle_of(const AnswerHead& head) {
  if (!head.idle) return kIdle;
  return std::clamp(*head.idle - kIdleSlack, Duration::zero(), kIdleMost);
}

// What reads the answer: a wire, and the bytes that came and nobody has taken.
struct Reading {
  std::unique_ptr<Wire> wire;
  std::array<char, kReadBytes> block;
  std::string pending;
  bool is_kept = false;  // had exchanges before this one
  bool heard = false;    // a byte of this answer came

  Task<error_code> more() {
    const Wire::Read got = co_await wire->read(block.data(), block.size());
    pending.append(block.data(), got.bytes);
    heard = heard || got.bytes > 0;
    co_return got.error;
  }
};

struct Shared {
  Shared(Loop& loop, std::size_t idle_per_host_max) : dialer(loop), kept(loop, idle_per_host_max) {}
  Dialer dialer;
  KeptWires kept;
};

class LiveExchange final : public Exchange {
 public:
  LiveExchange(std::weak_ptr<Shared> shared, std::string where, std::string host,
               std::unique_ptr<Reading> reading, AnswerHead head, Duration silence)
      : shared_(std::move(shared)),
        where_(std::move(where)),
        host_(std::move(host)),
        reading_(std::move(reading)),
        head_(std::move(head)),
        body_(head_),
        silence_(silence) {
    if (head_.body == AnswerHead::Body::kNone ||
        (head_.body == AnswerHead::Body::kLength && head_.length == 0))
      finish();
  }

  int status() const override { return head_.status; }
  const Headers& headers() const override { return head_.headers; }

  Task<Result<std::optional<std::string>>> read() override {
    while (true) {
      if (failure_) co_return std::unexpected(*failure_);
      std::string piece = take();
      if (!piece.empty()) co_return piece;
      if (is_whole_) co_return std::nullopt;
      if (failure_) continue;
      if (silence_ > Duration::zero())
        reading_->wire->tcp().expires_after(silence_);
      else
        reading_->wire->tcp().expires_never();
      const error_code error = co_await reading_->more();
      if (error) ended(error);
    }
  }

  void cut() override {
    if (is_whole_) return;
    if (!failure_) failure_ = Refusal{"stopped", "the exchange was cut", ""};
    reading_->wire->close();
  }

 private:
  // What of the body is there already. When that is all of it, the connection is free.
  std::string take() {
    std::string piece;
    if (is_whole_ || failure_) return piece;
    std::string_view rest = reading_->pending;
    const AnswerBody::State state = body_.feed(rest, piece);
    reading_->pending.erase(0, reading_->pending.size() - rest.size());
    if (state == AnswerBody::State::kMalformed) fail("its answer's framing is broken");
    if (state == AnswerBody::State::kWhole) finish();
    return piece;
  }

  void fail(const std::string& why, std::string code = "transfer_failed") {
    if (!failure_) failure_ = Refusal{std::move(code), host_ + ": " + why, ""};
    reading_->wire->close();
  }

  void finish() {
    is_whole_ = true;
    const auto shared = shared_.lock();
    const bool clean = reading_->pending.empty() && head_.keep_alive;
    if (clean && shared) shared->kept.keep(where_, std::move(reading_->wire), idle_of(head_));
    reading_->wire.reset();
  }

  void ended(error_code error) {
    if (failure_) return;
    const bool in_good_order = error == boost::asio::error::eof;
    if (in_good_order && body_.ends_with_connection()) return finish();
    if (error == boost::beast::error::timeout) return fail("it was silent too long", "timeout");
    fail("the connection ended in the middle of its answer");
  }

  std::weak_ptr<Shared> shared_;
  std::string where_, host_;
  std::unique_ptr<Reading> reading_;
  AnswerHead head_;
  AnswerBody body_;
  Duration silence_;
  bool is_whole_ = false;
  std::optional<Refusal> failure_;
};

// One try on one connection.
struct Attempt {
  std::unique_ptr<Reading> reading;
  const ExchangeRequest& request;
  const ServiceAddress& to;

  std::unexpected<Refusal> failed(error_code error) const {
    if (request.abort && request.abort->is_aborted()) return refuse("stopped", "it was stopped");
    if (error == boost::beast::error::timeout)
      return refuse("timeout", to.host + " did not answer in time");
    return refuse("transfer_failed",
                  to.host + (reading->heard ? " closed the connection in the middle of its answer"
                                            : " closed the connection without an answer"));
  }

  // An answer that comes before its request was read is an answer.
  Task<Result<AnswerHead>> run(std::string_view text) {
    Wire& wire = *reading->wire;
    wire.tcp().expires_after(request.head_timeout);
    const error_code unsent = co_await wire.write(text);
    if (unsent == boost::beast::error::timeout) co_return failed(unsent);
    wire.tcp().expires_after(request.head_timeout);
    auto head = co_await read_head();
    if (!head && !reading->heard && unsent && reading->is_kept &&
        head.error().code == "transfer_failed")
      co_return refuse("stale", "");
    if (head && unsent) head->keep_alive = false;
    co_return head;
  }

  Task<Result<AnswerHead>> read_head() {
    std::size_t looked = 0;
    for (int interim = 0; interim < kInterimMax;) {
      const auto end = find_head_end(reading->pending, looked);
      if (!end) co_return refuse("transfer_failed", to.host + ": " + end.error().detail);
      if (!*end) {
        if (reading->pending.size() >= request.head_bytes_max)
          co_return refuse("too_large", "the head of the answer of " + to.host + " is too large");
        const error_code error = co_await reading->more();
        if (error) co_return failed(error);
        continue;
      }
      auto head =
          parse_answer_head(std::string_view(reading->pending).substr(0, **end), request.method);
      if (!head) co_return refuse("transfer_failed", to.host + ": " + head.error().detail);
      reading->pending.erase(0, **end);
      if (head->status >= 200) co_return std::move(*head);
      looked = 0;
      ++interim;
    }
    co_return refuse("transfer_failed", to.host + " sends heads without end");
  }
};

Task<Result<std::unique_ptr<Reading>>> reach(std::shared_ptr<Shared> shared, std::string where,
                                             ServiceAddress to, const ExchangeRequest& request,
                                             bool may_be_kept) {
  auto reading = std::make_unique<Reading>();
  if (may_be_kept) reading->wire = shared->kept.take(where);
  reading->is_kept = reading->wire != nullptr;
  if (reading->is_kept) co_return std::move(reading);
  auto wire = co_await shared->dialer.dial(std::move(to), request.ca_file, request.addresses,
                                           request.connect_timeout, request.abort);
  if (!wire) co_return std::unexpected(wire.error());
  reading->wire = std::move(*wire);
  co_return std::move(reading);
}

Task<Result<std::shared_ptr<Exchange>>> exchange(std::shared_ptr<Shared> shared,
                                                 ExchangeRequest request) {
  const Result<ServiceAddress> to = parse_service_url(request.url);
  if (!to) co_return std::unexpected(to.error());
  const Result<std::string> text = request_text(request, *to);
  if (!text) co_return std::unexpected(text.error());
  if (!request.abort) request.abort = std::make_shared<Abort>();
  if (request.abort->is_aborted()) co_return refuse("stopped", "it was stopped before it began");
  const std::string where =
      (to->tls ? "tls " : "plain ") + to->host + " " + to->port + " " + request.ca_file;
  bool may_be_kept = request.addresses.is_any(), is_announced = false;
  while (true) {
    auto reading = co_await reach(shared, where, *to, request, may_be_kept);
    if (!reading) co_return std::unexpected(reading.error());
    if (request.before_send && !is_announced) {
      const Result<void> told = co_await request.before_send();
      if (!told) co_return std::unexpected(told.error());
      if (request.abort->is_aborted()) co_return refuse("stopped", "it was stopped");
      is_announced = true;
    }
    Attempt attempt{std::move(*reading), request, *to};
    Wire* const wire = attempt.reading->wire.get();
    request.abort->set_end([wire] { wire->close(); });
    auto head = co_await attempt.run(*text);
    request.abort->set_end({});
    if (request.abort->is_aborted()) co_return attempt.failed({});
    if (!head && head.error().code == "stale") {
      may_be_kept = false;
      continue;
    }
    if (!head) co_return std::unexpected(head.error());
    auto live = std::make_shared<LiveExchange>(shared, where, to->host, std::move(attempt.reading),
                                               std::move(*head), request.silence_timeout);
    request.abort->set_end([watched = std::weak_ptr(live)] {
      if (const auto there = watched.lock()) there->cut();
    });
    co_return live;
  }
}

}  // namespace

struct ExchangeClient::Impl {
  Impl(Loop& loop, std::size_t idle_per_host_max)
      : shared(std::make_shared<Shared>(loop, idle_per_host_max)) {}
  std::shared_ptr<Shared> shared;
};

ExchangeClient::ExchangeClient(Loop& loop, std::size_t idle_per_host_max)
    : impl_(std::make_shared<Impl>(loop, idle_per_host_max)) {}
ExchangeClient::~ExchangeClient() = default;

Task<Result<std::shared_ptr<Exchange>>> ExchangeClient::send(ExchangeRequest request) {
  return exchange(impl_->shared, std::move(request));
}

}  // namespace keyturn::net
