// The way in that Slack opens (HTTP): whether a request is Slack's, and what is to be said when
// those that come are not.
#pragma once

#include <optional>
#include <string>

#include "channels/kept_secret.h"
#include "channels/ports.h"
#include "channels/slack/signature.h"
#include "net/http.h"

namespace keyturn::channels::slack {

class Door {
 public:
  Door(const Ports& ports, NeededSecret signing_secret);

  // Reads the secret, so that trouble() says what is wrong with it. False: there is none.
  Task<bool> open();
  // As Signatures::check(). Without a secret nothing passes.
  Task<Result<void>> check(const net::HttpRequest& request);
  // No secret; or requests that Slack did not sign, until one came that it did or some minutes
  // have passed. Anybody who reaches the address can bring that about: it is said, and stops
  // nothing.
  std::optional<Refusal> trouble() const;

 private:
  void count(const Result<void>& checked);
  const Clock& clock_;
  std::function<void(const std::string&)> log_;
  KeptSecret secret_;
  Signatures signatures_;
  std::uint64_t refused_ = 0;
  std::optional<Time> refused_at_, logged_at_;
};

}  // namespace keyturn::channels::slack
