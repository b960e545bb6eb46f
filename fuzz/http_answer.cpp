// The head of a response that is accepted says once how long its body is; and the body is the same
// however its bytes are cut.
#include "net/answer_body.h"
#include "require.h"

using namespace keyturn;

namespace {

struct Read {
  std::string body;
  net::AnswerBody::State state = net::AnswerBody::State::kMore;
};

Read read_in_pieces(const net::AnswerHead& head, std::string_view bytes, std::size_t piece) {
  net::AnswerBody body(head);
  Read out;
  while (out.state == net::AnswerBody::State::kMore && !bytes.empty()) {
    std::string_view some = bytes.substr(0, piece);
    const std::size_t offered = some.size();
    out.state = body.feed(some, out.body);
    fuzz::require(out.state != net::AnswerBody::State::kMore || some.empty());
    bytes.remove_prefix(offered);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t from = 0;
  const auto end = net::find_head_end(text, from);
  if (!end || !*end) return 0;
  const auto head = net::parse_answer_head(text.substr(0, **end), "GET");
  if (!head) return 0;
  using Body = net::AnswerHead::Body;
  fuzz::require(head->status >= 100 && head->status <= 599);
  fuzz::require(head->headers.count("content-length") + head->headers.count("transfer-encoding") <=
                1);
  fuzz::require(head->body != Body::kChunked || head->headers.count("transfer-encoding") == 1);
  fuzz::require(head->body == Body::kLength || head->length == 0 || head->body == Body::kNone);
  fuzz::require(!head->keep_alive || head->body != Body::kUntilClose);
  for (const net::Header& field : head->headers.all())
    fuzz::require(net::is_token(field.name) && net::is_field_value(field.value));
  const std::string_view rest = text.substr(**end);
  const Read whole = read_in_pieces(*head, rest, rest.size()), cut = read_in_pieces(*head, rest, 1);
  fuzz::require(whole.body == cut.body && whole.state == cut.state);
  fuzz::require(head->body != Body::kLength || whole.body.size() <= head->length);
  return 0;
}
