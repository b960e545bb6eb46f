// Every channel that is configured, each with its courier, and what they share.
//
// Threads: the I/O thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "channels/config.h"
#include "channels/courier.h"
#include "channels/ports.h"

namespace keyturn::channels {

class Channels {
 public:
  struct Wiring {
    gate::Gate& gate;
    net::Loop& loop;
    const Clock& clock;
    Random& random;
    Keep& keep;
    std::string public_url;  // without a slash at the end
    Secret fingerprint_key;
    std::function<Task<Result<net::ClientResponse>>(net::ClientRequest)> fetch;
    std::function<Task<Result<Secret>>(secrets::SecretReference)> secret;
    std::function<void(const std::string& line)> log;
  };

  Channels(Wiring wiring, const std::vector<Configured>& wanted);
  ~Channels();

  // Refuses when a channel cannot ever run as it is configured: which, and why.
  Task<Result<void>> start();
  void stop();

  // A request to /KIND/… ; 404 where no channel of that kind is configured.
  Task<net::HttpResponse> answer(std::string kind, net::HttpRequest request);
  bool has(std::string_view kind) const;
  std::vector<CourierState> states() const;
  // Tries again what was given up, of one channel; nullopt: there is none of that name.
  std::optional<std::size_t> retry(std::string_view name, const std::string& action);
  Links& links() { return links_; }

 private:
  Desk desk_;
  Links links_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::unique_ptr<Courier>> couriers_;
};

}  // namespace keyturn::channels
