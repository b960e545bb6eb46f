// What others deliver, and runbooks start by.
#include "api/impl.h"
#include "triggers/triggers.h"

namespace keyturn::api {
namespace {

std::string once(const Call& call, std::string_view name) {
  if (call.request.headers.count(name) != 1) return {};
  return std::string(*call.request.header(name));
}

}  // namespace

// Who sends it is known by what it proves alone. The answer says nothing of runbooks: neither which
// there are nor what was started.
Task<Response> post_hook(Service& s, Call& call) {
  triggers::Delivery delivery;
  delivery.hook = call.parts.front();
  delivery.authorization = once(call, "authorization");
  delivery.pagerduty_signature = once(call, "x-pagerduty-signature");
  delivery.github_signature = once(call, "x-hub-signature-256");
  delivery.github_delivery = once(call, "x-github-delivery");
  delivery.github_event = once(call, "x-github-event");
  delivery.signature = once(call, "keyturn-signature");
  delivery.id = once(call, "keyturn-delivery");
  delivery.body = call.request.body;
  if (delivery.body.size() > triggers::kBodyBytesMax)
    co_return problem(
        {"too_large",
         "a delivery has at most " + std::to_string(triggers::kBodyBytesMax) + " bytes", ""});
  const std::string what =
      runbook::is_hook_name(delivery.hook) ? "webhook " + delivery.hook : "webhook";
  Result<std::size_t> taken = refuse("bad_delivery", "nothing is delivered here now");
  if (s.ports.triggers != nullptr) taken = co_await s.ports.triggers->received(std::move(delivery));
  if (taken)
    co_return json_answer(202, doc::object({{"taken", static_cast<std::uint64_t>(*taken)}}));
  Principal sender;
  sender.kind = PrincipalKind::kHost;
  sender.id = "webhook";
  sender.channel = call.request.peer;
  co_return co_await s.refused(sender, taken.error(), what);
}

}  // namespace keyturn::api
