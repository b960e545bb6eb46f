// Fills a data folder's journal with settled actions, four events each, as a long-lived server
// would have left them: to measure what a large ledger costs at the start.
//
//   keyturn_bench_fill DATA EVENTS     (DATA from `keyturn init`, no server running)
#include "data_journal.h"

using namespace keyturn;

namespace {

constexpr unsigned kAppenders = 256;
constexpr std::uint64_t kEventsAnAction = 4;

EventDraft event_of(const std::string& stream, const char* type, const char* state) {
  EventDraft event{.stream = stream, .type = type};
  event.body =
      doc::object({{"state", state},
                   {"agent", doc::object({{"id", "bot"}, {"owner", "owner"}})},
                   {"action", doc::object({{"id", stream.substr(7)},
                                           {"tool", "tool-1"},
                                           {"operation", "deploy"},
                                           {"digest", "sha256:" + std::string(64, 'a')}})}});
  return event;
}

store::AppendRequest settled_action(std::uint64_t number) {
  const std::string stream = "action/act_" + std::to_string(1'000'000'000 + number);
  store::AppendRequest request;
  request.events.push_back(event_of(stream, "action.decided", "approved"));
  request.events.push_back(event_of(stream, "grant.issued", "approved"));
  request.events.push_back(event_of(stream, "grant.consumed", "executing"));
  request.events.push_back(event_of(stream, "execution.finished", "succeeded"));
  request.expects.push_back({stream, 0, true});
  return request;
}

Task<void> append(store::Journal* journal, std::shared_ptr<std::uint64_t> next, std::uint64_t end) {
  while (*next < end) {
    const store::Appended appended = co_await journal->append(settled_action((*next)++));
    if (!appended) std::abort();
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  const std::uint64_t actions = std::strtoull(words[2], nullptr, 10) / kEventsAnAction;
  bench::DataJournal on(words[1]);
  const auto next = std::make_shared<std::uint64_t>(0);
  for (unsigned i = 0; i < kAppenders; ++i) {
    boost::asio::co_spawn(on.io, append(on.journal.get(), next, actions), boost::asio::detached);
  }
  on.io.run();
  return 0;
}
