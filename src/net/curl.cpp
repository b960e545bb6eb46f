#include "net/curl.h"

#include <mutex>

namespace keyturn::net {

void start_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::string_view curl_failure(CURLcode code, std::string_view otherwise) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "cannot_connect";
    case CURLE_OPERATION_TIMEDOUT:
      return "timeout";
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return "bad_url";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return "tls_failed";
    case CURLE_ABORTED_BY_CALLBACK:
      return "stopped";
    default:  // curl's enum, not ours: it grows
      return otherwise;
  }
}

}  // namespace keyturn::net
