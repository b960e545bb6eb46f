#include "channels/slack/comments.h"

#include <algorithm>

#include "base/task_impl.h"
#include "channels/slack/deliver.h"
#include "channels/slack/words.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::size_t kAtOnce = 40;         // of Slack's 50 blocks
constexpr std::size_t kWeightMax = 10'000;  // of Slack's 13,000 characters

using Indices = std::vector<std::size_t>;

struct Posted {
  std::string ts;
  Indices of;
};

struct Told {
  std::size_t n = 0;
  Indices again;
  std::vector<Posted> posted;
};

Indices indices_of(const doc::Value* list) {
  Indices out;
  if (list == nullptr || !list->is_array()) return out;
  for (const doc::Value& one : list->as_array()) {
    const std::optional<std::int64_t> number = one.as_int64();
    if (number && *number >= 0) out.push_back(static_cast<std::size_t>(*number));
  }
  return out;
}

doc::Value list_of(const Indices& indices) {
  doc::Array out;
  for (const std::size_t one : indices) out.emplace_back(static_cast<std::uint64_t>(one));
  return out;
}

Told told_of(const doc::Value& memo) {
  Told out;
  out.n = static_cast<std::size_t>(std::max<std::int64_t>(0, memo.integer("n")));
  out.again = indices_of(memo.find("again"));
  const doc::Value* posted = memo.find("posted");
  if (posted == nullptr || !posted->is_array()) return out;
  for (const doc::Value& one : posted->as_array())
    out.posted.push_back({std::string(one.text("ts")), indices_of(one.find("of"))});
  return out;
}

doc::Value memo_of(const Told& told) {
  doc::Array posted;
  for (const Posted& one : told.posted)
    posted.push_back(doc::object({{"ts", one.ts}, {"of", list_of(one.of)}}));
  return doc::object({{"n", static_cast<std::uint64_t>(told.n)},
                      {"again", list_of(told.again)},
                      {"posted", std::move(posted)}});
}

// What one message takes, and what will have been told by then.
struct Batch {
  Indices of;
  Told after;
};

Batch next_batch(const std::vector<gate::Comment>& all, Told told) {
  Batch out;
  std::size_t weight = 0;
  const auto takes = [&](std::size_t at) {
    if (at >= all.size() || all[at].erased) return true;  // there is nothing to be told
    if (out.of.size() >= kAtOnce) return false;
    weight += comment_of(all[at]).weight();
    if (weight > kWeightMax && !out.of.empty()) return false;
    out.of.push_back(at);
    return true;
  };
  std::size_t done = 0;
  while (done < told.again.size() && takes(told.again[done])) ++done;
  if (done == told.again.size()) {
    while (told.n < all.size() && takes(told.n)) ++told.n;
  }
  told.again.erase(told.again.begin(), told.again.begin() + static_cast<std::ptrdiff_t>(done));
  out.after = std::move(told);
  return out;
}

// As if the message had ended with that one.
Told told_until(Told told, std::size_t at) {
  const auto found = std::ranges::find(told.again, at);
  if (found != told.again.end()) {
    told.again.erase(told.again.begin(), found + 1);
  } else {
    told.again.clear();
    told.n = at + 1;
  }
  return told;
}

bool is_erased(const std::vector<gate::Comment>& all, std::size_t at) {
  return at < all.size() && all[at].erased;
}

Task<Carried> carry_erased(OfficePtr office, Matter matter, Errand errand, Told told) {
  const std::string ts(errand.what.text("erased"));
  Form arguments{{"channel", std::string(errand.what.text("channel"))}, {"ts", ts}};
  const Answer gone = co_await office->client.call("chat.delete", std::move(arguments));
  if (!gone && gone.error().word != "message_not_found")
    co_return std::unexpected(gone.error().what);
  const std::vector<gate::Comment>& all = matter.record->comments;
  for (const Posted& one : told.posted) {
    if (one.ts != ts) continue;
    std::ranges::copy_if(one.of, std::back_inserter(told.again),
                         [&](std::size_t at) { return !is_erased(all, at); });
  }
  std::erase_if(told.posted, [&](const Posted& one) { return one.ts == ts; });
  std::ranges::sort(told.again);
  co_return memo_of(told);
}

// One message of what is not told yet and was not said in this very thread; of the first alone
// where Slack does not take all of them together, and a line in its stead where not even that.
Task<Carried> carry_next(OfficePtr office, Matter matter, Errand errand, Told told) {
  const gate::ActionRecord& record = *matter.record;
  const std::string channel(errand.what.text("channel")), thread(errand.what.text("ts"));
  Batch batch = next_batch(record.comments, told);
  std::erase_if(batch.of, [&](std::size_t at) {
    return office->threads.was_said(record, at, channel, thread);
  });
  if (batch.of.empty()) co_return memo_of(batch.after);
  const std::string conversation = office->client.place_of(channel);
  if (const auto wait = office->pace.take(conversation, office->now()))
    co_return std::unexpected(
        Undelivered{Undelivered::Kind::kPlaceBusy, "others go first in that conversation", wait});
  const auto told_by = [&](doc::Value message) {
    return post(office, channel, std::move(message), thread);
  };
  Answer answer = co_await told_by(comments_of(record, batch.of));
  const auto is_refused = [&] {
    return !answer && answer.error().what.kind == Undelivered::Kind::kNever;
  };
  if (is_refused() && batch.of.size() > 1) {
    batch.of.resize(1);
    batch.after = told_until(std::move(told), batch.of.front());
    answer = co_await told_by(comments_of(record, batch.of));
  }
  if (is_refused())
    answer = co_await told_by(
        comment_left_out(record.comments[batch.of.front()], office->ports.desk.page_of(record)));
  if (!answer) {
    office->pace.give_back(conversation);
    co_return std::unexpected(answer.error().what);
  }
  batch.after.posted.push_back({std::string(answer->text("ts")), batch.of});
  co_return memo_of(batch.after);
}

}  // namespace

std::optional<Errand> comments_due(const gate::ActionRecord& record, const std::string& place,
                                   const Kept* kept, doc::Value where, bool may_see) {
  const Told told = told_of(kept == nullptr ? doc::Value() : kept->memo);
  for (const Posted& one : told.posted) {
    const std::string word = "erased:" + one.ts;
    const bool goes =
        std::ranges::any_of(one.of, [&](std::size_t at) { return is_erased(record.comments, at); });
    if (!goes || kept->dead == word) continue;  // what Slack keeps does not hold up the rest
    where.set("erased", one.ts);
    return Errand{place, word, std::move(where)};
  }
  if (!may_see || (told.again.empty() && told.n >= record.comments.size())) return std::nullopt;
  const Told after = next_batch(record.comments, told).after;
  // From where to where, in which thread: another one once anything was told, or there is more.
  const auto state = [](const Told& one) {
    return std::to_string(one.n) + "-" + std::to_string(one.again.size());
  };
  std::string word =
      "said:" + state(told) + ">" + state(after) + "@" + std::string(where.text("ts"));
  return Errand{place, std::move(word), std::move(where)};
}

Task<Carried> carry_comments(OfficePtr office, Matter matter, Errand errand, doc::Value memo) {
  Told told = told_of(memo);
  if (errand.what.find("erased") != nullptr)
    co_return co_await carry_erased(office, matter, errand, std::move(told));
  co_return co_await carry_next(office, matter, errand, std::move(told));
}

}  // namespace keyturn::channels::slack
