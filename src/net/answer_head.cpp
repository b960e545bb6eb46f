#include "net/answer_head.h"

#include "net/head_fields.h"

namespace keyturn::net {
namespace {

constexpr std::size_t kFieldsMax = 128;

// "HTTP/1.1 200 OK"; the reason may be missing.
std::expected<void, Malformed> read_status_line(std::string_view line, AnswerHead& head,
                                                bool& is_http_1_0) {
  is_http_1_0 = line.starts_with("HTTP/1.0 ");
  if (!is_http_1_0 && !line.starts_with("HTTP/1.1 "))
    return malformed("the status line does not begin with HTTP/1.1");
  const auto status = parse_length(line.substr(9, 3));
  const bool ends = line.size() == 12 || (line.size() > 12 && line[12] == ' ');
  if (!status || !ends || *status < 100 || *status > 599 || !is_field_value(line))
    return malformed("the status line has no status");
  head.status = static_cast<int>(*status);
  return {};
}

std::expected<void, Malformed> read_framing(std::string_view method, bool is_http_1_0,
                                            AnswerHead& head) {
  const auto encoding = head.headers.find("transfer-encoding");
  const auto length = head.headers.find("content-length");
  if (head.headers.count("transfer-encoding") > 1 || head.headers.count("content-length") > 1 ||
      (encoding && length))
    return malformed("it says twice how long the body is");
  if (encoding && (is_http_1_0 || !equal_ignoring_case(*encoding, "chunked")))
    return malformed("the only Transfer-Encoding known is chunked");
  const auto bytes = length ? parse_length(*length) : std::nullopt;
  if (length && !bytes) return malformed("Content-Length must be one decimal number");
  const bool has_none =
      method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
  if (has_none) return {};
  head.body = encoding ? AnswerHead::Body::kChunked
              : length ? AnswerHead::Body::kLength
                       : AnswerHead::Body::kUntilClose;
  head.length = bytes.value_or(0);
  return {};
}

void read_connection(bool is_http_1_0, AnswerHead& head) {
  const bool stays = !is_http_1_0 || has_word(head.headers, "connection", "keep-alive");
  head.keep_alive = stays && !has_word(head.headers, "connection", "close") &&
                    head.body != AnswerHead::Body::kUntilClose;
  const std::string_view hint = head.headers.find("keep-alive").value_or("");
  const std::size_t at = hint.find("timeout=");
  if (at == std::string_view::npos) return;
  const std::string_view rest = hint.substr(at + 8);
  const auto seconds = parse_length(trim(rest.substr(0, rest.find(','))));
  if (seconds && *seconds <= 3600) head.idle = std::chrono::seconds(*seconds);
}

}  // namespace

std::expected<AnswerHead, Malformed> parse_answer_head(std::string_view bytes,
                                                       std::string_view method) {
  AnswerHead head;
  bool is_http_1_0 = false;
  if (auto ok = read_status_line(take_line(bytes), head, is_http_1_0); !ok)
    return std::unexpected(std::move(ok.error()));
  if (auto ok = read_fields(bytes, kFieldsMax, head.headers); !ok)
    return std::unexpected(std::move(ok.error()));
  if (auto ok = read_framing(method, is_http_1_0, head); !ok)
    return std::unexpected(std::move(ok.error()));
  read_connection(is_http_1_0, head);
  return head;
}

}  // namespace keyturn::net
