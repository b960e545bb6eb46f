// Which servers run beside which agents.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "connectors/mcp/attached.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kLook = std::chrono::seconds(10);
constexpr int kNotFound = 404;

// Whichever of their tokens they used.
bool is_same(const Principal& a, const Principal& b) {
  return a.kind == b.kind && a.id == b.id;
}

class AttachedPipe final : public Pipe {
 public:
  explicit AttachedPipe(std::shared_ptr<Attached> attached) : attached_(std::move(attached)) {}
  ~AttachedPipe() override { cut(); }
  Task<Result<void>> write(std::string line) override {
    co_return attached_->write(std::move(line));
  }
  Task<Result<std::string>> read() override {
    const std::shared_ptr<Attached> attached = attached_;
    co_return co_await attached->read();
  }
  void cut() override { attached_->end("the session with it is over"); }

 private:
  std::shared_ptr<Attached> attached_;
};

class NotFound final : public Answer {
 public:
  NotFound() {
    status = kNotFound;
    headers.set("Content-Type", "application/json");
  }
  Task<Result<std::optional<Piece>>> next() override {
    if (std::exchange(said_, true)) co_return std::nullopt;
    Result<rpc::Message> message = rpc::read(
        rpc::error({}, kSessionNotFound,
                   "Session not found: this MCP server runs beside its agent, and is not attached "
                   "(any more). `keyturn mcp -- COMMAND…` attaches it."));
    co_return Piece{.raw = doc::write_json(message->value), .message = *message};
  }

 private:
  bool said_ = false;
};

Task<Result<std::shared_ptr<Pipe>>> take_pipe(Attachments& attachments, std::string upstream,
                                              Principal who, std::string id) {
  co_return attachments.take(who, upstream, id);
}

}  // namespace

std::function<Task<Result<std::shared_ptr<Pipe>>>(const Forward&)> attached_pipes(
    Attachments& attachments, std::string upstream) {
  return [&attachments, upstream = std::move(upstream)](const Forward& forward) {
    return take_pipe(attachments, upstream, forward.who, forward.attachment);
  };
}

struct Attachments::Impl {
  AttachmentPorts ports;
  AttachmentLimits limits;
  std::map<std::string, std::shared_ptr<Attached>, std::less<>> by_id;

  void sweep() {
    std::erase_if(by_id, [](const auto& one) { return one.second->ended(); });
  }
  // Ends it when nobody reads what is said to it.
  static Task<void> watch(net::Loop& loop, std::shared_ptr<Attached> attached, Duration most) {
    while (!attached->ended()) {
      co_await loop.sleep(std::min(kLook, most));
      if (attached->alone() >= most) attached->end("its agent has gone");
    }
  }
};

Attachments::Attachments(AttachmentPorts ports, AttachmentLimits limits)
    : impl_(std::make_shared<Impl>(std::move(ports), limits)) {}

Attachments::~Attachments() {
  for (const auto& [id, attached] : impl_->by_id) attached->end("Keyturn stops");
}

Result<std::string> Attachments::open(const Principal& who, const std::string& upstream) {
  const auto known = impl_->ports.upstream(upstream);
  const bool is_for_them = known && (known->agents.empty() || known->agents.contains(who.id) ||
                                     known->agents.contains("*"));
  if (!is_for_them) {
    return refuse("unknown_upstream",
                  "there is no MCP server \"" + upstream +
                      "\" for you; tools.yaml names them under upstreams",
                  "/upstream");
  }
  if (known->kind != catalog::Upstream::Kind::kAttached) {
    return refuse("not_attached",
                  "Keyturn itself reaches the MCP server \"" + upstream +
                      "\": tools.yaml does not say `attached: true` of it",
                  "/upstream");
  }
  impl_->sweep();
  const auto own = std::ranges::count_if(
      impl_->by_id, [&](const auto& one) { return is_same(one.second->who(), who); });
  if (static_cast<std::size_t>(own) >= impl_->limits.of_principal_max ||
      impl_->by_id.size() >= impl_->limits.all_max) {
    return refuse("too_many_attachments",
                  "there are too many MCP servers beside agents already; end one of them");
  }
  std::string id = "mat_" + to_hex(impl_->ports.random.bytes(16));
  const auto attached =
      std::make_shared<Attached>(impl_->ports.loop, id, who, upstream, impl_->limits);
  impl_->by_id.emplace(id, attached);
  impl_->ports.loop.spawn(Impl::watch(impl_->ports.loop, attached, impl_->limits.alone_max));
  return id;
}

std::shared_ptr<Attached> Attachments::find(const Principal& who, std::string_view id) const {
  const auto found = impl_->by_id.find(id);
  if (found == impl_->by_id.end() || found->second->ended()) return nullptr;
  return is_same(found->second->who(), who) ? found->second : nullptr;
}

Result<std::shared_ptr<Pipe>> Attachments::take(const Principal& who, std::string_view upstream,
                                                std::string_view id) {
  const std::shared_ptr<Attached> attached = find(who, id);
  if (!attached || attached->upstream() != upstream || attached->is_taken()) {
    return refuse("unavailable", "the MCP server \"" + std::string(upstream) +
                                     "\" runs beside its agent: start it there, with `keyturn mcp "
                                     "--upstream " +
                                     std::string(upstream) + " -- COMMAND…`");
  }
  attached->take();
  return std::make_shared<AttachedPipe>(attached);
}

AttachedBackend::AttachedBackend(Attachments& attachments, std::string upstream,
                                 std::shared_ptr<Backend> pipes)
    : attachments_(attachments), upstream_(std::move(upstream)), pipes_(std::move(pipes)) {}

Task<Result<std::shared_ptr<Answer>>> AttachedBackend::send(Forward forward) {
  const std::shared_ptr<Attached> attached = attachments_.find(forward.who, forward.attachment);
  const bool is_here = attached && attached->upstream() == upstream_;
  const bool begins = forward.session.empty() && forward.message &&
                      forward.message->kind == rpc::Kind::kRequest &&
                      forward.message->method == "initialize";
  if (is_here && begins && attached->is_taken()) attached->end("another session begins");
  if (!is_here || attached->ended()) co_return std::make_shared<NotFound>();
  const std::shared_ptr<Backend> pipes = pipes_;
  co_return co_await pipes->send(std::move(forward));
}

}  // namespace keyturn::connectors::mcp
