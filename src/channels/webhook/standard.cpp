#include "channels/webhook/standard.h"

#include "base/task_impl.h"
#include "channels/tells.h"
#include "channels/webhook/message.h"
#include "crypto/webhook.h"
#include "doc/json.h"

namespace keyturn::channels::webhook {
namespace {

constexpr std::string_view kReceiver = "receiver";

std::uint64_t version_in(const doc::Value& memo) {
  return static_cast<std::uint64_t>(memo.integer("version"));
}

}  // namespace

net::ClientRequest signed_request(const std::string& url, const Secret& key, const std::string& id,
                                  Time at, const doc::Value& message) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = url;
  request.body = doc::write_json(message);
  const std::string timestamp = std::to_string(unix_ms(at) / 1000);
  request.headers = {
      {"Content-Type", "application/json"},
      {"webhook-id", id},
      {"webhook-timestamp", timestamp},
      {"webhook-signature", crypto::webhook_signature(key, id, timestamp, request.body)}};
  return request;
}

Task<Result<void>> Standard::start() {
  co_return Result<void>{};
}

std::vector<Errand> Standard::due(const Matter& matter, const KeptPlaces& kept) {
  const gate::ActionRecord& record = *matter.record;
  const auto at = kept.find(kReceiver);
  if (at == kept.end() && !tells(kind(), record, matter.escalations > 0, settings_.always))
    return {};
  if (at != kept.end() && version_in(at->second.memo) == record.version) return {};
  return {{std::string(kReceiver), "v" + std::to_string(record.version), nullptr}};
}

Task<Carried> Standard::carry(Matter matter, Errand, doc::Value memo) {
  const Result<Secret> text = co_await receiver_.secret();
  if (!text) co_return std::unexpected(receiver_.secret_missing(text.error()));
  const Result<Secret> key = crypto::webhook_key(*text);
  if (!key) co_return std::unexpected(receiver_.secret_missing(key.error()));
  const gate::ActionRecord& record = *matter.record;
  const std::uint64_t version = record.version;  // the record goes on while this waits
  const std::string id = message_id(settings_.name, record);
  const doc::Value message = message_of(id, record, ports_.desk.gate().world().directory,
                                        version_in(memo) + 1, ports_.desk.page_of(record));
  const Taken done =
      co_await receiver_.post(signed_request(settings_.url, *key, id, ports_.clock.now(), message));
  if (!done) co_return std::unexpected(done.error());
  co_return doc::object({{"version", version}});
}

}  // namespace keyturn::channels::webhook
