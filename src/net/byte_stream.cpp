#include "net/byte_stream.h"

#include <curl/curl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <array>
#include <utility>

#include "net/curl.h"

namespace keyturn::net {
namespace {

constexpr int kLookMs = 20;

int ask(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<std::function<bool()>*>(user))() ? 0 : 1;
}

}  // namespace

struct ByteStream::Impl {
  StreamTarget target;
  std::function<bool()> keep_going;
  Easy easy;
  curl_socket_t socket = CURL_SOCKET_BAD;

  std::string where() const { return target.host + ":" + std::to_string(target.port); }
  void wait(short events) const {
    pollfd one{socket, events, 0};
    ::poll(&one, 1, kLookMs);
  }
  Result<void> give_up(std::string code, const std::string& why) const {
    return refuse(std::move(code), where() + ": " + why);
  }
  int unacknowledged() const {
    int bytes = 0;
    return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
  }
};

ByteStream::ByteStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ByteStream::~ByteStream() = default;

Result<std::unique_ptr<ByteStream>> ByteStream::connect(const StreamTarget& target,
                                                        std::function<bool()> keep_going) {
  start_curl_once();
  auto impl = std::make_unique<Impl>(target, std::move(keep_going), Easy(curl_easy_init()));
  CURL* easy = impl->easy.get();
  if (easy == nullptr) return refuse("cannot_connect", "out of memory");
  const std::string url = (target.tls ? "https://" : "http://") + impl->where() + "/";
  const long ms = std::chrono::duration_cast<std::chrono::milliseconds>(target.timeout).count();
  std::array<char, CURL_ERROR_SIZE> reason{};
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, ask);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &impl->keep_going);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason.data());
  if (!target.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, target.ca_file.c_str());
  const CURLcode code = curl_easy_perform(easy);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
  if (code != CURLE_OK) {
    const std::string why = reason[0] != '\0' ? reason.data() : curl_easy_strerror(code);
    return refuse(std::string(curl_failure(code, "cannot_connect")), impl->where() + ": " + why);
  }
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &impl->socket);
  return std::unique_ptr<ByteStream>(new ByteStream(std::move(impl)));
}

bool ByteStream::is_closed() {
  std::array<char, 512> thrown_away{};
  while (true) {
    std::size_t got = 0;
    const CURLcode code =
        curl_easy_recv(impl_->easy.get(), thrown_away.data(), thrown_away.size(), &got);
    if (code == CURLE_AGAIN) return false;
    if (code != CURLE_OK || got == 0) return true;
  }
}

Result<void> ByteStream::send(std::string_view bytes) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point moved = Clock::now();
  int before = 0;
  while (true) {
    std::size_t sent = 0;
    CURLcode code = CURLE_OK;
    if (!bytes.empty()) code = curl_easy_send(impl_->easy.get(), bytes.data(), bytes.size(), &sent);
    if (code != CURLE_OK && code != CURLE_AGAIN)
      return impl_->give_up("connection_lost", "the connection broke");
    bytes.remove_prefix(sent);
    const int waiting = impl_->unacknowledged();
    if (bytes.empty() && waiting == 0) break;
    if (sent > 0 || waiting != before) moved = Clock::now();
    before = waiting;
    if (!impl_->keep_going()) return impl_->give_up("stopped", "stopped");
    if (Clock::now() - moved > impl_->target.timeout)
      return impl_->give_up("timeout", "it takes nothing");
    if (sent == 0) impl_->wait(bytes.empty() ? POLLERR : POLLOUT);
    if (bytes.empty() && is_closed())
      return impl_->give_up("connection_lost", "it closed the connection");
  }
  if (is_closed()) return impl_->give_up("connection_lost", "it closed the connection");
  return {};
}

}  // namespace keyturn::net
