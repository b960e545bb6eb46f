// People and groups that an identity provider writes over SCIM (RFC 7644), for each section of
// identity.yaml's `scim`. A section sees what it wrote itself, and nothing of any other.
//
// A User is a person here, with an account at the section's provider: its externalId is the
// subject. It makes a new person, or finds the one whose account that is; never one who only has
// the same name or address. Groups count where the section maps them; the others are kept so that
// the provider reads back what it wrote. All of it takes effect with the answer: who is deactivated
// has no session, token or vote any more.
//
// What lasts are events: person/ID has identity.scim_user {"scim": {section, person}} with a
// private part {user, groups} - everything that the section says of somebody, so that it is erased
// with them - and identity.scim_user_removed; scim/ID has identity.scim_group {"scim": {section,
// group}} with a private part {group}, and identity.scim_group_removed.
//
// Threads: the I/O thread only. Writes of a section are taken one at a time, in order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "doc/value.h"
#include "gate/gate.h"
#include "scim/messages.h"
#include "trust/document.h"

namespace keyturn::provisioning {

enum class Kind { kUser, kGroup };

struct Ports {
  gate::Gate& gate;
  // The account of a subject at a provider, as people's events name it; or why that is no subject
  // (invalid_subject).
  std::function<Result<std::string>(const trust::Provider&, std::string_view subject)> account;
  // What stands behind a reference (secrets::resolve), without blocking the I/O thread.
  std::function<Task<Result<Secret>>(secrets::SecretReference)> fetch;
  std::function<void(Task<void>)> spawn;
  std::function<void(std::string_view line)> log;  // may be empty
  std::string base_url;                            // "https://keyturn.example/scim/v2"
};

struct Query {
  std::optional<scim::Filter> filter;
  scim::Projection projection;
  std::uint64_t start = 1;               // from 1
  std::uint64_t count = scim::kPageMax;  // at most that
};

// A token of less is refused, as if it were not configured.
inline constexpr std::size_t kTokenBytesMin = 20;
// People whose groups one request may change.
inline constexpr std::size_t kChangedMax = 10'000;

class Provisioning {
 public:
  explicit Provisioning(Ports ports);  // before gate.load()
  ~Provisioning();
  // What the mapping of identity.yaml says now, applied to everybody: what has changed since it was
  // last applied. Also whenever identity.yaml changes, by itself.
  void load();  // after gate.load()
  Task<void> reconcile();

  // The section that this bearer token is of. Every section's token is compared, in the same time.
  // Tokens are fetched again after a minute, so that a changed one is seen. Codes: unauthenticated,
  // not_found (there is no section), not_configured (none of their tokens is to be had).
  Task<Result<std::string>> section_of(std::string token);

  // Resources as they are shown (scim/messages.h). Codes: those of scim/, not_found,
  // precondition_failed (If-Match names another version; `if_match` "" when there was none),
  // not_allowed (activating whom somebody else deactivated), conflict.
  Result<doc::Value> find(const std::string& section, Kind kind, const std::string& id) const;
  Result<doc::Value> list(const std::string& section, Kind kind, const Query& query) const;
  Task<Result<doc::Value>> create(std::string section, Kind kind, doc::Value body);
  Task<Result<doc::Value>> replace(std::string section, Kind kind, std::string id, doc::Value body,
                                   std::string if_match);
  Task<Result<doc::Value>> patch(std::string section, Kind kind, std::string id, doc::Value message,
                                 std::string if_match);
  // A person stays in the record, deactivated; a later User with the same externalId is that
  // person again.
  Task<Result<void>> remove(std::string section, Kind kind, std::string id, std::string if_match);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::provisioning
