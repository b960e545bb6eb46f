#include "channels/teams/teams.h"

#include <utility>

#include "channels/teams/diagnose.h"
#include "channels/teams/impl.h"
#include "doc/json.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::string_view kSaid = "teams/said/";

int status_of(const std::string& code) {
  if (code == "invalid_json") return 400;
  if (code == "wrong_tenant" || code == "wrong_service_url") return 403;
  if (code == "provider_unreachable" || code == "invalid_keys") return 503;
  return 401;
}

// Until it is there, or nobody wants it any more.
Task<void> look_for(std::weak_ptr<KeptSecret> wanted, net::Loop* loop,
                    std::function<void(const std::string&)> log) {
  std::string said;
  while (const std::shared_ptr<KeptSecret> secret = wanted.lock()) {
    const Result<Secret> found = co_await secret->get();
    if (found) co_return;
    if (found.error().message != said) log("teams: " + found.error().message);
    said = found.error().message;
    co_await loop->sleep(kReadSecretAgain);
  }
}

}  // namespace

Teams::Impl::Impl(Config wanted, const Ports& given)
    : config(std::move(wanted)),
      ports(given),
      contacts(ports.keep),
      incoming(config, ports.loop, ports.clock, ports.fetch),
      api(config, ports.loop, ports.clock, ports.fetch, ports.secret),
      once(ports.loop, ports.clock),
      secret(std::make_shared<KeptSecret>(NeededSecret{"secret", config.secret, ""}, ports.secret,
                                          ports.clock)) {}

Task<void> Teams::Impl::leave_trace(std::string account, std::string code) {
  co_await ports.desk.refused("teams", account, std::move(code));
}

Task<Result<void>> Teams::Impl::load() {
  const auto failed = [](Refusal why) { return std::unexpected(std::move(why)); };
  ports.loop.spawn(look_for(secret, &ports.loop, ports.log));
  if (Result<void> loaded = co_await contacts.load(); !loaded) co_return loaded;
  const auto said = co_await ports.keep.read(std::string(kSaid));
  if (!said) co_return failed(said.error());
  for (const auto& [key, value] : *said) {
    for (std::size_t from = 0, end; (end = value.find('\n', from)) != std::string::npos;
         from = end + 1)
      said_there[key.substr(kSaid.size())].insert(value.substr(from, end - from));
  }
  co_return Result<void>{};
}

// Nothing of it before its token holds; and once, however often it is sent.
Task<net::HttpResponse> Teams::Impl::take(net::HttpRequest request) {
  const Result<Activity> admitted = co_await incoming.admit(std::move(request));
  if (!admitted) {
    const Refusal& why = admitted.error();
    const int status = status_of(why.code);
    if (status < 500) co_await leave_trace("", why.code);
    co_return net::problem_response(status, why.code, why.message);
  }
  const Activity& activity = *admitted;
  const bool is_click = activity.type == "invoke" && activity.name == "adaptiveCard/action";
  if (activity.type == "invoke" && !is_click)
    co_return net::problem_response(404, "not_found", "no such invoke is answered here");
  // Of this sender, with this content: another's answer is nobody else's.
  const std::string key =
      activity.type + " " + activity.conversation + " " + activity.id + " " + activity.user + " " +
      activity.object_id + " " +
      ports.desk.fingerprint(activity.text + "\n" + doc::write_json(activity.value));
  std::string answer;
  if (activity.id.empty())
    answer = co_await work(activity);
  else
    answer = co_await once.run(key, [this, activity] { return work(activity); });
  if (is_click && answer.empty())
    answer = words_answer("That was sent before, or it takes long. Look at the card.");
  co_return net::json_response(200, answer.empty() ? "{}" : answer);
}

Task<std::string> Teams::Impl::work(Activity activity) {
  if (activity.type == "invoke") co_return co_await clicked(std::move(activity));
  if (activity.type == "message") co_return co_await said(std::move(activity));
  if (activity.type == "installationUpdate" || activity.type == "conversationUpdate")
    co_await met(std::move(activity));
  co_return std::string();
}

Teams::Teams(Config config, const Ports& ports)
    : impl_(std::make_unique<Impl>(std::move(config), ports)) {}

Teams::~Teams() = default;

Task<Result<void>> Teams::start() {
  return impl_->load();
}

std::uint64_t Teams::reach() const {
  return impl_->contacts.version();
}

std::optional<Refusal> Teams::trouble() const {
  if (impl_->secret->trouble()) return impl_->secret->trouble();
  if (const std::optional<ApiError>& why = impl_->api.token().trouble())
    return Refusal{"teams_unreachable", why->why, ""};
  if (const std::optional<Refusal> why = impl_->incoming.trouble())
    return Refusal{why->code, "what comes from Teams cannot be checked: " + why->message, ""};
  return std::nullopt;
}

std::vector<Errand> Teams::due(const Matter& matter, const KeptPlaces& kept) {
  return impl_->due(matter, kept);
}

Task<Carried> Teams::carry(Matter matter, Errand errand, doc::Value memo) {
  return impl_->carry(std::move(matter), std::move(errand), std::move(memo));
}

Task<net::HttpResponse> Teams::answer(net::HttpRequest request) {
  if (request.path != "/teams/messages" || request.method != "POST")
    return Channel::answer(std::move(request));
  return impl_->take(std::move(request));
}

void Teams::on_kept(const std::string& action, const std::string& place, const Kept* kept) {
  impl_->index(action, place, kept);
}

std::vector<Configured> read_teams(const doc::Value& value, const std::string& pointer,
                                   doc::Problems& problems) {
  const Config config = read_config(value, pointer, problems);
  std::vector<Configured> out;
  out.push_back({.name = "teams",
                 .kind = "teams",
                 .make = [config](const Ports& ports) -> std::unique_ptr<Channel> {
                   return std::make_unique<Teams>(config, ports);
                 },
                 .test = [config](CheckPorts ports) { return diagnose(config, std::move(ports)); },
                 .secrets = {{"secret", config.secret, ""}}});
  return out;
}

}  // namespace keyturn::channels::teams
