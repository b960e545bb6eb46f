// What keyturn.yaml says under `channels`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "channels/channel.h"
#include "channels/check.h"
#include "channels/kept_secret.h"
#include "channels/ports.h"
#include "doc/read.h"

namespace keyturn::channels {

// What `keyturn channels test` may use: there is no server in its process.
struct CheckPorts {
  const Clock& clock;
  std::function<Task<Result<net::ClientResponse>>(net::ClientRequest)> fetch;
  std::function<Task<Result<Secret>>(secrets::SecretReference)> secret;
  std::string public_url;
};

// One channel that is to run.
struct Configured {
  std::string name;  // "slack"; a webhook's own. Unlike any other's
  std::string kind;  // Channel::kind()
  std::function<std::unique_ptr<Channel>(const Ports&)> make;
  std::function<Task<Checks>(CheckPorts)> test;
  std::vector<NeededSecret> secrets;  // that it cannot do without
};

// The object under "channels". Names that two have are a problem.
std::vector<Configured> read_channels(doc::ObjectReader& root, doc::Problems& problems);

// Which of its secrets are not to be had, each as "channels: slack: bot_token: …". No program is
// started for it: what a program says is not looked at.
std::vector<std::string> check_secrets(const Configured& wanted);

}  // namespace keyturn::channels
