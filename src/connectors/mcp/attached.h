// MCP servers that run beside their agents: `keyturn mcp -- COMMAND…` holds the process, and brings
// its lines here and ours there over HTTP (api/attachments.cpp). What an attachment says is as
// trustworthy as its agent: it is bound to the principal that made it, and serves nobody else.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "connectors/mcp/backend.h"
#include "connectors/mcp/pipe.h"
#include "net/loop.h"

namespace keyturn::connectors::mcp {

struct AttachmentLimits {
  std::size_t of_principal_max = 64, all_max = 4096;
  std::size_t line_bytes_max = 16 << 20;
  std::size_t unread_bytes_max = 32 << 20;       // either way; what is more ends the attachment
  std::size_t sent_bytes_max = 4 << 20;          // kept for a stream that is opened again
  Duration alone_max = std::chrono::minutes(1);  // without a stream; then it is over
};

// One of them. I/O thread only.
class Attached {
 public:
  Attached(net::Loop& loop, std::string id, Principal who, std::string upstream,
           AttachmentLimits limits);

  const std::string& id() const { return id_; }
  const Principal& who() const { return who_; }
  const std::string& upstream() const { return upstream_; }
  bool ended() const { return !why_.empty(); }
  void end(std::string why);

  // ---- the process's side
  // Bytes that it said, lines with "\n", from the byte number `at` on; what is known already is
  // left out. Gives the number of the next byte. Codes: out_of_step (some are missing), too_large.
  Result<std::uint64_t> say(std::uint64_t at, std::string_view bytes);
  struct Line {
    std::uint64_t number = 0;  // from 1
    std::shared_ptr<const std::string> text;
  };
  // The first line for it after the one of that number; nullopt: not yet.
  std::optional<Line> after(std::uint64_t number) const;
  // False: lines after that one are not kept any more, or never were.
  bool can_go_on_after(std::uint64_t number) const;
  // Who reads lines now; the one before is woken and looks at is_read_by(). Null: nobody.
  void read_by(std::shared_ptr<net::Waiter> reader);
  bool is_read_by(const std::shared_ptr<net::Waiter>& reader) const { return reader_ == reader; }
  void sent(std::uint64_t number);                    // went out to the reader
  std::chrono::steady_clock::duration alone() const;  // since when nobody reads

  // ---- Keyturn's side
  bool is_taken() const { return taken_; }
  void take() { taken_ = true; }
  Result<void> write(std::string line);
  Task<Result<std::string>> read();

 private:
  Refusal closed() const;
  void end_with_too_much();

  const std::string id_;
  const Principal who_;
  const std::string upstream_;
  const AttachmentLimits limits_;
  std::string why_;  // it is over; "" it is not
  bool taken_ = false;

  std::deque<Line> lines_;  // for the process
  std::uint64_t last_ = 0, sent_ = 0;
  std::size_t lines_bytes_ = 0, sent_bytes_ = 0;
  std::shared_ptr<net::Waiter> reader_;
  std::chrono::steady_clock::time_point alone_since_ = std::chrono::steady_clock::now();

  std::uint64_t said_ = 0;  // bytes
  std::string pending_;     // of a line
  std::deque<std::string> said_lines_;
  std::size_t said_bytes_ = 0;
  net::Waiter heard_;
};

struct AttachmentPorts {
  net::Loop& loop;
  Random& random;
  // What tools.yaml says of that name now; null: nothing.
  std::function<std::shared_ptr<const catalog::Upstream>(const std::string& name)> upstream;
};

// Those that stand. They end with this process: their agents make them again.
class Attachments {
 public:
  explicit Attachments(AttachmentPorts ports, AttachmentLimits limits = {});
  ~Attachments();

  // Its id. Codes: unknown_upstream (or not for them), not_attached, too_many_attachments.
  Result<std::string> open(const Principal& who, const std::string& upstream);
  // Null: there is none of that id for them.
  std::shared_ptr<Attached> find(const Principal& who, std::string_view id) const;
  // The one pipe to its process. Codes: unavailable.
  Result<std::shared_ptr<Pipe>> take(const Principal& who, std::string_view upstream,
                                     std::string_view id);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// PipePorts::open of such an upstream. `attachments` is borrowed.
std::function<Task<Result<std::shared_ptr<Pipe>>>(const Forward&)> attached_pipes(
    Attachments& attachments, std::string upstream);

// The backend of an upstream with `attached: true`. What names an attachment that is over, or that
// begins another session over one that has one (a process has one stdin), is told 404, "Session not
// found": its client attaches again. `pipes`: a PipeBackend over attached_pipes().
class AttachedBackend final : public Backend {
 public:
  // `attachments` is borrowed.
  AttachedBackend(Attachments& attachments, std::string upstream, std::shared_ptr<Backend> pipes);
  Task<Result<std::shared_ptr<Answer>>> send(Forward forward) override;

 private:
  Attachments& attachments_;
  std::string upstream_;
  std::shared_ptr<Backend> pipes_;
};

}  // namespace keyturn::connectors::mcp
