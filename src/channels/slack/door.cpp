#include "channels/slack/door.h"

#include "base/task_impl.h"

namespace keyturn::channels::slack {
namespace {

constexpr Duration kSaidFor = std::chrono::minutes(10);

}  // namespace

Door::Door(const Ports& ports, NeededSecret signing_secret)
    : clock_(ports.clock),
      log_(ports.log),
      secret_(std::move(signing_secret), ports.secret, ports.clock) {
  signatures_.only_since(clock_.now());
}

Task<bool> Door::open() {
  const Result<Secret> secret = co_await secret_.get();
  if (!secret) log_("slack: " + secret.error().message + "; until then nothing of Slack is taken");
  co_return secret.has_value();
}

Task<Result<void>> Door::check(const net::HttpRequest& request) {
  const std::string timestamp(request.header("X-Slack-Request-Timestamp").value_or(""));
  const std::string signature(request.header("X-Slack-Signature").value_or(""));
  const std::string body = request.body;
  const auto check_with = [&](const Result<Secret>& secret) {
    signatures_.use(secret ? *secret : Secret());
    return signatures_.check(timestamp, signature, body, clock_.now());
  };
  Result<void> checked = check_with(co_await secret_.get());
  if (!checked && checked.error().code == "bad_signature") {
    secret_.doubt();
    checked = check_with(co_await secret_.get());
  }
  count(checked);
  co_return checked;
}

void Door::count(const Result<void>& checked) {
  const Time now = clock_.now();
  if (checked) {
    refused_ = 0;
    return;
  }
  const std::string& code = checked.error().code;
  if (secret_.trouble() || (code != "bad_signature" && code != "stale_signature")) return;
  if (!refused_at_ || now - *refused_at_ > kSaidFor) refused_ = 0;
  ++refused_;
  refused_at_ = now;
  if (logged_at_ && now - *logged_at_ <= kSaidFor) return;
  logged_at_ = now;
  log_("slack: " + trouble()->message);
}

std::optional<Refusal> Door::trouble() const {
  if (secret_.trouble()) return secret_.trouble();
  if (refused_ == 0 || clock_.now() - *refused_at_ > kSaidFor) return std::nullopt;
  return Refusal{"not_slacks_signature",
                 std::to_string(refused_) + (refused_ == 1 ? " request" : " requests") +
                     " came with a signature that is not Slack's, or not of now. If they were "
                     "Slack's: check signing_secret, and this machine's clock. If somebody else "
                     "sent them, they were refused and did nothing",
                 ""};
}

}  // namespace keyturn::channels::slack
