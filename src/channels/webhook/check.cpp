#include "channels/webhook/check.h"

#include "base/task_impl.h"
#include "channels/webhook/receiver.h"
#include "channels/webhook/standard.h"
#include "crypto/webhook.h"

namespace keyturn::channels::webhook {
namespace {

Check found(std::string what, const Result<void>& result, std::string good) {
  return {std::move(what), result.has_value(), result ? std::move(good) : result.error().message};
}

net::ClientRequest test_message(const Settings& settings, const Secret& key, Time now) {
  const std::string id = "msg_test_" + std::to_string(unix_ms(now));
  return signed_request(settings.url, key, id, now,
                        doc::object({{"type", "keyturn.test"},
                                     {"id", id},
                                     {"timestamp", to_rfc3339(now)},
                                     {"data", doc::Object{}}}));
}

}  // namespace

Task<Checks> check(Settings settings, CheckPorts ports) {
  Checks out;
  const bool is_standard = settings.form == Template::kStandard;
  Result<Secret> key = co_await ports.secret(settings.secret);
  if (key && is_standard) key = crypto::webhook_key(*key);
  out.push_back(
      found("the secret", key ? Result<void>{} : std::unexpected(key.error()), "it is there"));
  if (!key && is_standard) co_return out;
  net::ClientRequest request;
  if (is_standard)
    request = test_message(settings, *key, ports.clock.now());
  else
    request.url = settings.url;
  request.ca_file = settings.ca_file;
  request.timeout = std::chrono::seconds(30);
  request.body_bytes_max = 64 << 10;
  const Result<net::ClientResponse> answer = co_await ports.fetch(std::move(request));
  if (!answer) {
    out.push_back({"the receiver", false, in_words(answer.error())});
  } else if (!is_standard) {
    out.push_back(
        {"the receiver", true, "it answers; nobody was called, so the key was not tried"});
  } else {
    const Taken done = taken(*answer, ports.clock.now());
    out.push_back(
        {"the receiver", done.has_value(), done ? "it took a test message" : done.error().why});
  }
  co_return out;
}

}  // namespace keyturn::channels::webhook
