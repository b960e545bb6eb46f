#include "net/tls_client.h"

#include <openssl/ssl.h>

#include <boost/asio/ip/address.hpp>

namespace keyturn::net {
namespace ssl = boost::asio::ssl;

Result<std::shared_ptr<ssl::context>> client_tls(const std::string& ca_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context->set_verify_mode(ssl::verify_peer);
  boost::system::error_code error;
  if (ca_file.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(ca_file, error);
  if (error) return refuse("bad_tls", "cannot read " + ca_file + ": " + error.message());
  return context;
}

void say_server_name(SSL* ssl, const std::string& name) {
  boost::system::error_code no_address;
  boost::asio::ip::make_address(name, no_address);
  if (no_address) SSL_set_tlsext_host_name(ssl, name.c_str());
}

}  // namespace keyturn::net
