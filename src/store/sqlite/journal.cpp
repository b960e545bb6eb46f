#include "store/sqlite/journal.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>
#include <span>
#include <utility>

#include "doc/json.h"
#include "store/sqlite/journal_impl.h"
#include "store/sqlite/resume.h"
#include "store/sqlite/schema.h"

namespace keyturn::store::sqlite {
namespace {

using Kind = Conflict::Kind;

// Gives the WAL a home before other connections open it.
void create(const JournalOptions& options) {
  Database database(options.path, Access::kCreate);
  configure(database);
  database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  prepare_schema(database, options.closed_types);
}

WriterOptions writer_options(const JournalOptions& options, Checkpointer& checkpointer,
                             boost::asio::any_io_executor executor,
                             std::function<void(CommittedBatch)> committed) {
  WriterOptions out{.path = options.path,
                    .master = options.master,
                    .closed_types = options.closed_types,
                    .batch_max = options.batch_max};
  out.committed = [executor, committed = std::move(committed)](CommittedBatch batch) {
    boost::asio::post(
        executor, [committed, batch = std::move(batch)]() mutable { committed(std::move(batch)); });
  };
  out.grown = [&checkpointer](int pages) { checkpointer.log_grew(pages); };
  return out;
}

std::vector<std::unique_ptr<Reader>> make_readers(const JournalOptions& options) {
  std::vector<std::unique_ptr<Reader>> readers;
  for (unsigned i = 0; i < std::max(1u, options.readers); ++i) {
    readers.push_back(std::make_unique<Reader>(options.path, options.master));
  }
  return readers;
}

Task<void> until_done(std::shared_ptr<Pending> pending) {
  if (pending->done) co_return;
  auto keep = [pending](std::move_only_function<void()> resume) {
    pending->resume.push_back(std::move(resume));
  };
  co_await suspend_into(std::move(keep));
}

Task<Appended> appended(std::shared_ptr<Pending> pending) {
  co_await until_done(pending);
  co_return std::move(pending->events);
}

Task<Appended> conflicted(std::shared_ptr<Pending> after, Conflict conflict) {
  if (after) co_await until_done(after);
  co_return std::unexpected(std::move(conflict));
}

Task<bool> never() {
  co_return false;
}

Task<bool> advanced(std::shared_ptr<Pending> pending) {
  co_await until_done(pending);
  co_return pending->signed_step->advanced;
}

}  // namespace

Result<std::unique_ptr<Journal>> open_journal(JournalOptions options, const Clock& clock,
                                              Random& random,
                                              boost::asio::any_io_executor executor) {
  const std::string path = options.path;
  try {
    create(options);
    return std::make_unique<JournalImpl>(std::move(options), clock, random, std::move(executor));
  } catch (const std::exception& error) {
    return refuse("journal_unusable", path + ": " + error.what(), path);
  }
}

JournalImpl::JournalImpl(JournalOptions options, const Clock& clock, Random& random,
                         boost::asio::any_io_executor executor)
    : options_(std::move(options)),
      clock_(clock),
      executor_(std::move(executor)),
      self_(std::make_shared<JournalImpl*>(this)),
      heads_(options_.path),
      readers_("kt-reader", make_readers(options_), executor_),
      checkpointer_(options_.path),
      writer_(writer_options(options_, checkpointer_, executor_,
                             [self = std::weak_ptr(self_)](CommittedBatch batch) {
                               if (const auto journal = self.lock()) {
                                 (*journal)->settle(std::move(batch));
                               }
                             }),
              random) {
  size_ = next_index_ = writer_.size_at_open();
  root_ = writer_.root_at_open();
  Reader reader(options_.path, options_.master);
  last_time_ = reader.last_time().value_or(Time{});
}

JournalImpl::~JournalImpl() {
  self_.reset();
  // A waiting coroutine holds its Pending, which holds the coroutine: part them.
  std::vector<std::move_only_function<void()>> waiting;
  for (const auto& pending : outstanding_) {
    std::ranges::move(pending->resume, std::back_inserter(waiting));
    pending->resume.clear();
  }
}

// --- appending ---

Task<Appended> JournalImpl::append(AppendRequest request) {
  try {
    std::optional<Conflict> conflict = find_conflict(request);
    if (conflict) return conflicted(last_enqueued(), std::move(*conflict));
    Draft pending = draft(std::move(request));
    if (!pending) return conflicted(nullptr, std::move(pending.error()));
    enqueue(*pending);
    return appended(std::move(*pending));
  } catch (const SqliteError& error) {
    give_up(error.what());
  }
}

std::optional<Conflict> JournalImpl::find_conflict(const AppendRequest& request) {
  if (read_only_) return Conflict{Kind::kReadOnly, *read_only_, {}};
  for (const Expect& expect : request.expects) {
    if (expect.is_new) heads_.add_new(expect.stream);
    if (heads_.version(expect.stream) != expect.version) {
      return Conflict{Kind::kStreamMoved, expect.stream, {}};
    }
  }
  for (std::size_t i = 0; i < request.claims.size(); ++i) {
    const Claim& claim = request.claims[i];
    if (const auto taken = claim.is_new ? std::nullopt : heads_.claim(claim.key)) {
      return Conflict{Kind::kClaimTaken, claim.key, *taken};
    }
    const std::span earlier(request.claims.data(), i);
    const auto twin = std::ranges::find(earlier, claim.key, &Claim::key);
    if (twin != earlier.end()) return Conflict{Kind::kClaimTaken, claim.key, twin->value};
  }
  if (queued_events_ + request.events.size() > options_.queue_max) {
    return Conflict{Kind::kOverloaded, "too many appends wait for the disk", {}};
  }
  return std::nullopt;
}

JournalImpl::Draft JournalImpl::draft(AppendRequest request) {
  auto pending = std::make_shared<Pending>();
  pending->events.reserve(request.events.size());
  pending->drafts.reserve(request.events.size());
  for (EventDraft& event : request.events) {
    if (auto refused = draft_event(*pending, std::move(event))) {
      return std::unexpected(std::move(*refused));
    }
  }
  pending->claims = std::move(request.claims);
  pending->erase = std::move(request.erase);
  pending->begins_epoch = request.begins_epoch;
  return pending;
}

std::optional<Conflict> JournalImpl::draft_event(Pending& pending, EventDraft draft) {
  const auto refused = [&draft](Kind kind, std::string_view why) {
    return Conflict{kind, draft.type + ": " + std::string(why), {}};
  };
  const auto earlier = std::ranges::count(pending.events, draft.stream, &Event::stream);
  Event event{.index = next_index_ + pending.events.size(),
              .stream = draft.stream,
              .position = heads_.version(draft.stream) + static_cast<std::uint64_t>(earlier) + 1,
              .type = draft.type,
              .time = recorded_now()};
  WriteDraft write;
  Result<LeafDraft> leaf = draft_leaf(draft, event.position, event.time, options_.node);
  if (!leaf) {
    const bool large = leaf.error().code == "too_large";
    return refused(large ? Kind::kTooLarge : Kind::kMalformed,
                   leaf.error().where + " " + leaf.error().message);
  }
  write.leaf = std::move(*leaf);
  if (draft.private_part) {
    Result<std::string> payload = doc::canonical(*draft.private_part);
    if (!payload) return refused(Kind::kMalformed, "private part: " + payload.error().message);
    if (payload->size() > options_.private_bytes_max) {
      return refused(Kind::kTooLarge,
                     "its private part has " + std::to_string(payload->size()) + " bytes");
    }
    write.payload = std::move(*payload);
  }
  event.body = std::move(draft.body);
  pending.events.push_back(std::move(event));
  pending.drafts.push_back(std::move(write));
  return std::nullopt;
}

// To the millisecond, as it is written; never before the last.
Time JournalImpl::recorded_now() {
  const Time now = std::chrono::floor<std::chrono::milliseconds>(clock_.now());
  last_time_ = std::max(last_time_, now);
  return last_time_;
}

void JournalImpl::enqueue(const std::shared_ptr<Pending>& pending) {
  for (const Event& event : pending->events) heads_.advance(event.stream);
  for (const Claim& claim : pending->claims) heads_.take(claim);
  next_index_ += pending->events.size();
  queued_events_ += pending->events.size();
  outstanding_.push_back(pending);
  writer_.enqueue(pending);
}

std::shared_ptr<Pending> JournalImpl::last_enqueued() const {
  return outstanding_.empty() ? nullptr : outstanding_.back();
}

std::uint64_t JournalImpl::version(const std::string& stream) {
  try {
    return heads_.version(stream);
  } catch (const SqliteError& error) {
    give_up(error.what());
  }
}

Task<bool> JournalImpl::advance_signed(std::uint64_t from_size, std::uint64_t size, Digest root) {
  if (read_only_) return never();
  auto pending = std::make_shared<Pending>();
  pending->signed_step = SignedStep{.from_size = from_size, .to = {size, root}};
  enqueue(pending);
  return advanced(std::move(pending));
}

// --- after a commit ---

void JournalImpl::settle(CommittedBatch batch) {
  size_ = batch.size;
  root_ = batch.root;
  for (const auto& pending : batch.appends) {
    for (const Event& event : pending->events) heads_.settle_event(event.stream);
    for (const Claim& claim : pending->claims) heads_.settle_claim(claim.key);
    queued_events_ -= pending->events.size();
    outstanding_.pop_front();
  }
  follow(batch);
}

// Resumes the appenders, then tells the followers: each from the executor, so that an exception of
// one stays its own.
void JournalImpl::follow(const CommittedBatch& batch) {
  auto wanted = std::make_shared<std::vector<std::vector<Event>>>(followers_.size());
  bool any_event = false;
  for (const auto& pending : batch.appends) {
    any_event = any_event || !pending->events.empty();
    for (std::size_t i = 0; i < followers_.size(); ++i) {
      std::ranges::copy_if(pending->events, std::back_inserter((*wanted)[i]), followers_[i].wants);
    }
    pending->done = true;
    for (auto& resume : pending->resume) boost::asio::post(executor_, std::move(resume));
    pending->resume.clear();
  }
  if (!any_event) return;
  boost::asio::post(executor_, [self = std::weak_ptr(self_), wanted] {
    const auto journal = self.lock();
    if (!journal) return;
    for (std::size_t i = 0; i < wanted->size(); ++i) {
      (*journal)->followers_[i].call((*wanted)[i]);
    }
  });
}

void JournalImpl::on_commit(std::function<bool(const Event&)> wants,
                            std::function<void(const std::vector<Event>&)> follower) {
  followers_.push_back({std::move(wants), std::move(follower)});
}

// --- reading ---

Task<std::vector<Event>> JournalImpl::read_stream(std::string stream, std::uint64_t from_position,
                                                  bool with_private) {
  return readers_.ask<std::vector<Event>>(
      [stream = std::move(stream), from_position, with_private](Reader& reader) {
        return reader.stream_events(stream, from_position, with_private);
      });
}

Task<std::optional<std::string>> JournalImpl::find_claim(std::string key) {
  return readers_.ask<std::optional<std::string>>(
      [key = std::move(key)](Reader& reader) { return reader.claim(key); });
}

Task<std::vector<Event>> JournalImpl::read_range(std::uint64_t from, std::size_t limit,
                                                 bool with_private) {
  return readers_.ask<std::vector<Event>>([from, limit, with_private](Reader& reader) {
    return reader.range(from, limit, with_private);
  });
}

Task<FirstEvents> JournalImpl::read_first_events(std::string prefix, std::uint64_t before,
                                                 std::size_t limit) {
  return readers_.ask<FirstEvents>([prefix = std::move(prefix), before, limit](Reader& reader) {
    return reader.first_events(prefix, before, limit);
  });
}

Task<std::vector<std::string>> JournalImpl::read_leaves(std::uint64_t from, std::size_t limit) {
  return readers_.ask<std::vector<std::string>>(
      [from, limit](Reader& reader) { return reader.leaves(from, limit); });
}

Task<std::string> JournalImpl::read_tile(unsigned level, std::uint64_t index, unsigned width) {
  return readers_.ask<std::string>(
      [level, index, width](Reader& reader) { return reader.tile(level, index, width); });
}

Task<std::vector<std::string>> JournalImpl::read_tiles(std::vector<TileRange> wanted) {
  return readers_.ask<std::vector<std::string>>([wanted = std::move(wanted)](Reader& reader) {
    std::vector<std::string> out;
    out.reserve(wanted.size());
    for (const TileRange& one : wanted) {
      out.push_back(reader.tile(one.level, one.index, one.width));
    }
    return out;
  });
}

Task<Signed> JournalImpl::last_signed() {
  return readers_.ask<Signed>([](Reader& reader) { return reader.last_signed(); });
}

void JournalImpl::load_open_streams(const std::string& prefix,
                                    const std::function<void(std::vector<Event>)>& each, bool all) {
  Reader reader(options_.path, options_.master);
  for (const std::string& stream : reader.open_streams(prefix, all)) {
    each(reader.stream_events(stream, 1, true));
  }
}

bool JournalImpl::ready() const {
  if (read_only_) return false;
  struct statvfs disk{};
  if (statvfs(options_.path.c_str(), &disk) != 0) return false;
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  return (disk.f_flag & ST_RDONLY) == 0 && free_bytes > options_.reserve_bytes;
}

}  // namespace keyturn::store::sqlite
