// From a refusal's code to an HTTP problem: the one place that knows which status a code has.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace keyturn::api {

// 400 for a code that the table does not know: a refusal is the caller's to mend unless it says
// otherwise.
int status_of(std::string_view code);
bool is_known_code(std::string_view code);
std::vector<std::string_view> known_codes();

// Codes whose requests leave a trace in the ledger even though nothing came of them.
bool concerns_security(std::string_view code);

// RFC 9457. `where` becomes "pointer" when it is a JSON Pointer, "offset" when it is a position in
// the body. 429 and 503 carry Retry-After, 401 WWW-Authenticate.
net::HttpResponse problem(const Refusal& refusal);

}  // namespace keyturn::api
