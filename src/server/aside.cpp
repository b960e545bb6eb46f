#include "server/aside.h"

#include "base/task_impl.h"

namespace keyturn::server {

Task<Result<Secret>> secret_of(net::BlockingPool& pool, secrets::SecretReference reference) {
  co_return co_await net::run_blocking(
      pool, [reference = std::move(reference)] { return secrets::resolve(reference); });
}

Task<Result<net::ClientResponse>> fetched(net::BlockingPool& pool, net::ClientRequest request) {
  co_return co_await net::run_blocking(
      pool, [request = std::move(request)] { return net::fetch(request); });
}

}  // namespace keyturn::server
