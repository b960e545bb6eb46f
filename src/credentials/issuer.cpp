#include "credentials/issuer.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "base/ascii.h"
#include "base/id.h"
#include "base/task_impl.h"
#include "credentials/provider.h"

namespace keyturn::credentials {
namespace {

constexpr Duration kSoon = std::chrono::seconds(1);  // until the document is there
constexpr Duration kRound = std::chrono::minutes(1);
constexpr Duration kClosing = std::chrono::seconds(5);  // for those who are just ending some
constexpr Duration kGlance = std::chrono::milliseconds(20);
constexpr Duration kWaiting = std::chrono::seconds(5);  // for an earlier life's executions to end

// Which ids are in use. Asked on the pool's threads while they sweep: an id is here before anything
// at the other side bears it.
class Known {
 public:
  void add(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    ids_.insert(id);
  }
  void remove(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    ids_.erase(id);
  }
  bool has(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    return ids_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> ids_;
};

struct Live {
  std::shared_ptr<const Document> document;  // that it was issued by: its own revokes it
  const Credential* credential = nullptr;
  Issued issued;
  Time end;
  Binding::Use use;
};

}  // namespace

const Secret* Issued::field(std::string_view wanted) const {
  const auto at = fields.find(wanted);
  return at == fields.end() ? nullptr : &at->second;
}

doc::Value to_value(const Issued& issued) {
  return doc::object({{"id", issued.id},
                      {"name", issued.name},
                      {"provider", issued.provider},
                      {"shown", issued.shown},
                      {"expires_at", to_rfc3339(issued.expires_at)},
                      {"revocable", issued.revocable}});
}

std::string public_name(const ActionId& action, std::string_view credential_id) {
  constexpr std::size_t kActionMax = 32;
  constexpr std::size_t kOwn = 6;
  const auto word = [](std::string_view id) {
    std::string out;
    for (const char c : id.substr(id.find('_') == std::string_view::npos ? 0 : id.find('_') + 1)) {
      if (is_lower(c) || is_digit(c)) out += c;
    }
    return out;
  };
  const std::string own = word(credential_id);
  return "keyturn_" + word(action.str()).substr(0, kActionMax) + "_" +
         own.substr(own.size() - std::min(own.size(), kOwn));
}

struct Issuer::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(IssuerPorts given) : ports(std::move(given)) {}

  IssuerPorts ports;
  std::shared_ptr<Known> known = std::make_shared<Known>();
  std::map<std::string, Live> live;  // by id
  bool closing = false;
  bool waits = false;           // the last sweep left something to look at later
  std::set<std::string> swept;  // digest and name of what an earlier life left nothing at

  void log(const std::string& line) const {
    if (ports.log) ports.log(line);
  }

  net::BlockingPool& pool_for(Binding::Use use) const {
    return use == Binding::Use::kLook && ports.looks != nullptr ? *ports.looks : ports.pool;
  }

  std::vector<std::string> used_here() const {
    std::vector<std::string> out;
    for (const auto& [id, one] : live) {
      if (one.use != Binding::Use::kProgram) out.push_back(id);
    }
    return out;
  }

  Task<void> wait_for_users(Duration most) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!used_here().empty() && std::chrono::steady_clock::now() < until)
      co_await ports.loop.sleep(kGlance);
  }

  static Task<void> end_now(std::shared_ptr<Impl> self, std::string id) {
    const Result<void> done = co_await self->end(id);
    if (!done) self->log("credentials: " + done.error().message + "; the next start tries again");
  }

  Task<void> close(Duration within) {
    closing = true;
    co_await wait_for_users(within);
    for (const std::string& id : used_here()) ports.loop.spawn(end_now(shared_from_this(), id));
    co_await wait_for_users(kClosing);
  }

  Task<Result<Issued>> issue(std::string name, Binding binding) {
    const std::shared_ptr<const Document> document = ports.document();
    const Credential* credential = document ? document->find(name) : nullptr;
    if (closing) co_return refuse("stopping", "the server stops; nothing is issued any more");
    if (credential == nullptr) co_return std::unexpected(Document{}.check_use(name, "").error());
    Issuance issuance{.id = make_sortable_id("crd_", unix_ms(ports.clock.now()), ports.random),
                      .deployment = ports.deployment,
                      .now = ports.clock.now()};
    issuance.name = public_name(binding.action, issuance.id);
    issuance.until = std::min(binding.until, issuance.now + credential->lifetime);
    const Binding::Use use = binding.use;
    issuance.binding = std::move(binding);
    const std::string id = issuance.id;
    const Time end = issuance.until;
    known->add(id);
    auto issued = co_await net::run_blocking(
        pool_for(use),
        [document, credential, issuance = std::move(issuance), &random = ports.random] {
          return credentials::issue(*credential, issuance, random);
        });
    if (!issued || !issued->revocable) {
      known->remove(id);
      // An answer that was lost may have left one there.
      if (!issued) swept.erase(document->digest + " " + credential->name);
      co_return issued;
    }
    live.insert_or_assign(
        id, Live{document, credential, *issued, std::min(end, issued->expires_at), use});
    ports.loop.spawn(end_in_time(shared_from_this(), id, end - ports.clock.now()));
    co_return issued;
  }

  // Its life is over, whether it is in use or not.
  static Task<void> end_in_time(std::shared_ptr<Impl> self, std::string id, Duration left) {
    co_await self->ports.loop.sleep(std::max(left, Duration::zero()));
    if (!self->live.contains(id)) co_return;
    const Result<void> done = co_await self->end(id);
    if (!done) self->log("credentials: " + done.error().message + "; it is tried again");
  }

  Task<Result<void>> end(std::string id) {
    const auto at = live.find(id);
    if (at == live.end()) co_return Result<void>{};
    const Live one = at->second;
    Result<void> done = co_await net::run_blocking(
        pool_for(one.use), [one] { return credentials::revoke(*one.credential, one.issued); });
    if (!live.contains(id)) co_return Result<void>{};  // somebody else ended it meanwhile
    if (!done) co_return done;
    live.erase(id);
    known->remove(id);
    co_return done;
  }

  Task<void> sweep() {
    std::vector<std::string> over;
    for (const auto& [id, one] : live) {
      if (one.end <= ports.clock.now()) over.push_back(id);
    }
    for (const std::string& id : over) std::ignore = co_await end(id);
    const std::shared_ptr<const Document> document = ports.document();
    waits = false;
    if (!document) co_return;
    const std::set<std::string> executing =
        ports.executing ? ports.executing() : std::set<std::string>{};
    for (const auto& [name, credential] : document->credentials) {
      const std::string key = document->digest + " " + name;
      if (swept.contains(key)) continue;
      auto ended = co_await net::run_blocking(
          ports.pool,
          [document, one = &credential, deployment = ports.deployment, known = known, executing] {
            return credentials::sweep(
                *one, deployment, [&](const std::string& id, const std::string& action) {
                  if (known->has(id)) return Fate::kOurs;
                  return executing.contains(action) ? Fate::kWait : Fate::kEnd;
                });
          });
      if (!ended) {
        log("credentials: " + name + ": what an earlier run left cannot be looked for: " +
            ended.error().message + "; it is tried again");
        continue;
      }
      waits = waits || ended->waits;
      if (!ended->waits && ended->problems.empty()) swept.insert(key);
      for (const std::string& problem : ended->problems)
        log("credentials: " + name + ": " + problem + "; it is tried again");
      for (const std::string& id : ended->ended)
        log("credentials: " + name + ": " + id + " of an earlier run is ended");
    }
  }

  static Task<void> rounds(std::shared_ptr<Impl> self) {
    for (;;) {
      co_await self->sweep();
      const bool known = self->ports.document() != nullptr;
      co_await self->ports.loop.sleep(!known ? kSoon : self->waits ? kWaiting : kRound);
    }
  }
};

Issuer::Issuer(IssuerPorts ports) : impl_(std::make_shared<Impl>(std::move(ports))) {}
Issuer::~Issuer() = default;

void Issuer::start() {
  impl_->ports.loop.spawn(Impl::rounds(impl_));
}

Task<Result<Issued>> Issuer::issue(std::string name, Binding binding) {
  co_return co_await impl_->issue(std::move(name), std::move(binding));
}

Task<Result<void>> Issuer::revoke(Issued issued) {
  const std::string id = issued.id;
  Result<void> done = co_await impl_->end(id);
  if (const auto at = impl_->live.find(id); !done && at != impl_->live.end())
    at->second.end = impl_->ports.clock.now();  // the next round tries again
  co_return done;
}

Task<void> Issuer::close(Duration within) {
  co_await impl_->close(within);
}

Task<void> Issuer::sweep() {
  co_await impl_->sweep();
}

std::size_t Issuer::live() const {
  return impl_->live.size();
}

}  // namespace keyturn::credentials
