// Schedules that a file of this host says.
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "oncall/impl.h"

namespace keyturn::oncall {
namespace {

EventDraft about_file(const std::string& schedule, std::string type, const std::string& digest) {
  EventDraft out;
  out.stream = "oncall/" + schedule;
  out.type = std::move(type);
  out.body = doc::object({{"oncall", doc::object({{"schedule", schedule}, {"digest", digest}})}});
  return out;
}

// Words of ours and places only: the text is the host's.
doc::Value in_public(const doc::Problems& problems) {
  constexpr std::size_t kShown = 20;
  doc::Array out;
  for (const doc::Problem& problem : problems) {
    if (out.size() == kShown) break;
    out.push_back(doc::object({{"code", problem.code},
                               {"line", problem.position.line},
                               {"column", problem.position.column}}));
  }
  return doc::Value(std::move(out));
}

}  // namespace

void OnCall::Impl::look(bool at_once) {
  for (const auto& [name, one] : document().oncall) {
    Source& source = sources[name];
    if (one.file.empty()) continue;
    const Result<std::string> text = ports.read(one.file);
    const std::string found = text ? "text " + *text : "none " + text.error().message;
    const bool same = source.path == one.file && source.seen == found;
    if (!same) {
      source.path = one.file;
      source.seen = found;
      source.taken = false;
    }
    if (source.taken || (!same && !at_once)) continue;  // half a checkout is not taken
    source.taken = true;
    take(one, source, text);
  }
}

void OnCall::Impl::take(const trust::OnCallSchedule& one, Source& source,
                        const Result<std::string>& text) {
  doc::Problems problems;
  if (!text) problems.push_back({text.error().code, text.error().message, "", {}});
  source.file = text ? oncall::load(*text, problems) : std::nullopt;
  source.problems.clear();
  for (const doc::Problem& problem : problems)
    source.problems.push_back(doc::to_text(problem, one.file));
  const bool refused = !source.file;
  for (const std::string& problem : source.problems) say("oncall." + one.name + ": " + problem);
  if (refused)
    say("oncall." + one.name +
        ": not taken. Whoever is on call stays so until the shift ends; nobody else begins");
  const std::string digest = text ? crypto::sha256_text(*text) : std::string();
  dirty = true;
  if (source.digest == digest && source.refused == refused) return;  // recorded before
  EventDraft draft =
      about_file(one.name, refused ? "oncall.file_refused" : "oncall.file_loaded", digest);
  if (refused) {
    doc::Value part = *draft.body.find("oncall");
    part.set("problems", in_public(problems));
    draft.body.set("oncall", std::move(part));
  }
  source.digest = digest;
  source.refused = refused;
  about_files.push_back(std::move(draft));
}

Task<void> OnCall::Impl::record_files() {
  if (about_files.empty()) co_return;
  std::vector<EventDraft> events = std::exchange(about_files, {});
  std::vector<EventDraft> again = events;
  Result<std::vector<Event>> recorded = co_await ports.gate.record(std::move(events), {});
  if (!recorded)  // no room: the next tick
    about_files.insert(about_files.begin(), std::make_move_iterator(again.begin()),
                       std::make_move_iterator(again.end()));
}

}  // namespace keyturn::oncall
