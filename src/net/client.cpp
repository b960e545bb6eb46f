#include "net/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "net/curl.h"
#include "net/request_head.h"

namespace keyturn::net {
namespace {

constexpr std::size_t kHeaderBytesMax = 256 * 1024;

// What the callbacks fill while curl runs.
struct ClientExchange {
  const ClientRequest& request;
  CURL* easy = nullptr;
  ClientResponse response;
  std::size_t header_bytes = 0;
  bool has_head = false;
  bool is_too_large = false;
  bool is_stopped = false;
};

bool is_success(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status >= 200 && status < 300;
}

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<ClientExchange*>(user);
  const std::string_view bytes(data, size);
  if (exchange.request.on_bytes && is_success(exchange.easy)) {
    exchange.is_stopped = !exchange.request.on_bytes(bytes);
    return exchange.is_stopped ? CURL_WRITEFUNC_ERROR : size;
  }
  if (exchange.response.body.size() + size > exchange.request.body_bytes_max) {
    exchange.is_too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  exchange.response.body += bytes;
  return size;
}

// The line that ends a head. (Trailers end with one too, and so does what only announces an
// answer.)
void tell_head(ClientExchange& exchange) {
  long status = 0;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || std::exchange(exchange.has_head, true) || !exchange.request.on_head) return;
  exchange.request.on_head(static_cast<int>(status), exchange.response.headers);
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<ClientExchange*>(user);
  std::string_view line(data, size);
  exchange.header_bytes += size;
  if (exchange.header_bytes > kHeaderBytesMax) {
    exchange.is_too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/"))
    exchange.response.headers = {};  // after a 100 Continue comes another
  if (line == "\r\n" || line == "\n") tell_head(exchange);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  const std::size_t first = value.find_first_not_of(" \t\r\n");
  const std::size_t last = value.find_last_not_of(" \t\r\n");
  value = first == std::string_view::npos ? "" : value.substr(first, last - first + 1);
  exchange.response.headers.add(std::string(line.substr(0, colon)), std::string(value));
  return size;
}

std::string_view code_of(CURLcode code, const ClientExchange& exchange) {
  if (exchange.is_stopped) return "stopped";
  if (exchange.is_too_large) return "too_large";
  return curl_failure(code, "transfer_failed");
}

// Where a message may point: the URL without user, password and query.
std::string shown_url(std::string_view url) {
  std::string out(url.substr(0, url.find_first_of("?#")));
  const std::size_t start = out.find("://");
  if (start == std::string::npos) return out;
  const std::size_t end = std::min(out.find('/', start + 3), out.size());
  const std::size_t at = out.rfind('@', end);
  if (at != std::string::npos && at > start) out.erase(start + 3, at - start - 2);
  return out;
}

Result<List> header_list(const ClientRequest& request) {
  List list;
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    if (!list) list.reset(longer);  // it stays the head as the list grows
  };
  for (const Header& field : request.headers.all()) {
    if (!is_token(field.name) || !is_field_value(field.value)) {
      return refuse("bad_header",
                    "header " + field.name + " cannot be sent: it holds a control character");
    }
    append(field.value.empty() ? field.name + ";" : field.name + ": " + field.value);
  }
  append("Expect:");  // do not wait for a 100 Continue
  if (!request.headers.find("content-type")) append("Content-Type:");
  return list;
}

int ask_caller(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<ClientExchange*>(user);
  exchange.is_stopped = !exchange.request.keep_going();
  return exchange.is_stopped ? 1 : 0;
}

void set_options(CURL* easy, ClientExchange& exchange, curl_slist* headers) {
  const ClientRequest& request = exchange.request;
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "keyturn");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connect_timeout));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(request.timeout));
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
  if (request.silence_timeout > Duration::zero()) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, milliseconds(request.silence_timeout) / 1000));
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  if (!request.unix_socket.empty()) {
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
  }
  if (request.keep_going) {
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, ask_caller);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &exchange);
  }
  if (!request.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

// This thread's handle, which keeps its connections from call to call; another one for a call that
// is made while that one is in use (by on_bytes of an exchange that goes on).
struct Borrowed {
  Borrowed() : easy(std::exchange(spare(), nullptr)) {
    if (!easy) easy.reset(curl_easy_init());
  }
  ~Borrowed() {
    if (!spare()) spare() = std::move(easy);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  static Easy& spare() {
    thread_local Easy kept;
    return kept;
  }
  Easy easy;
};

}  // namespace

Result<ClientResponse> fetch(const ClientRequest& request) {
  start_curl_once();
  const Borrowed borrowed;
  const Easy& easy = borrowed.easy;
  if (!easy) return refuse("transfer_failed", "cannot start an HTTP request: out of memory");
  auto headers = header_list(request);
  if (!headers) return std::unexpected(std::move(headers.error()));
  std::array<char, CURL_ERROR_SIZE> reason{};
  ClientExchange exchange{.request = request, .easy = easy.get()};
  curl_easy_reset(easy.get());  // all but connections and names that were looked up
  set_options(easy.get(), exchange, headers->get());
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, reason.data());
  const CURLcode code = curl_easy_perform(easy.get());
  if (code != CURLE_OK) {
    const std::string_view word = code_of(code, exchange);
    const std::string why =
        exchange.is_too_large
            ? "the answer is larger than " + std::to_string(request.body_bytes_max) + " bytes"
        : reason[0] != '\0' ? std::string(reason.data())
                            : std::string(curl_easy_strerror(code));
    return refuse(std::string(word), request.method + " " + shown_url(request.url) + ": " + why);
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  exchange.response.status = static_cast<int>(status);
  return std::move(exchange.response);
}

}  // namespace keyturn::net
