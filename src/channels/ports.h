// What every channel is given. All references are borrowed for its life.
#pragma once

#include <functional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "channels/desk.h"
#include "channels/keep.h"
#include "channels/links.h"
#include "net/client.h"
#include "net/loop.h"
#include "secrets/reference.h"

namespace keyturn::channels {

struct Ports {
  Desk& desk;
  Links& links;
  Keep& keep;  // keys begin with the channel's name and a slash
  net::Loop& loop;
  const Clock& clock;
  Random& random;
  // An exchange on a thread of its own, over connections that are kept open; awaited.
  std::function<Task<Result<net::ClientResponse>>(net::ClientRequest)> fetch;
  std::function<Task<Result<Secret>>(secrets::SecretReference)> secret;
  std::function<void(const std::string& line)> log;
};

}  // namespace keyturn::channels
