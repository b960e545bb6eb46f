// libcurl's handles. Private to net/.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace keyturn::net {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;

void start_curl_once();

}  // namespace keyturn::net
