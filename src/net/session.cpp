#include "net/session.h"

#include <algorithm>
#include <ctime>

#include "net/await.h"
#include "net/chunked.h"
#include "net/response_head.h"

namespace keyturn::net {
namespace asio = boost::asio;
namespace {

constexpr Duration kLinger = std::chrono::seconds(2);
constexpr std::size_t kLingerBytesMax = 8 << 20;
constexpr std::size_t kCopiedBodyMax =
    16 * 1024;  // larger bodies are not copied into the scratch buffer

Malformed too_slow() {
  return {408, "request_timeout", "the request took too long to arrive"};
}

// Counts `bytes` while it lives.
class Reservation {
 public:
  Reservation(std::size_t& total, std::size_t bytes) : total_(total), bytes_(bytes) {
    total_ += bytes_;
  }
  ~Reservation() { total_ -= bytes_; }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

 private:
  std::size_t& total_;
  std::size_t bytes_;
};

// Sends the pieces of a streamed response.
class StreamWriter final : public BodyWriter {
 public:
  StreamWriter(Session& session, bool is_chunked) : session_(session), is_chunked_(is_chunked) {}
  Task<bool> write(std::string bytes) override {
    if (!is_chunked_ || bytes.empty()) return session_.write_all(std::move(bytes));
    std::string framed;
    framed.reserve(bytes.size() + 16);
    append_chunk(framed, bytes);
    return session_.write_all(std::move(framed));
  }

 private:
  Session& session_;
  bool is_chunked_;
};

}  // namespace

std::string_view ServerCore::date() {
  const std::int64_t now = std::time(nullptr);
  if (now != date_seconds_) {
    date_seconds_ = now;
    date_ = http_date(now);
  }
  return date_;
}

Session::Session(std::shared_ptr<ServerCore> core, Socket socket, Peer peer)
    : core_(std::move(core)), socket_(std::move(socket)), peer_(std::move(peer)) {
  const int fd = socket_.native_handle();
  transport_ = core_->tls ? tls_transport(core_->tls.get(), fd) : plain_transport(fd);
  place_ = core_->sessions.size();
  core_->sessions.push_back(this);
  is_listed_ = true;
}

Session::~Session() {
  leave();
}

void Session::leave() {
  if (!is_listed_) return;
  is_listed_ = false;
  core_->sessions[place_] = core_->sessions.back();
  core_->sessions[place_]->place_ = place_;
  core_->sessions.pop_back();
  core_->room.fire();
  if (core_->sessions.empty() && core_->is_stopping) core_->drained.fire();
}

Task<void> Session::live(std::shared_ptr<Session> self) {
  try {
    bool go_on = co_await self->handshake();
    while (go_on) go_on = co_await self->serve_one();
    if (!self->is_cut_) self->transport_->close_write();
  } catch (const std::exception& thrown) {
    self->core_->report(std::string("connection ended by an error: ") + thrown.what());
  }
  self->cut();
  self->leave();
}

void Session::begin_stop() {
  if (is_idle_) socket_.cancel();
  if (parked_ != nullptr) parked_->cancel();
}

void Session::cut() {
  is_cut_ = true;
  if (parked_ != nullptr) parked_->cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Session::expire(Steady::time_point now) {
  if (now < deadline_) return;
  is_expired_ = true;
  deadline_ = Steady::time_point::max();
  socket_.cancel();
}

// ---- bytes in and out

// False when the deadline passed, the server stops while nothing was asked, or the socket was
// closed.
Task<bool> Session::wait_for(IoState want) {
  if (is_cut_) co_return false;
  const auto direction = want == IoState::kWantWrite ? Socket::wait_write : Socket::wait_read;
  const auto [error] = co_await socket_.async_wait(direction, kAwait);
  co_return !error && !is_expired_ && !is_cut_;
}

// Appends at least one byte to in_, or returns false.
Task<bool> Session::fill() {
  bool try_first = may_have_more_ || transport_->is_tls();
  IoState want = IoState::kWantRead;
  while (!is_cut_) {
    if (try_first) {
      const Io io = transport_->read(core_->in.data(), core_->in.size());
      if (io.state == IoState::kClosed) break;
      may_have_more_ = io.bytes == core_->in.size();
      if (io.state == IoState::kDone) {
        in_.append(core_->in.data(), io.bytes);
        co_return true;
      }
      want = io.state;
    }
    try_first = true;
    if (!co_await wait_for(want)) break;
  }
  co_return false;
}

// Writes what the kernel takes now and removes it from `bytes`; false when the connection is dead.
bool Session::write_now(std::string& bytes) {
  std::size_t written = 0;
  bool is_alive = !is_cut_;
  while (is_alive && written < bytes.size()) {
    const Io io = transport_->write(std::string_view(bytes).substr(written));
    if (io.state == IoState::kClosed) is_alive = false;
    if (io.state != IoState::kDone) break;
    written += io.bytes;
  }
  bytes.erase(0, written);
  return is_alive;
}

Task<bool> Session::write_all(std::string bytes) {
  while (true) {
    const std::size_t before = bytes.size();
    if (is_gone_ || !write_now(bytes)) break;
    if (bytes.empty()) {
      deadline_ = Steady::time_point::max();
      co_return true;
    }
    if (bytes.size() < before || deadline_ == Steady::time_point::max()) {
      allow(core_->limits.write_deadline);
    }
    const bool is_writable = co_await wait_for(IoState::kWantWrite);
    if (!is_writable) break;
  }
  is_gone_ = true;
  co_return false;
}

Task<bool> Session::handshake() {
  if (!transport_->is_tls()) co_return true;
  allow(core_->limits.head_deadline);
  while (true) {
    const Io io = transport_->handshake();
    if (io.state == IoState::kDone) co_return true;
    if (io.state == IoState::kClosed) co_return false;
    if (!co_await wait_for(io.state)) co_return false;
  }
}

// ---- one request

Task<bool> Session::serve_one() {
  MaybeHead head = co_await read_head();
  if (!head) co_return false;
  if (!co_await read_body(*head)) co_return false;
  deadline_ = Steady::time_point::max();
  if (in_.empty()) in_.shrink_to_fit();
  if (is_cut_) co_return false;
  const bool is_head = head->request.is_head;
  const bool is_http_1_0 = head->is_http_1_0;
  const bool keep_alive = head->keep_alive;
  HttpRequest request = std::move(head->request);
  head.reset();
  HttpResponse response = co_await answer(std::move(request));
  if (is_cut_) co_return false;
  const bool stays = keep_alive && !core_->is_stopping && !is_gone_;
  co_return co_await send(std::move(response), is_head, is_http_1_0, stays);
}

std::optional<Malformed> Session::check(const RequestHead& head) const {
  if (!core_->is_local &&
      std::ranges::find(core_->hosts, head.request.host) == core_->hosts.end()) {
    return Malformed{421, "misdirected_request",
                     "this server does not answer for the host name " + head.request.host +
                         "; list it in the configuration if it should"};
  }
  if (head.content_length > core_->limits.body_bytes_max) {
    return Malformed{
        413, "body_too_large",
        "the body may have at most " + std::to_string(core_->limits.body_bytes_max) + " bytes"};
  }
  return std::nullopt;
}

Task<Session::MaybeHead> Session::read_head() {
  const HttpLimits& limits = core_->limits;
  std::size_t looked = 0;
  std::optional<Malformed> wrong;
  is_idle_ = in_.empty();
  allow(is_idle_ ? limits.idle_deadline : limits.head_deadline);
  while (!wrong) {
    const auto end = find_head_end(in_, looked);
    if (!end) {
      wrong = end.error();
    } else if (*end) {
      auto head = parse_request_head(std::string_view(in_).substr(0, **end), {limits.headers_max});
      if (head) wrong = check(*head);
      if (head && !wrong && **end <= limits.head_bytes_max) {
        in_.erase(0, **end);
        co_return std::move(*head);
      }
      if (!head) wrong = std::move(head.error());
    }
    if (!wrong && in_.size() > limits.head_bytes_max) {
      wrong = Malformed{431, "head_too_large", "the request head is too large"};
    }
    if (wrong) break;
    if (is_idle_ && core_->is_stopping) co_return std::nullopt;
    const bool has_more = co_await fill();
    if (!has_more) {
      if (!is_expired_ || in_.empty()) co_return std::nullopt;
      wrong = too_slow();
    } else if (is_idle_) {
      is_idle_ = false;
      allow(limits.head_deadline);
    }
  }
  co_await refuse_and_linger(std::move(*wrong));
  co_return std::nullopt;
}

Task<bool> Session::read_body(RequestHead& head) {
  if (!head.is_chunked && head.content_length == 0) co_return true;
  const HttpLimits& limits = core_->limits;
  const std::size_t announced =
      head.is_chunked ? limits.body_bytes_max : static_cast<std::size_t>(head.content_length);
  if (announced >
      limits.arriving_bytes_max - std::min(core_->arriving_bytes, limits.arriving_bytes_max)) {
    co_await refuse_and_linger({503, "overloaded", "too many requests arrive at once; try again"});
    co_return false;
  }
  const Reservation reservation(core_->arriving_bytes, announced);
  co_return co_await read_announced_body(head);
}

Task<bool> Session::read_announced_body(RequestHead& head) {
  allow(core_->limits.body_deadline);
  if (head.expects_continue && in_.empty()) {
    if (!co_await write_all("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
    allow(core_->limits.body_deadline);
  }
  if (head.is_chunked) co_return co_await read_chunked_body(head);
  co_return co_await read_sized_body(head);
}

Task<bool> Session::read_sized_body(RequestHead& head) {
  const auto size = static_cast<std::size_t>(head.content_length);
  while (in_.size() < size) {
    const bool has_more = co_await fill();
    if (has_more) continue;
    if (is_expired_) co_await refuse_and_linger(too_slow());
    co_return false;
  }
  if (in_.size() == size) {
    head.request.body = std::exchange(in_, {});
  } else {
    head.request.body = in_.substr(0, size);
    in_.erase(0, size);
  }
  co_return true;
}

Task<bool> Session::read_chunked_body(RequestHead& head) {
  ChunkedDecoder decoder(core_->limits.body_bytes_max);
  std::optional<Malformed> wrong;
  while (!wrong) {
    std::string_view bytes = in_;
    const ChunkState state = decoder.feed(bytes, head.request.body);
    in_.erase(0, in_.size() - bytes.size());
    if (state == ChunkState::kDone) co_return true;
    if (state == ChunkState::kMalformed) {
      wrong = Malformed{400, "malformed_request", "the chunked body is malformed"};
    } else if (state == ChunkState::kTooLarge) {
      wrong = Malformed{413, "body_too_large", "the body is too large"};
    } else if (const bool has_more = co_await fill(); !has_more) {
      if (!is_expired_) co_return false;
      wrong = too_slow();
    }
  }
  co_await refuse_and_linger(std::move(*wrong));
  co_return false;
}

Task<HttpResponse> Session::answer(HttpRequest request) {
  request.peer = peer_.address;
  request.is_tls = transport_->is_tls();
  try {
    co_return co_await core_->handler.handle(std::move(request), *this);
  } catch (const std::exception& thrown) {
    core_->report(std::string("a request ended by an error: ") + thrown.what());
  }
  co_return problem_response(500, "internal_error",
                             "the server failed on this request; its log says why");
}

Task<bool> Session::send(HttpResponse response, bool is_head, bool is_http_1_0, bool keep_alive) {
  const bool is_stream = static_cast<bool>(response.stream);
  ResponseFraming framing{.keep_alive = keep_alive};
  if (is_stream) {
    framing.is_chunked = !is_http_1_0;
    framing.has_length = false;
    framing.keep_alive = keep_alive && framing.is_chunked;
  }
  if (response.status == 204 || response.status == 304) response.body.clear();
  std::string& out = core_->out;
  out.clear();
  if (!append_response_head(out, response, framing, core_->date())) {
    core_->report("a response was not sent: a header field of it is malformed");
    response = problem_response(500, "internal_error", "the server made a malformed answer");
    out.clear();
    framing = {.keep_alive = keep_alive};
    if (!append_response_head(out, response, framing, core_->date())) co_return false;
  }
  if (!is_head && !response.stream) {
    if (response.body.size() > kCopiedBodyMax) {
      response.body.insert(0, out);
      if (!co_await write_all(std::move(response.body))) co_return false;
      co_return framing.keep_alive;
    }
    out += response.body;
  }
  if (!write_now(out)) co_return false;
  if (!out.empty()) {
    std::string rest = out;
    if (!co_await write_all(std::move(rest))) co_return false;
  }
  deadline_ = Steady::time_point::max();
  if (is_head || !response.stream) co_return framing.keep_alive;
  const bool is_whole = co_await send_stream(std::move(response), framing.is_chunked);
  co_return is_whole&& framing.keep_alive && !core_->is_stopping;
}

Task<bool> Session::send_stream(HttpResponse response, bool is_chunked) {
  StreamWriter writer(*this, is_chunked);
  try {
    co_await response.stream(writer);
  } catch (const std::exception& thrown) {
    core_->report(std::string("a stream ended by an error: ") + thrown.what());
    cut();
    co_return false;
  }
  if (is_gone_ || !is_chunked) co_return false;
  co_return co_await write_all(std::string(kLastChunk));
}

// Answers what was wrong, then reads on for a while: closing with unread bytes would reset the
// connection before the client has seen the answer.
Task<void> Session::refuse_and_linger(Malformed why) {
  is_expired_ = false;
  HttpResponse response = problem_response(why.status, why.code, why.detail);
  const bool kept = co_await send(std::move(response), false, false, false);
  if (kept || is_cut_ || is_gone_) co_return;
  transport_->close_write();
  allow(std::min(kLinger, core_->limits.write_deadline));
  for (std::size_t drained = 0; drained < kLingerBytesMax;) {
    in_.clear();
    const bool has_more = co_await fill();
    if (!has_more) co_return;
    drained += in_.size();
  }
}

// ---- waiting

Task<Woken> Session::park(Waiter& waiter, Duration timeout) {
  if (is_gone_ || is_cut_ || core_->is_stopping) co_return Woken::kCancelled;
  parked_ = &waiter;
  watch();
  const Woken woken = co_await waiter.wait(timeout);
  parked_ = nullptr;
  co_return woken;
}

void Session::watch() {
  if (is_watching_ || is_cut_) return;
  is_watching_ = true;
  socket_.async_wait(Socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->is_watching_ = false;
                       if (!error && self->parked_ != nullptr) self->look();
                     });
}

// Something may be readable while a request is parked: the end, or bytes of the next request.
void Session::look() {
  while (in_.size() < core_->limits.pipelined_bytes_max) {
    const Io io = transport_->read(core_->in.data(), core_->in.size());
    if (io.state == IoState::kClosed) {
      is_gone_ = true;
      parked_->cancel();
      return;
    }
    if (io.state != IoState::kDone) {
      watch();
      return;
    }
    in_.append(core_->in.data(), io.bytes);
  }
}

}  // namespace keyturn::net
