// Issues credentials for one action each, and ends them: when they were used, at their end, and
// after a crash.
//
// Nothing is issued twice, kept for a later action, or written to disk. What is revocable is
// revoked when revoke() is called, and by itself at the end of its life, also while it is in use:
// then a role's sessions are ended. What cannot be reached is tried again every minute. What an
// earlier life of this deployment left behind is swept up once for each credential that can tell
// (postgres_role, revocable kubernetes_token), as soon as its other side answers and no execution
// goes on with it; the rest ends by itself. What cannot be ended keeps nobody from the others.
//
// Threads: the I/O thread only; all that blocks is done on the pool.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "credentials/document.h"
#include "credentials/issued.h"
#include "net/blocking.h"
#include "net/loop.h"

namespace keyturn::credentials {

struct IssuerPorts {
  net::Loop& loop;
  net::BlockingPool& pool;
  net::BlockingPool* looks = nullptr;  // for Use::kLook, so that no execution waits for them
  const Clock& clock;
  Random& random;  // asked on the pool's threads, too
  // What is in force; may be null.
  std::function<std::shared_ptr<const Document>()> document;
  // Ids of actions that are being executed, those that a crash interrupted and that go on too. What
  // was issued for them by an earlier life stays until they, or it, are over. Empty: none.
  std::function<std::set<std::string>()> executing;
  std::string deployment;  // which Keyturn this is: [a-z0-9], the same for all its life
  std::function<void(std::string_view line)> log;  // may be empty
};

class Issuer {
 public:
  explicit Issuer(IssuerPorts ports);
  ~Issuer();  // with the loop not running

  // Begins to sweep. Once, before or while the loop runs.
  void start();
  // Codes: unknown_credential, and those of the providers: no_secret, cannot_connect,
  // credential_refused, credential_unreadable. Then nothing is left at the other side that logs in.
  // And `stopping`, once close() was called.
  Task<Result<Issued>> issue(std::string name, Binding binding);
  // Ends it. Code not_revoked: it could not be reached; it is tried again until it can.
  Task<Result<void>> revoke(Issued issued);
  // The server stops: nothing is issued any more, and what programs do not go on with is ended:
  // when its user gives it back, or after `within` while it is in use. Ends a moment after that.
  Task<void> close(Duration within);
  // One round: what is over or could not be ended, and what is left of an earlier life.
  Task<void> sweep();
  std::size_t live() const;  // issued, and not known to be ended

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// "keyturn_" and what tells the action and the credential: [a-z0-9_], at most 50 characters.
std::string public_name(const ActionId& action, std::string_view credential_id);

}  // namespace keyturn::credentials
