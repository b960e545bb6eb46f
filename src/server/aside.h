// What blocks, on a thread of a pool, awaited.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/blocking.h"
#include "net/client.h"
#include "secrets/reference.h"

namespace keyturn::server {

// What stands behind the reference (secrets::resolve).
Task<Result<Secret>> secret_of(net::BlockingPool& pool, secrets::SecretReference reference);
// The exchange (net::fetch).
Task<Result<net::ClientResponse>> fetched(net::BlockingPool& pool, net::ClientRequest request);

}  // namespace keyturn::server
