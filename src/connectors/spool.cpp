#include "connectors/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <tuple>

#include "base/durable_file.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::connectors {
namespace {

constexpr std::size_t kCheckBytes = 16;  // hex digits of a digest before each line
constexpr doc::ParseLimits kLineLimits{.bytes_max = 64 << 20, .values_max = 4'000'000};

std::string journal_path(const std::string& folder) {
  return folder + "/journal";
}

std::unexpected<Refusal> failed(const std::string& what) {
  return refuse("spool_failed", what + ": " + errno_text(errno) +
                                    "; executions are refused until it can be written");
}

std::string line_of(const doc::Value& record) {
  const std::string json = doc::write_json(record);
  return to_hex(view(crypto::sha256(json))).substr(0, kCheckBytes) + " " + json + "\n";
}

std::optional<doc::Value> record_of(std::string_view line) {
  if (line.size() < kCheckBytes + 2) return std::nullopt;
  const std::string_view json = line.substr(kCheckBytes + 1);
  if (to_hex(view(crypto::sha256(json))).substr(0, kCheckBytes) != line.substr(0, kCheckBytes))
    return std::nullopt;
  auto parsed = doc::parse_json(json, kLineLimits);
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

std::string_view word(Spool::State state) {
  switch (state) {
    case Spool::State::kStarted:
      return "started";
    case Spool::State::kFinished:
      return "finished";
    case Spool::State::kFenced:
      return "fenced";
    case Spool::State::kAbsent:
    case Spool::State::kBeyond:
      break;
  }
  return "";
}

doc::Value record_value(const ActionId& action, Spool::State state, const Outcome* outcome,
                        std::int64_t at_ms) {
  doc::Value record = doc::object({{"a", action.str()}, {"s", word(state)}, {"t", at_ms}});
  if (outcome != nullptr) record.set("o", to_value(*outcome));
  return record;
}

std::string head_line(std::int64_t horizon_ms) {
  return line_of(doc::object({{"v", 1}, {"horizon", horizon_ms}}));
}

bool drop_output(Outcome& outcome) {
  if (outcome.stdout_text.empty() && outcome.stderr_text.empty() && outcome.reason.empty() &&
      !outcome.rows)
    return false;
  outcome.reason.clear();
  outcome.stdout_text.clear();
  outcome.stderr_text.clear();
  outcome.rows.reset();
  outcome.truncated = true;
  return true;
}

Result<std::string> read_whole(int fd) {
  std::string bytes;
  std::array<char, 1 << 16> block;
  for (;;) {
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot read the spool");
    if (n == 0) return bytes;
    bytes.append(block.data(), static_cast<std::size_t>(n));
  }
}

Result<Fd> lock_folder(const std::string& folder, Duration wait) {
  const std::string path = folder + "/lock";
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return failed("cannot open " + path);
  const auto until = std::chrono::steady_clock::now() + wait;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= until)
      return refuse("spool_busy", "another process holds " + folder);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return lock;
}

}  // namespace

std::optional<std::int64_t> made_at_ms(const ActionId& action) {
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  const std::string& text = action.str();
  const std::size_t bar = text.rfind('_');
  const std::string_view body =
      std::string_view(text).substr(bar == std::string::npos ? 0 : bar + 1);
  if (body.size() != 26) return std::nullopt;
  std::int64_t ms = 0;
  for (const char c : body.substr(0, 10)) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    ms = ms * 32 + static_cast<std::int64_t>(digit);
  }
  return ms;
}

Result<std::unique_ptr<Spool>> Spool::open(const std::string& folder, Time now, Limits limits,
                                           Duration wait) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot make " + folder);
  auto lock = lock_folder(folder, wait);
  if (!lock) return std::unexpected(lock.error());
  std::unique_ptr<Spool> spool(new Spool(folder, std::move(*lock)));
  if (auto loaded = spool->load(now); !loaded) return std::unexpected(loaded.error());
  if (auto kept = spool->compact(now, limits); !kept) return std::unexpected(kept.error());
  return spool;
}

Result<void> Spool::load(Time now) {
  file_.reset(::open(journal_path(folder_).c_str(), O_RDWR | O_CLOEXEC));
  if (!file_ && errno != ENOENT) return failed("cannot open the spool in " + folder_);
  if (!file_) return replace(head_line(unix_ms(now)));
  auto bytes = read_whole(file_.get());
  if (!bytes) return std::unexpected(bytes.error());
  // A torn last line is a record that nobody was told of: it is cut off. A bad line before it is
  // damage: what it said is lost, so whatever has no record is unknown from here on.
  if (!read_lines(*bytes)) horizon_ms_ = std::max(horizon_ms_, unix_ms(now) + 1);
  if (::ftruncate(file_.get(), end_) != 0) return failed("cannot repair the spool");
  return {};
}

Result<void> Spool::replace(const std::string& content) {
  const std::string fresh = journal_path(folder_) + ".new";
  Fd file(::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return failed("cannot make " + fresh);
  if (auto written = write_all(file.get(), content); !written)
    return failed("cannot write " + fresh);
  if (::fdatasync(file.get()) != 0) return failed("cannot sync " + fresh);
  if (!replace_durably(fresh, journal_path(folder_))) return failed("cannot rename " + fresh);
  file_ = std::move(file);
  read_lines(content);
  return {};
}

// True when every complete line was good.
bool Spool::read_lines(std::string_view content) {
  records_.clear();
  bool good = !content.empty();
  std::size_t at = 0;
  for (std::size_t eol; (eol = content.find('\n', at)) != std::string_view::npos; at = eol + 1) {
    good = apply(content.substr(at, eol - at), static_cast<std::int64_t>(at)) && good;
  }
  end_ = static_cast<std::int64_t>(at);
  return good;
}

bool Spool::apply(std::string_view line, std::int64_t offset) {
  const auto record = record_of(line);
  if (!record) return false;
  if (record->find("horizon") != nullptr) {
    horizon_ms_ = std::max(horizon_ms_, record->integer("horizon"));
    return true;
  }
  const std::string_view state = record->text("s");
  records_[ActionId(std::string(record->text("a")))] = {
      .state = state == "started"  ? State::kStarted
               : state == "fenced" ? State::kFenced
                                   : State::kFinished,
      .at_ms = record->integer("t"),
      .offset = offset,
      .bytes = static_cast<std::int64_t>(line.size())};
  return true;
}

Result<void> Spool::compact(Time now, const Limits& limits) {
  const std::int64_t trim = unix_ms(now - limits.output_kept);
  return rewrite(unix_ms(now - limits.records_kept),
                 [trim](const ActionId&, std::int64_t at_ms) { return at_ms < trim; });
}

// Rewrites the file without the records from before `forget_ms`, and without the output of those
// that `trims` names. Nothing to drop: nothing is done.
Result<void> Spool::rewrite(std::int64_t forget_ms,
                            const std::function<bool(const ActionId&, std::int64_t at_ms)>& trims) {
  std::int64_t horizon = horizon_ms_;
  std::string kept;
  bool changed = false;
  for (const auto& [action, record] : records_) {
    if (record.at_ms < forget_ms) {
      horizon = std::max({horizon, record.at_ms + 1, made_at_ms(action).value_or(0) + 1});
      changed = true;
      continue;
    }
    std::optional<Outcome> outcome = read_outcome(record);
    if (outcome && trims(action, record.at_ms)) changed = drop_output(*outcome) || changed;
    kept +=
        line_of(record_value(action, record.state, outcome ? &*outcome : nullptr, record.at_ms));
  }
  if (!changed) return {};
  return replace(head_line(horizon) + kept);
}

// After a failed fdatasync nobody knows what is on disk: what is good goes into a new file.
Result<void> Spool::mend() {
  ::lseek(file_.get(), 0, SEEK_SET);
  auto bytes = read_whole(file_.get());
  if (!bytes) return std::unexpected(bytes.error());
  bytes->resize(std::min(bytes->size(), static_cast<std::size_t>(end_)));
  if (auto replaced = replace(*bytes); !replaced) return replaced;
  broken_ = false;
  return {};
}

Result<void> Spool::append(const ActionId& action, State state, const Outcome* outcome, Time now) {
  if (broken_) {
    if (auto mended = mend(); !mended) return mended;
  }
  const std::string line = line_of(record_value(action, state, outcome, unix_ms(now)));
  ::lseek(file_.get(), end_, SEEK_SET);
  if (!write_all(file_.get(), line) || ::fdatasync(file_.get()) != 0) {
    const auto refusal = failed("cannot write the spool in " + folder_);
    // A shorter file is the truth we keep to; where this fails, too, mend() keeps to it.
    std::ignore = ::ftruncate(file_.get(), end_);
    broken_ = true;
    return refusal;
  }
  records_[action] = {state, unix_ms(now), end_, static_cast<std::int64_t>(line.size()) - 1};
  end_ += static_cast<std::int64_t>(line.size());
  return {};
}

bool Spool::beyond(const ActionId& action) const {
  const auto made = made_at_ms(action);
  return !made || *made < horizon_ms_;
}

Result<void> Spool::begin(const ActionId& action, Time now) {
  const std::lock_guard guard(mutex_);
  const auto found = records_.find(action);
  if (found != records_.end() && found->second.state == State::kFenced) {
    return refuse("already_started",
                  action.str() + " was given up before it started; ask for it anew");
  }
  if (found != records_.end())
    return refuse("already_started", action.str() + " was started before; it never runs twice");
  // An id of a foreign form has no age: without a record it is taken as new.
  if (made_at_ms(action) && beyond(action)) {
    return refuse(
        "not_known",
        action.str() +
            " is older than what the spool remembers, so it may have run; ask for it anew");
  }
  return append(action, State::kStarted, nullptr, now);
}

Result<void> Spool::finish(const ActionId& action, const Outcome& outcome, Time now) {
  const std::lock_guard guard(mutex_);
  return append(action, State::kFinished, &outcome, now);
}

Result<Spool::Entry> Spool::settle(const ActionId& action, Time now) {
  const std::lock_guard guard(mutex_);
  Entry entry = look_locked(action);
  if (entry.state != State::kAbsent) return entry;
  if (auto fenced = append(action, State::kFenced, nullptr, now); !fenced)
    return std::unexpected(fenced.error());
  return Entry{State::kFenced, std::nullopt};
}

Spool::Entry Spool::look(const ActionId& action) const {
  const std::lock_guard guard(mutex_);
  return look_locked(action);
}

Result<void> Spool::forget_output(const std::set<ActionId>& actions) {
  const std::lock_guard guard(mutex_);
  if (broken_) {
    if (auto mended = mend(); !mended) return mended;
  }
  return rewrite(
      std::numeric_limits<std::int64_t>::min(),
      [&actions](const ActionId& action, std::int64_t) { return actions.contains(action); });
}

Spool::Entry Spool::look_locked(const ActionId& action) const {
  const auto found = records_.find(action);
  if (found == records_.end())
    return {beyond(action) ? State::kBeyond : State::kAbsent, std::nullopt};
  return {found->second.state, read_outcome(found->second)};
}

std::optional<Outcome> Spool::read_outcome(const Record& record) const {
  if (record.state != State::kFinished) return std::nullopt;
  std::string line(static_cast<std::size_t>(record.bytes), '\0');
  if (::pread(file_.get(), line.data(), line.size(), record.offset) !=
      static_cast<ssize_t>(line.size()))
    return std::nullopt;
  const auto stored = record_of(line);
  const doc::Value* outcome = stored ? stored->find("o") : nullptr;
  if (outcome == nullptr) return std::nullopt;
  return outcome_from_value(*outcome);
}

}  // namespace keyturn::connectors
