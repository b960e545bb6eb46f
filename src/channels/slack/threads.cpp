#include "channels/slack/threads.h"

#include <algorithm>

#include "base/task_impl.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::string_view kSaid = "slack/said/";

std::string at(std::string_view channel, std::string_view ts) {
  return std::string(channel) + "/" + std::string(ts);
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
    const std::int64_t comment = said->integer("comment", -1);
    said_[std::string(rest.substr(0, slash))][std::string(rest.substr(slash + 1))] = {
        std::string(said->text("print")), std::string(said->text("place")),
        comment < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(comment))};
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
  const Said said{print_of(person, text), at(channel, thread), {}};
  if (!said_[action].emplace(message, said).second) co_return false;
  co_await write(action, message, said);
  co_return true;
}

std::string Threads::print_of(std::string_view person, std::string_view text) const {
  return ports_.desk.fingerprint("slack said\n" + std::string(person) + "\n" + std::string(text));
}

Task<void> Threads::write(std::string action, std::string message, Said said) {
  doc::Value value = doc::object({{"place", said.place}});
  if (said.comment)
    value.set("comment", static_cast<std::uint64_t>(*said.comment));
  else
    value.set("print", said.print);
  const Result<void> kept = co_await ports_.keep.write(std::string(kSaid) + action + "/" + message,
                                                       doc::write_json(value));
  if (!kept) ports_.log("slack: " + kept.error().message);
}

Task<void> Threads::drop(std::string action, std::string ts, std::string channel) {
  const std::string message = at(channel, ts);
  if (const auto found = said_.find(action); found != said_.end()) found->second.erase(message);
  (void)co_await ports_.keep.write(std::string(kSaid) + action + "/" + message, std::nullopt);
}

Task<void> Threads::settle(const gate::ActionRecord& record, std::string person, std::string text,
                           std::string channel, std::string ts) {
  const std::string action = record.id.str(), message = at(channel, ts);
  SaidThere& there = said_[action];
  const auto said = there.find(message);
  if (said == there.end() || said->second.comment) co_return;
  for (std::size_t n = record.comments.size(); n-- > 0 && !said->second.comment;) {
    const gate::Comment& one = record.comments[n];
    const bool is_taken =
        std::ranges::any_of(there, [&](const auto& other) { return other.second.comment == n; });
    if (!is_taken && one.by == person && one.text == text) said->second.comment = n;
  }
  if (!said->second.comment) co_return;
  said->second.print.clear();
  co_await write(action, message, said->second);
}

bool Threads::was_said(const gate::ActionRecord& record, std::size_t comment,
                       std::string_view channel, std::string_view thread) {
  const std::string action = record.id.str(), place = at(channel, thread);
  const auto found = said_.find(action);
  if (found == said_.end() || comment >= record.comments.size()) return false;
  for (const auto& [message, said] : found->second) {
    if (said.comment == comment) return said.place == place;
  }
  const std::string print = print_of(record.comments[comment].by, record.comments[comment].text);
  for (auto& [message, said] : found->second) {
    if (said.comment || said.print != print || said.place != place) continue;
    said.comment = comment;
    said.print.clear();
    ports_.loop.spawn(write(action, message, said));
    return true;
  }
  return false;
}

Task<void> Threads::forget(std::string action) {
  const auto found = said_.find(action);
  if (found == said_.end()) co_return;
  const SaidThere all = std::move(found->second);
  said_.erase(found);
  for (const auto& [message, said] : all)
    (void)co_await ports_.keep.write(std::string(kSaid) + action + "/" + message, std::nullopt);
}

}  // namespace keyturn::channels::slack
