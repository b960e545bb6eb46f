#include "channels/slack/socket.h"

#include <algorithm>
#include <set>

#include "base/task_impl.h"
#include "doc/json.h"
#include "net/websocket.h"

namespace keyturn::channels::slack {
namespace {

constexpr Duration kFirstBackoff = std::chrono::milliseconds(250),
                   kBackoffMax = std::chrono::seconds(30);
// Slack pings every few seconds.
constexpr Duration kIdle = std::chrono::seconds(40), kHelloWithin = std::chrono::seconds(15);
constexpr std::size_t kConnectionsMax = 4;

using SocketPtr = std::shared_ptr<net::WebSocket>;

}  // namespace

struct Socket::Impl : std::enable_shared_from_this<Impl> {
  Impl(FrontPtr f, NeededSecret app_token)
      : front(std::move(f)),
        office(front->office),
        token(std::move(app_token), office->ports.secret, office->ports.clock),
        wanted(office->ports.loop) {}

  static Task<void> run(std::shared_ptr<Impl> me);
  static Task<void> serve(std::shared_ptr<Impl> me, SocketPtr socket);
  static Task<void> take(std::shared_ptr<Impl> me, SocketPtr socket, doc::Value envelope);
  static Task<void> expect_hello(std::shared_ptr<Impl> me, SocketPtr socket,
                                 std::shared_ptr<bool> came);
  Task<Result<SocketPtr>> open();

  void fail(Refusal why) {
    if (!trouble || trouble->code != why.code)
      office->ports.log("slack: Socket Mode: " + why.message + "; it is tried again");
    trouble = std::move(why);
  }

  FrontPtr front;
  OfficePtr office;
  KeptSecret token;
  net::Waiter wanted;  // another connection
  std::set<SocketPtr> sockets;
  std::optional<Refusal> trouble = Refusal{"connecting", "no connection to Slack yet", ""};
  Duration backoff = kFirstBackoff;
  bool stopping = false;
};

Task<Result<SocketPtr>> Socket::Impl::open() {
  const Result<Secret> secret = co_await token.get();
  if (!secret) {
    backoff = std::min<Duration>(backoff, kReadSecretAgain / 2);
    co_return std::unexpected(secret.error());
  }
  const Answer answer = co_await office->client.call_as(*secret, "apps.connections.open", {},
                                                        std::chrono::seconds(15));
  if (!answer) {
    if (answer.error().token) token.doubt();
    if (answer.error().what.retry_after)
      backoff = std::max(backoff, *answer.error().what.retry_after);
    co_return refuse(answer.error().word, answer.error().what.why);
  }
  co_return co_await net::connect_websocket(
      office->ports.loop, std::string(answer->text("url")),
      {.ca_file = office->settings.ca_file, .idle_timeout = kIdle});
}

// Keeps a connection; whenever the one there is ends, or says it will, opens another.
Task<void> Socket::Impl::run(std::shared_ptr<Impl> me) {
  while (!me->stopping) {
    Result<SocketPtr> socket = co_await me->open();
    if (me->stopping) {
      if (socket) (*socket)->cut();
      co_return;
    }
    if (socket) {
      me->wanted.reset();
      me->sockets.insert(*socket);
      slack::start(me->office, serve(me, *socket));
      while (!me->stopping &&
             co_await me->wanted.wait(std::chrono::hours(1)) == net::Woken::kDeadline)
        me->wanted.reset();
    } else {
      me->fail(socket.error());
    }
    if (me->stopping) co_return;
    if (me->backoff.count() > 0) co_await me->office->ports.loop.sleep(me->backoff);
    me->backoff = std::clamp<Duration>(me->backoff * 2, kFirstBackoff, kBackoffMax);
  }
}

Task<void> Socket::Impl::expect_hello(std::shared_ptr<Impl> me, SocketPtr socket,
                                      std::shared_ptr<bool> came) {
  co_await me->office->ports.loop.sleep(kHelloWithin);
  if (!*came) socket->cut();
}

Task<void> Socket::Impl::serve(std::shared_ptr<Impl> me, SocketPtr socket) {
  const auto hello = std::make_shared<bool>(false);
  bool replaced = false;
  slack::start(me->office, expect_hello(me, socket, hello));
  while (!me->stopping) {
    const Result<std::string> text = co_await socket->read();
    if (!text) {
      if (!replaced && !me->stopping)
        me->fail({text.error().code, "the connection ended: " + text.error().message, ""});
      break;
    }
    const Result<doc::Value> message = doc::parse_json(*text, {.bytes_max = 4 << 20});
    if (!message || !message->is_object()) continue;
    const std::string_view type = message->text("type");
    if (type == "hello") {
      *hello = true;
      me->trouble.reset();
      me->backoff = kFirstBackoff;
    } else if (type == "disconnect") {
      const bool is_off = message->text("reason") == "link_disabled";
      if (is_off) {
        me->backoff = kBackoffMax;
        me->fail(
            {"socket_mode_off",
             "Socket Mode is turned off in the app's settings: turn it on (Settings, Socket Mode)",
             ""});
        break;
      }
      // Another one first; this one goes on until Slack closes it.
      if (!std::exchange(replaced, true) && me->sockets.size() < kConnectionsMax) {
        me->backoff = Duration::zero();
        me->wanted.fire();
      }
    } else if (!message->text("envelope_id").empty()) {
      slack::start(me->office, take(me, socket, *message));
    }
  }
  socket->cut();
  me->sockets.erase(socket);
  if (!replaced) me->wanted.fire();
}

Task<void> Socket::Impl::take(std::shared_ptr<Impl> me, SocketPtr socket, doc::Value envelope) {
  doc::Value answer = doc::object({{"envelope_id", envelope.text("envelope_id")}});
  const doc::Value* payload = envelope.find("payload");
  const std::string_view type = envelope.text("type");
  const bool is_new =
      me->office->seen.first("envelope " + std::string(envelope.text("envelope_id")));
  const bool ours = payload != nullptr && is_ours(*me->office, *payload);
  if (!ours && is_new)
    slack::start(me->office, me->office->ports.desk.refused(kName, "", "other_workspace"));
  if (is_new && ours && type == "interactive") {
    doc::Value said = co_await interactive(me->front, *payload);
    if (!said.is_null()) answer.set("payload", std::move(said));
  } else if (is_new && ours && type == "slash_commands") {
    doc::Value said = co_await command(me->front, *payload);
    if (!said.is_null()) answer.set("payload", std::move(said));
  } else if (is_new && ours && type == "events_api") {
    slack::start(me->office, event(me->front, *payload));
  }
  (void)co_await socket->write(doc::write_json(answer));
}

Socket::Socket(FrontPtr front, NeededSecret app_token)
    : impl_(std::make_shared<Impl>(std::move(front), std::move(app_token))) {}

Socket::~Socket() {
  stop();
}

void Socket::start() {
  slack::start(impl_->office, Impl::run(impl_));
}

void Socket::stop() {
  if (std::exchange(impl_->stopping, true)) return;
  for (const SocketPtr& socket : impl_->sockets) socket->cut();
  impl_->wanted.fire();
}

std::optional<Refusal> Socket::trouble() const {
  return impl_->trouble;
}

}  // namespace keyturn::channels::slack
