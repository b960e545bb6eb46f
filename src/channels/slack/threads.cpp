#include "channels/slack/threads.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::string_view kSaid = "slack/said/";

std::string at(std::string_view channel, std::string_view ts) {
  return std::string(channel) + "/" + std::string(ts);
}

std::string print_of(std::string_view person, std::string_view text) {
  std::string all(person);
  all += '\n';
  all += text;
  return to_hex(view(crypto::sha256(all))).substr(0, 32);
}

}  // namespace

Task<Result<void>> Threads::load() {
  auto all = co_await ports_.keep.read(std::string(kSaid));
  if (!all) co_return std::unexpected(all.error());
  for (const auto& [key, value] : *all) {
    const std::string_view rest = std::string_view(key).substr(kSaid.size());
    const std::size_t slash = rest.find('/');
    const Result<doc::Value> said = doc::parse_json(value);
    if (slash == std::string_view::npos || !said) continue;
    said_[std::string(rest.substr(0, slash))][std::string(rest.substr(slash + 1))] = {
        std::string(said->text("print")), std::string(said->text("place"))};
  }
  co_return Result<void>{};
}

void Threads::on_kept(const std::string& action, const std::string& place, const Kept* kept) {
  if (place.contains('/')) return;  // what hangs below a card
  auto& cards = cards_[action];
  if (const auto before = cards.find(place); before != cards.end()) action_.erase(before->second);
  if (kept != nullptr && !kept->memo.text("ts").empty()) {
    cards[place] = at(kept->memo.text("channel"), kept->memo.text("ts"));
    action_[cards[place]] = action;
    return;
  }
  cards.erase(place);
  if (!cards.empty()) return;
  cards_.erase(action);
  if (kept == nullptr && said_.contains(action)) ports_.loop.spawn(forget(action));
}

std::string Threads::action_of(std::string_view channel, std::string_view ts) const {
  const auto found = action_.find(at(channel, ts));
  return found == action_.end() ? "" : found->second;
}

Task<bool> Threads::take(std::string action, std::string person, std::string text,
                         std::string channel, std::string thread, std::string ts) {
  const std::string message = at(channel, ts);
  const Said said{print_of(person, text), at(channel, thread)};
  if (!said_[action].emplace(message, said).second) co_return false;
  const std::string value =
      doc::write_json(doc::object({{"print", said.print}, {"place", said.place}}));
  const Result<void> kept =
      co_await ports_.keep.write(std::string(kSaid) + action + "/" + message, value);
  if (!kept) ports_.log("slack: " + kept.error().message);
  co_return true;
}

Task<void> Threads::drop(std::string action, std::string ts, std::string channel) {
  const std::string message = at(channel, ts);
  if (const auto found = said_.find(action); found != said_.end()) found->second.erase(message);
  (void)co_await ports_.keep.write(std::string(kSaid) + action + "/" + message, std::nullopt);
}

bool Threads::was_said(const std::string& action, const std::string& person,
                       const std::string& text, std::string_view channel,
                       std::string_view thread) const {
  const auto found = said_.find(action);
  if (found == said_.end()) return false;
  const std::string print = print_of(person, text);
  const std::string place = at(channel, thread);
  return std::ranges::any_of(found->second, [&](const auto& one) {
    return one.second.print == print && one.second.place == place;
  });
}

Task<void> Threads::forget(std::string action) {
  const auto found = said_.find(action);
  if (found == said_.end()) co_return;
  const std::map<std::string, Said> all = std::move(found->second);
  said_.erase(found);
  for (const auto& [message, said] : all)
    (void)co_await ports_.keep.write(std::string(kSaid) + action + "/" + message, std::nullopt);
}

}  // namespace keyturn::channels::slack
