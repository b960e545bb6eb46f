#include "channels/teams/contacts.h"

#include "base/task_impl.h"
#include "doc/json.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::string_view kMet = "teams/met/", kServiceUrl = "teams/service_url";

std::string text_of(const Contact& contact) {
  return doc::write_json(
      doc::object({{"conversation", contact.conversation}, {"user", contact.user}}));
}

}  // namespace

Task<Result<void>> Contacts::load() {
  const auto all = co_await keep_.read("teams/");
  if (!all) co_return std::unexpected(all.error());
  for (const auto& [key, value] : *all) {
    if (key == kServiceUrl) service_url_ = value;
    if (!key.starts_with(kMet)) continue;
    const Result<doc::Value> tree = doc::parse_json(value);
    if (tree)
      contacts_[key.substr(kMet.size())] = {std::string(tree->text("conversation")),
                                            std::string(tree->text("user"))};
  }
  co_return Result<void>{};
}

Task<void> Contacts::meet(Activity activity) {
  if (service_url_ != activity.service_url) {
    service_url_ = activity.service_url;
    (void)co_await keep_.write(std::string(kServiceUrl), service_url_);
  }
  if (activity.object_id.empty() || activity.user.empty()) co_return;
  const Contact* known = of(activity.object_id);
  Contact now = known != nullptr ? *known : Contact{};
  now.user = activity.user;
  if (activity.is_personal()) now.conversation = activity.conversation;
  co_await remember(activity.object_id, std::move(now));
}

// What is not kept costs one more message from that person.
Task<void> Contacts::remember(std::string object_id, Contact contact) {
  const auto found = contacts_.find(object_id);
  if (found == contacts_.end() ? contacts_.size() >= kMax : found->second == contact) co_return;
  contacts_[object_id] = contact;
  ++version_;
  (void)co_await keep_.write(std::string(kMet) + object_id, text_of(contact));
}

Task<void> Contacts::forget(std::string object_id) {
  if (contacts_.erase(object_id) == 0) co_return;
  ++version_;
  (void)co_await keep_.write(std::string(kMet) + object_id, std::nullopt);
}

const Contact* Contacts::of(const std::string& object_id) const {
  const auto found = contacts_.find(object_id);
  return found == contacts_.end() ? nullptr : &found->second;
}

}  // namespace keyturn::channels::teams
