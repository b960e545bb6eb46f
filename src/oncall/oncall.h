// Who is on call, by each schedule of identity.yaml's `oncall`: as a file says it that this host
// reads, or as a webhook was told.
//
// A schedule only ever narrows. It says of people that they are on call (identity.groups_vouched
// with `of`, source "oncall:NAME", until the end of the shift); that they count as members of its
// group only while they are active members of its pool is kept by the directory itself. It is
// recorded when a shift begins and ends, and nothing when nothing has changed.
//
// What lasts, on oncall/NAME: oncall.told {"oncall": {schedule, shifts, message, sent}} for each
// accepted message; oncall.file_loaded {"oncall": {schedule, digest}} and oncall.file_refused
// {"oncall": {schedule, digest, problems}}, each once for a text. While a file is refused whoever
// is on call stays so until the shift ends, and nobody else begins.
//
// Threads: the I/O thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "gate/gate.h"
#include "oncall/message.h"
#include "oncall/schedule.h"
#include "trust/document.h"

namespace keyturn::oncall {

struct Ports {
  gate::Gate& gate;
  // What stands behind a reference (secrets::resolve), without blocking the I/O thread.
  std::function<Task<Result<Secret>>(secrets::SecretReference)> fetch;
  // The text of a schedule's file. Code unreadable.
  std::function<Result<std::string>(const std::string& path)> read;
  std::function<void(Task<void>)> spawn;
  std::function<void(std::string_view line)> log;  // may be empty
};

// A schedule as it stands.
struct State {
  struct Member {
    std::string person;  // id
    Time until;
    bool counts = false;  // an active member of the pool
  };
  std::string name, group, of, source;  // "file" or "webhook"
  std::vector<Member> on_call;
  std::optional<Time> next;       // when that may change
  std::optional<Time> last_word;  // of a webhook: when it was last told
  bool stale = false;             // of a webhook: not told for too long, or never
  std::vector<std::string> problems;
};

class OnCall {
 public:
  explicit OnCall(Ports ports);  // before gate.load()
  ~OnCall();
  void load();  // after gate.load()

  // Reads files and secrets, and records who is on call now. Before serving. Refuses when a
  // webhook's secret is not to be had, or is none: without it anybody could sign.
  Task<Result<void>> start();
  // Records what has begun and ended, and looks again after people or identity.yaml changed. Call
  // it at least every 250 ms.
  void tick();
  // Reads the files again. A text is taken when two looks in a row find it; `at_once`: by this one.
  void look(bool at_once);

  // What the webhook of a schedule sends replaces what it sent before. Codes: not_found, those of
  // check_message, already_used (the id), not_configured (the secret is not to be had), those of a
  // body that is read, unknown_person, conflict.
  Task<Result<State>> told(std::string name, Message message);

  std::vector<State> states() const;  // by name
  // "oncall.primary", for each schedule that something is wrong with.
  std::vector<std::string> troubled() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::oncall
