// What a tool's request would touch, asked of the server that it goes to; and whether that is still
// as it was shown.
#pragma once

#include <string>
#include <vector>

#include "connectors/http/kubernetes.h"
#include "connectors/http/request.h"

namespace keyturn::connectors::http {

struct Looked {
  doc::Value shown;         // null when only the state was asked for
  std::string fingerprint;  // "sha256:…"; "" nothing that could change is there
  // What ties the request to that state.
  std::vector<ObjectState> states;
  std::string etag;     // a strong one; "" there is none
  bool absent = false;  // of what was looked at by its URL: 404
};

enum class LookFor { kState, kAll };

// Precondition: HttpCall::previews or look. Only reads, and dry runs, each bounded like the call
// itself and by ten seconds. Codes: preview_failed, not_sent_there.
Task<Result<Looked>> look(net::Loop& loop, net::ExchangeClient& client,
                          std::shared_ptr<const Prepared> prepared,
                          std::shared_ptr<const Secrets> secrets, LookFor what);

// The request as it is sent to what was looked at.
catalog::HttpMessage bound_to(const Prepared& prepared, const Looked& looked);

}  // namespace keyturn::connectors::http
