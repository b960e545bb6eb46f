// TLS towards services: the one rule for whom Keyturn believes. Internal to net/.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.h"

namespace keyturn::net {

// TLS 1.2 or newer; certificates are verified against `ca_file` (PEM), or the system's roots when
// it is "". Reads files. Refuses bad_tls.
[[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> client_tls(
    const std::string& ca_file);

// Says the name (SNI; addresses have none), before the handshake. The certificate must be good for
// it: boost::asio::ssl::host_name_verification.
void say_server_name(SSL* ssl, const std::string& name);

}  // namespace keyturn::net
