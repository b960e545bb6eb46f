// Server-sent events: written by EventWriter, read by EventReader (HTML Standard §9.2).
#include <charconv>

#include "base/task_impl.h"
#include "net/client.h"
#include "net/http.h"

namespace keyturn::net {
namespace {

bool is_line_break(char c) {
  return c == '\n' || c == '\r';
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  for (const char c : value) {
    if (!is_line_break(c) && c != '\0') out += c;
  }
  out += '\n';
}

// CR LF, LF and CR each end a line; every line becomes a field of its own.
void append_data(std::string& out, std::string_view data) {
  while (true) {
    const std::size_t end = data.find_first_of("\r\n");
    append_field(out, "data: ", data.substr(0, end));
    if (end == std::string_view::npos) return;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

}  // namespace

Task<bool> EventWriter::write(std::string_view event, std::string_view id, std::string_view data) {
  std::string out;
  out.reserve(event.size() + id.size() + data.size() + 32);
  if (!event.empty()) append_field(out, "event: ", event);
  if (!id.empty()) append_field(out, "id: ", id);
  append_data(out, data);
  out += '\n';
  return out_.write(std::move(out));
}

Task<bool> EventWriter::comment(std::string_view text) {
  std::string out;
  append_field(out, ": ", text);
  out += '\n';
  return out_.write(std::move(out));
}

bool EventReader::take_line(std::string_view line,
                            const std::function<bool(const ServerEvent&)>& on_event) {
  if (line.empty()) {
    const bool go_on = !has_data_ || on_event(event_);
    event_.event = "message";
    event_.data.clear();
    has_data_ = false;
    return go_on;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") event_.event = value.empty() ? "message" : value;
  if (name == "retry") {
    unsigned ms = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error == std::errc{} && end == value.data() + value.size())
      retry_ = std::chrono::milliseconds(ms);
  }
  if (name == "id" && !value.contains('\0')) event_.id = value;
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  }
  return event_.data.size() <= bytes_max;
}

bool EventReader::feed(std::string_view bytes,
                       const std::function<bool(const ServerEvent&)>& on_event) {
  for (const char c : bytes) {
    const bool is_second_half = c == '\n' && last_was_cr_;
    last_was_cr_ = c == '\r';
    if (is_second_half) continue;
    if (!is_line_break(c)) {
      if (pending_.size() >= bytes_max) return false;
      pending_ += c;
      continue;
    }
    const std::string line = std::move(pending_);
    pending_.clear();
    if (!take_line(line, on_event)) return false;
  }
  return true;
}

}  // namespace keyturn::net
