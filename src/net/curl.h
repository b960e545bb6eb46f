// libcurl's handles. Private to net/.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string_view>

#include "base/time.h"

namespace keyturn::net {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

inline long milliseconds(Duration duration) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void start_curl_once();

// The code of a Refusal for what curl says: cannot_connect, timeout, bad_url, tls_failed, stopped,
// or `otherwise`.
std::string_view curl_failure(CURLcode code, std::string_view otherwise);

}  // namespace keyturn::net
