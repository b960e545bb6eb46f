#include "connectors/mcp/attached.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/task_impl.h"

namespace keyturn::connectors::mcp {

using std::chrono::steady_clock;

Attached::Attached(net::Loop& loop, std::string id, Principal who, std::string upstream,
                   AttachmentLimits limits)
    : id_(std::move(id)),
      who_(std::move(who)),
      upstream_(std::move(upstream)),
      limits_(limits),
      heard_(loop) {}

Refusal Attached::closed() const {
  return {"closed", why_, ""};
}

void Attached::end(std::string why) {
  if (ended()) return;
  why_ = std::move(why);
  heard_.fire();
  if (reader_) reader_->fire();
}

Result<std::uint64_t> Attached::say(std::uint64_t at, std::string_view bytes) {
  if (ended()) return std::unexpected(closed());
  if (at > said_) {
    return refuse("out_of_step", "bytes " + std::to_string(said_) + " to " +
                                     std::to_string(at - 1) + " of what it said are missing");
  }
  const std::uint64_t known = said_ - at;  // from a try before, whose answer was lost
  if (known >= bytes.size()) return said_;
  bytes.remove_prefix(known);
  said_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    pending_ += bytes.substr(0, end);
    if (pending_.size() > limits_.line_bytes_max ||
        said_bytes_ + pending_.size() > limits_.unread_bytes_max) {
      end_with_too_much();
      return refuse("too_large", why_);
    }
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    if (pending_.ends_with('\r')) pending_.pop_back();
    if (pending_.empty()) continue;
    said_bytes_ += pending_.size();
    said_lines_.push_back(std::exchange(pending_, {}));
    heard_.fire();
  }
  return said_;
}

void Attached::end_with_too_much() {
  end("the MCP server beside the agent said more than is taken at a time");
}

std::optional<Attached::Line> Attached::after(std::uint64_t number) const {
  const auto found = std::ranges::upper_bound(lines_, number, {}, &Line::number);
  if (found == lines_.end()) return std::nullopt;
  return *found;
}

bool Attached::can_go_on_after(std::uint64_t number) const {
  const std::uint64_t first = lines_.empty() ? last_ + 1 : lines_.front().number;
  return number <= last_ && number + 1 >= first;
}

void Attached::read_by(std::shared_ptr<net::Waiter> reader) {
  const std::shared_ptr<net::Waiter> before = std::exchange(reader_, std::move(reader));
  if (!reader_) alone_since_ = steady_clock::now();
  if (before) before->fire();
}

steady_clock::duration Attached::alone() const {
  return reader_ ? steady_clock::duration::zero() : steady_clock::now() - alone_since_;
}

// What went out may still be lost with its connection: the last of it is kept.
void Attached::sent(std::uint64_t number) {
  for (auto line = std::ranges::upper_bound(lines_, sent_, {}, &Line::number);
       line != lines_.end() && line->number <= number; ++line)
    sent_bytes_ += line->text->size();
  sent_ = std::max(sent_, number);
  while (sent_bytes_ > limits_.sent_bytes_max && lines_.size() > 1 &&
         lines_.front().number < sent_) {
    sent_bytes_ -= lines_.front().text->size();
    lines_bytes_ -= lines_.front().text->size();
    lines_.pop_front();
  }
}

Result<void> Attached::write(std::string line) {
  if (ended()) return std::unexpected(closed());
  if (lines_bytes_ - sent_bytes_ + line.size() > limits_.unread_bytes_max) {
    end("the MCP server beside the agent does not read what it is sent");
    return std::unexpected(closed());
  }
  lines_bytes_ += line.size();
  lines_.push_back({++last_, std::make_shared<const std::string>(std::move(line))});
  if (reader_) reader_->fire();
  return {};
}

Task<Result<std::string>> Attached::read() {
  while (said_lines_.empty()) {
    if (ended()) co_return std::unexpected(closed());
    co_await heard_.wait(std::chrono::hours(24));
    heard_.reset();
  }
  std::string line = std::move(said_lines_.front());
  said_lines_.pop_front();
  said_bytes_ -= line.size();
  co_return line;
}

}  // namespace keyturn::connectors::mcp
