// What trusted addresses publish (keys, metadata), fetched now and then and kept. I/O thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task_impl.h"
#include "base/time.h"
#include "net/client.h"
#include "net/loop.h"

namespace keyturn::identity {

// An exchange on a thread of its own (net::fetch), awaited.
using Fetch = std::function<Task<Result<net::ClientResponse>>(net::ClientRequest)>;

inline constexpr Duration kFetchPace = std::chrono::seconds(10);  // between fetches of one address
inline constexpr Duration kKeptFresh = std::chrono::minutes(10);  // then it is fetched again
inline constexpr Duration kKeptMost = std::chrono::hours(24);     // good, when fetching fails
inline constexpr std::size_t kKeptMax = 256;                      // addresses

net::ClientRequest get_json(const std::string& url);  // bounded in time and size
// A 200, or code provider_unreachable.
Result<std::string> body_of(Result<net::ClientResponse> answer, const std::string& url);

// One T an address, parsed once. Who asks while it is fetched waits for that fetch.
template <class T>
class Kept {
 public:
  using Parse = std::function<Result<T>(std::string_view body, const std::string& url)>;
  using Ptr = std::shared_ptr<const T>;

  Kept(net::Loop& loop, const Clock& clock, Fetch fetch, Parse parse)
      : loop_(loop), clock_(clock), fetch_(std::move(fetch)), parse_(std::move(parse)) {}

  // What there is, without fetching; null when it is not there or too old.
  Ptr at_hand(const std::string& url) const {
    const auto found = entries_.find(url);
    if (found == entries_.end()) return nullptr;
    return clock_.now() - found->second.fetched < kKeptMost ? found->second.value : nullptr;
  }

  // Why the last attempt to fetch it failed; nullopt: it did not, or there was none.
  std::optional<Refusal> trouble(const std::string& url) const {
    const auto found = entries_.find(url);
    const bool failed = found != entries_.end() && !found->second.busy &&
                        found->second.tried > found->second.fetched;
    return failed ? std::optional(found->second.why) : std::nullopt;
  }

  // Not older than kKeptFresh, if the address answers; fetched anew when `enough` says no of it, as
  // often as kFetchPace lets. Codes: provider_unreachable, those of Parse.
  Task<Result<Ptr>> get(std::string url, std::function<bool(const T&)> enough = {}) {
    if (entries_.size() >= kKeptMax && !entries_.contains(url)) entries_.clear();
    for (int round = 0; round < 2; ++round) {
      const Entry& entry = entries_[url];
      const Time now = clock_.now();
      const bool fresh = entry.value && now - entry.fetched < kKeptFresh;
      if (fresh && (!enough || enough(*entry.value))) co_return entry.value;
      if (entry.busy) {
        auto waiter = std::make_shared<net::Waiter>(loop_);
        entries_[url].waiting.push_back(waiter);
        co_await waiter->wait(std::chrono::seconds(15));
        continue;
      }
      if (entry.tried != Time{} && now - entry.tried < kFetchPace) break;
      co_await renew(url);
      break;
    }
    const Entry& entry = entries_[url];
    if (entry.value && clock_.now() - entry.fetched < kKeptMost) co_return entry.value;
    co_return std::unexpected(entry.why);
  }

 private:
  struct Entry {
    Ptr value;
    Time fetched{}, tried{};
    bool busy = false;
    Refusal why{"provider_unreachable", "the provider does not answer; try again in a moment", ""};
    std::vector<std::shared_ptr<net::Waiter>> waiting;
  };

  Task<void> renew(std::string url) {
    entries_[url].busy = true;
    entries_[url].tried = clock_.now();
    Result<net::ClientResponse> answer = co_await fetch_(get_json(url));
    Result<std::string> body = body_of(std::move(answer), url);
    Entry& entry = entries_[url];
    entry.busy = false;
    Result<T> parsed = body ? parse_(*body, url) : Result<T>(std::unexpected(body.error()));
    if (parsed) {
      entry.value = std::make_shared<const T>(std::move(*parsed));
      entry.fetched = clock_.now();
    } else {
      entry.why = parsed.error();
    }
    for (const auto& waiter : std::exchange(entry.waiting, {})) waiter->fire();
  }

  net::Loop& loop_;
  const Clock& clock_;
  Fetch fetch_;
  Parse parse_;
  std::map<std::string, Entry> entries_;
};

}  // namespace keyturn::identity
