#include "identity/kept.h"

namespace keyturn::identity {

net::ClientRequest get_json(const std::string& url) {
  net::ClientRequest request;
  request.url = url;
  request.headers.set("Accept", "application/json");
  request.connect_timeout = std::chrono::seconds(5);
  request.timeout = std::chrono::seconds(10);
  request.body_bytes_max = 512 << 10;
  return request;
}

Result<std::string> body_of(Result<net::ClientResponse> answer, const std::string& url) {
  if (!answer)
    return refuse("provider_unreachable",
                  answer.error().message + "; try again in a moment, or look at the network");
  if (answer->status != 200)
    return refuse("provider_unreachable",
                  url + " answered " + std::to_string(answer->status) + "; look at identity.yaml");
  return std::move(answer->body);
}

}  // namespace keyturn::identity
