// What the readers of credentials.yaml's providers share. Internal to credentials/.
#pragma once

#include <string>
#include <string_view>

#include "credentials/document.h"

namespace keyturn::credentials {

// Each reads what stands under its provider's word; what is wrong is a problem with its place.
PostgresRole read_postgres_role(doc::ObjectReader& in, doc::Problems& problems);
SshCertificate read_ssh_certificate(doc::ObjectReader& in, doc::Problems& problems);
OauthClientCredentials read_oauth(doc::ObjectReader& in, doc::Problems& problems);
TokenExchange read_token_exchange(doc::ObjectReader& in, doc::Problems& problems);
KubernetesToken read_kubernetes(doc::ObjectReader& in, doc::Problems& problems);
AwsSts read_aws_sts(doc::ObjectReader& in, doc::Problems& problems);
VaultSecret read_vault(doc::ObjectReader& in, doc::Problems& problems);

// {secret: env:NAME}; a literal is refused without being repeated.
secrets::SecretReference require_secret(doc::ObjectReader& in, std::string_view key,
                                        doc::Problems& problems);
std::optional<secrets::SecretReference> read_secret(doc::ObjectReader& in, std::string_view key,
                                                    doc::Problems& problems);

// Must be there, and say something, in one line.
std::string require_line(doc::ObjectReader& in, std::string_view key);
std::string read_line(doc::ObjectReader& in, std::string_view key);
// https, or http on this machine.
std::string require_url(doc::ObjectReader& in, std::string_view key);
std::string read_url(doc::ObjectReader& in, std::string_view key);
std::vector<std::string> read_only_to(doc::ObjectReader& in);
std::string read_ca_file(doc::ObjectReader& in);  // ca_file: absolute
bool is_line(std::string_view text);              // no control characters

}  // namespace keyturn::credentials
