// `channels: email:` of keyturn.yaml.
#pragma once

#include <string>
#include <vector>

#include "channels/config.h"
#include "doc/read.h"
#include "secrets/reference.h"

namespace keyturn::channels::email {

struct Settings {
  std::string smtp;    // smtps://HOST[:PORT] or smtp://HOST[:PORT]
  bool plain = false;  // starttls: off, on this machine only
  std::string from;    // an address
  std::string user;    // "": no login
  secrets::SecretReference password;
  std::string ca_file;
  bool always = false;  // also for plans that do not say `notify`
};

Settings read_settings(const doc::Value& value, const std::string& pointer,
                       doc::Problems& problems);
// The same, ready to run.
std::vector<Configured> read_email(const doc::Value& value, const std::string& pointer,
                                   doc::Problems& problems);

}  // namespace keyturn::channels::email
