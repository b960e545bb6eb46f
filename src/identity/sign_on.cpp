// The browser's way to a provider and back.
#include "identity/sign_on.h"

#include <algorithm>

#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "identity/accounts.h"

namespace keyturn::identity {
namespace {

constexpr int kAttempts = 4;
constexpr std::size_t kHintsMax = 10'000;
constexpr std::size_t kCodeBytesMax = 8 * 1024;

std::unexpected<Refusal> invalid_state(std::string why) {
  return refuse("invalid_state", std::move(why) + "; start signing in again, in this browser");
}

// Makes room by what is over; false when all of it is still going on.
template <class Map>
bool has_room(Map& map, std::size_t most, Time now) {
  if (map.size() < most) return true;
  std::erase_if(map, [now](const auto& entry) { return now >= entry.second.expires_at; });
  return map.size() < most;
}

}  // namespace

SignOn::SignOn(gate::Gate& gate, Identity& identity, Providers& providers, Secret key,
               SignOnOptions options)
    : gate_(gate),
      identity_(identity),
      providers_(providers),
      key_(std::move(key)),
      options_(std::move(options)) {}

std::string SignOn::health_of(const std::string& name) const {
  const Result<trust::Provider> found = provider(name);
  if (!found) return found.error().message;
  if (const auto trouble = providers_.trouble_with(found->issuer)) return trouble->message;
  return providers_.metadata_at_hand(found->issuer) ? "ok" : "idle";
}

doc::Value SignOn::list() const {
  doc::Array out;
  for (const auto& [name, one] : gate_.world().configuration->identity->providers) {
    const std::string_view kind = one.kind == trust::ProviderKind::kOkta    ? "okta"
                                  : one.kind == trust::ProviderKind::kEntra ? "entra"
                                                                            : "oidc";
    out.push_back(doc::object({{"name", name}, {"kind", kind}, {"device", one.device}}));
  }
  return out;
}

Result<trust::Provider> SignOn::provider(const std::string& name) const {
  const auto& all = gate_.world().configuration->identity->providers;
  const auto found = all.find(name);
  if (found == all.end())
    return refuse("unknown_provider", "identity.yaml names no provider " + name);
  return found->second;
}

std::string SignOn::redirect_uri(const std::string& provider) const {
  return options_.public_url + "/auth/" + provider + "/callback";
}

Task<Result<SignOnBegun>> SignOn::begin(std::string name, std::optional<Session> link_for) {
  Result<trust::Provider> wanted = provider(name);
  if (!wanted) co_return std::unexpected(wanted.error());
  Result<Metadata> metadata = co_await providers_.metadata(wanted->issuer);
  if (!metadata) co_return std::unexpected(metadata.error());
  if (metadata->authorization.empty())
    co_return refuse("invalid_metadata", name + " names no authorization endpoint");
  const Time now = gate_.clock().now();
  if (!has_room(flows_, options_.flows_max, now))
    co_return refuse("overloaded", "too many are signing in; try again in a moment");
  Random& random = gate_.random();
  const Secret cookie(to_base64url(random.bytes(32)));
  const std::string state = to_base64url(random.bytes(32));
  Flow flow{name,
            wanted->issuer,
            crypto::sha256_text(cookie.reveal()),
            to_base64url(random.bytes(32)),
            to_base64url(random.bytes(32)),
            std::move(link_for),
            now + options_.flow_life};
  std::string scope;
  for (const std::string& one : wanted->scopes) scope += (scope.empty() ? "" : " ") + one;
  Form query{{"response_type", "code"},
             {"client_id", wanted->client_id},
             {"redirect_uri", redirect_uri(name)},
             {"scope", scope},
             {"state", state},
             {"nonce", flow.nonce},
             {"code_challenge", to_base64url(view(crypto::sha256(flow.verifier)))},
             {"code_challenge_method", "S256"}};
  if (flow.link_for) query.emplace_back("prompt", "login");  // proof now, not a session of long ago
  flows_.insert_or_assign(state, std::move(flow));
  co_return SignOnBegun{metadata->authorization + "?" + to_form(query), cookie};
}

// Once for each state; but whoever has not the browser's cookie does not use it up.
Result<SignOn::Flow> SignOn::take(const std::string& name, const SignOnAnswer& answer,
                                  const std::string& cookie) {
  const auto found = flows_.find(answer.state);
  if (answer.state.empty() || found == flows_.end())
    return invalid_state("this sign-in was not begun here, or it was finished already");
  const Flow& flow = found->second;
  const std::string digest = crypto::sha256_text(cookie);
  if (cookie.empty() || !equal_constant_time(digest, flow.cookie_digest))
    return invalid_state("this sign-in was begun in another browser");
  Flow out = flow;
  flows_.erase(found);
  if (gate_.clock().now() >= out.expires_at) return invalid_state("this sign-in took too long");
  if (out.provider != name) return invalid_state("this answer came to another provider's address");
  return out;
}

Task<Result<Tokens>> SignOn::redeem(trust::Provider from, Flow flow, SignOnAnswer answer) {
  Result<Metadata> metadata = co_await providers_.metadata(from.issuer);
  if (!metadata) co_return std::unexpected(metadata.error());
  const auto refused = [&](std::string why) {
    return refuse("sign_in_refused", "signing in at " + from.name + " did not work: " + why);
  };
  // RFC 9207 §2.4: an answer of another issuer, sent here to be taken for this one's.
  if (flow.issuer != from.issuer || (metadata->issuer_in_answer && !answer.issuer) ||
      (answer.issuer && *answer.issuer != from.issuer))
    co_return refused("the answer is not of the issuer that was asked");
  if (!answer.error.empty()) co_return refused("the provider said no");
  if (answer.code.empty() || answer.code.size() > kCodeBytesMax)
    co_return refused("the answer has no code");
  Form form{{"grant_type", "authorization_code"},
            {"code", answer.code},
            {"redirect_uri", redirect_uri(from.name)},
            {"code_verifier", flow.verifier}};
  Result<Tokens> tokens = co_await providers_.redeem(from, std::move(form));
  co_return tokens;
}

Task<Result<SignedOn>> SignOn::finish(std::string name, SignOnAnswer answer, std::string cookie) {
  Result<trust::Provider> from = provider(name);
  if (!from) co_return std::unexpected(from.error());
  Result<Flow> flow = take(name, answer, cookie);
  if (!flow) co_return std::unexpected(flow.error());
  Result<Tokens> tokens = co_await redeem(*from, *flow, std::move(answer));
  if (!tokens) co_return std::unexpected(tokens.error());
  Result<Subject> subject = co_await providers_.who(*from, *tokens, flow->nonce);
  if (!subject) co_return std::unexpected(subject.error());
  if (flow->link_for) {
    Result<SignedOn> linked =
        co_await link(std::move(*from), std::move(*subject), std::move(*flow->link_for));
    co_return linked;
  }
  Result<SignedOn> opened =
      co_await open(std::move(*from), std::move(*subject), std::move(tokens->id_token));
  co_return opened;
}

Task<Result<SignedOn>> SignOn::open(trust::Provider from, Subject subject, std::string id_token) {
  Refusal last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Admission> admission = admit(from, subject);
    if (!admission) co_return std::unexpected(admission.error());
    Result<OpenedSession> opened = co_await identity_.open_session(
        admission->person, "oidc:" + from.name, std::move(admission->events));
    if (opened) {
      if (hints_.size() >= kHintsMax) hints_.erase(hints_.begin());
      hints_.insert_or_assign(opened->session.id, Hint{from.name, std::move(id_token)});
      co_return SignedOn{admission->person, std::move(*opened)};
    }
    last = opened.error();
    if (last.code != "conflict") break;
  }
  co_return std::unexpected(last);
}

// Whoever else writes the same person meanwhile (SCIM, say) is no reason to start all over.
Task<Result<SignedOn>> SignOn::link(trust::Provider from, Subject subject, Session session) {
  Result<SignedOn> done = refuse("conflict", "");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    done = co_await link_once(from, subject, session);
    if (done || done.error().code != "conflict") break;
  }
  co_return done;
}

Task<Result<SignedOn>> SignOn::link_once(trust::Provider from, Subject subject, Session session) {
  Result<std::string> account = account_of(key_, from, subject.id);
  if (!account) co_return std::unexpected(account.error());
  if (!identity_.is_open(session.id))
    co_return invalid_state("the session that asked for this link has ended");
  const people::Directory& directory = gate_.world().directory;
  const people::Person* person = directory.person(session.person);
  const people::Person* holder = directory.by_account(*account);
  if (person == nullptr || !person->active)
    co_return refuse("inactive", "this person is not active");
  if (Result<void> ok = people::can_link_account(directory, person->id, *account); !ok)
    co_return std::unexpected(ok.error());
  Admission admission{session.person, {}};
  if (holder == nullptr)
    admission.events.push_back(people::account_linked(person->id, *account, person->id));
  add_groups(from, subject, person, admission);
  SignedOn out{session.person, std::nullopt};
  Result<std::vector<Event>> recorded = co_await record(std::move(admission));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return out;
}

Task<Result<std::vector<Event>>> SignOn::record(Admission admission) {
  if (admission.events.empty()) co_return std::vector<Event>{};
  const std::string stream = "person/" + admission.person;
  std::vector<store::Expect> expects{{stream, gate_.seen(stream)}};
  Result<std::vector<Event>> recorded =
      co_await gate_.record(std::move(admission.events), std::move(expects));
  co_return recorded;
}

Task<std::string> SignOn::provider_logout(Session session) {
  constexpr std::string_view kPrefix = "oidc:";
  if (!session.credential.starts_with(kPrefix)) co_return "";
  std::string id_token;
  if (const auto found = hints_.find(session.id); found != hints_.end()) {
    id_token = std::move(found->second.id_token);
    hints_.erase(found);
  }
  const Result<trust::Provider> from = provider(session.credential.substr(kPrefix.size()));
  if (!from) co_return "";
  const Result<Metadata> metadata = co_await providers_.metadata(from->issuer);
  if (!metadata || metadata->end_session.empty()) co_return "";
  Form query{{"client_id", from->client_id},
             {"post_logout_redirect_uri", options_.public_url + "/login"}};
  if (!id_token.empty()) query.emplace_back("id_token_hint", std::move(id_token));
  co_return metadata->end_session + "?" + to_form(query);
}

// ---------------------------------------------------------------- terminals

Task<Result<DeviceBegun>> SignOn::begin_device(std::string name) {
  Result<trust::Provider> from = provider(name);
  if (!from) co_return std::unexpected(from.error());
  if (!from->device)
    co_return refuse("not_allowed", "signing in at " + name +
                                        " from a terminal is not allowed; identity.yaml can: "
                                        "device: true");
  const Time now = gate_.clock().now();
  if (!has_room(devices_, options_.devices_max, now))
    co_return refuse("overloaded", "too many are signing in; try again in a moment");
  Result<doc::Value> answer = co_await providers_.begin_device(*from);
  if (!answer) co_return std::unexpected(answer.error());
  DeviceBegun out{
      Secret(to_base64url(gate_.random().bytes(32))),
      std::string(answer->text("user_code")),
      std::string(answer->text("verification_uri")),
      std::string(answer->text("verification_uri_complete")),
      std::chrono::seconds(std::clamp<std::int64_t>(answer->integer("interval", 5), 1, 60)),
      std::chrono::seconds(std::clamp<std::int64_t>(answer->integer("expires_in", 600), 30, 1800))};
  const std::string code(answer->text("device_code"));
  if (code.empty() || out.user_code.empty() || !trust::is_safe_url(out.verification_uri))
    co_return refuse("sign_in_refused", name + " gave no code for a terminal");
  devices_.insert_or_assign(
      crypto::sha256_text(out.id.reveal()),
      Device{name, from->issuer, code, out.interval, Time{}, now + out.expires_in});
  co_return out;
}

Task<Result<NewToken>> SignOn::poll_device(std::string name, std::string id) {
  Result<trust::Provider> from = provider(name);
  if (!from) co_return std::unexpected(from.error());
  const std::string key = crypto::sha256_text(id);
  const auto found = devices_.find(key);
  const Time now = gate_.clock().now();
  if (found == devices_.end() || found->second.provider != name ||
      found->second.issuer != from->issuer || now >= found->second.expires_at || !from->device)
    co_return invalid_state("this sign-in is over, or was not begun here");
  const auto waiting = [] {
    return refuse("authorization_pending", "nobody has entered the code yet; ask again");
  };
  if (found->second.asked != Time{} && now - found->second.asked < found->second.interval)
    co_return waiting();
  found->second.asked = now;
  Form form{{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
            {"device_code", found->second.code}};
  Result<Tokens> tokens = co_await providers_.redeem(*from, std::move(form));
  if (!tokens && tokens.error().code == "slow_down") {
    if (const auto still = devices_.find(key); still != devices_.end())
      still->second.interval += std::chrono::seconds(5);
    co_return waiting();
  }
  if (!tokens && tokens.error().code == "authorization_pending") co_return waiting();
  devices_.erase(key);
  if (!tokens) co_return std::unexpected(tokens.error());
  Result<Subject> subject = co_await providers_.who(*from, *tokens, std::nullopt);
  if (!subject) co_return std::unexpected(subject.error());
  std::string person;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Admission> admission = admit(*from, *subject);
    if (!admission) co_return std::unexpected(admission.error());
    person = admission->person;
    const Result<std::vector<Event>> done = co_await record(std::move(*admission));
    if (done) break;
    if (done.error().code != "conflict" || attempt + 1 == kAttempts)
      co_return std::unexpected(done.error());
  }
  const Principal self{PrincipalKind::kPerson, person, "oidc:" + name, Assurance::kToken, "cli"};
  Result<NewToken> made = co_await identity_.create_token(
      self, {std::nullopt, person, options_.device_token_life, "keyturn login, " + name});
  co_return made;
}

}  // namespace keyturn::identity
