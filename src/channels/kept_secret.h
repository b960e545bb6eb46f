// A secret that a channel goes on using, read from where the configuration says it is. One that is
// not to be had, or that the other side does not take, is read again, so that a corrected file
// counts without a restart.
//
// Threads: the I/O thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "secrets/reference.h"

namespace keyturn::channels {

inline constexpr Duration kReadSecretAgain = std::chrono::seconds(10);

// One that the configuration names.
struct NeededSecret {
  std::string name;  // "bot_token"
  secrets::SecretReference reference;
  std::string begin;  // what all of its kind begin with: "xoxb-"; "": nothing
};

// Code malformed_secret: it is empty, or begins with something else.
Result<void> check_form(const NeededSecret& needed, const Secret& value);

class KeptSecret {
 public:
  using Read = std::function<Task<Result<Secret>>(secrets::SecretReference)>;
  KeptSecret(NeededSecret needed, Read read, const Clock& clock)
      : needed_(std::move(needed)), read_(std::move(read)), clock_(clock) {}

  // Never empty. Read when there is none, or after doubt(), at most every kReadSecretAgain. What
  // is there stays in use when reading it again fails. Codes: those of secrets::resolve(),
  // malformed_secret.
  Task<Result<Secret>> get();
  // The other side does not take it.
  void doubt() { doubted_ = true; }
  // Another number for another value.
  std::uint64_t version() const { return version_; }
  // Why there is none.
  const std::optional<Refusal>& trouble() const { return trouble_; }

 private:
  NeededSecret needed_;
  Read read_;
  const Clock& clock_;
  Secret value_;
  bool doubted_ = false;
  std::uint64_t version_ = 0;
  std::optional<Time> read_at_;
  std::optional<Refusal> trouble_;
};

}  // namespace keyturn::channels
