// A request head that is accepted is one that every parser reads the same way.
#include "base/bytes.h"
#include "net/request_head.h"
#include "require.h"

using namespace keyturn;

namespace {

void check_path(const std::string& path) {
  fuzz::require(path.starts_with('/'));
  fuzz::require(!first_invalid_utf8(path));
  fuzz::require(!path.contains("//") && !path.contains('%') && !path.contains('\\'));
  fuzz::require(!(path + "/").contains("/./") && !(path + "/").contains("/../"));
  fuzz::require(net::is_field_value(path) && !path.contains('\t'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t from = 0;
  const auto end = net::find_head_end(text, from);
  if (!end || !*end) return 0;
  fuzz::require(**end <= size && text.substr(0, **end).ends_with("\r\n\r\n"));
  const auto head = net::parse_request_head(text.substr(0, **end), {});
  if (!head) {
    fuzz::require(head.error().status >= 400 && head.error().status < 600);
    fuzz::require(!first_invalid_utf8(head.error().detail));
    return 0;
  }
  const net::HttpRequest& request = head->request;
  check_path(request.path);
  fuzz::require(request.headers.count("host") == 1 && !request.host.empty());
  fuzz::require(
      request.headers.count("content-length") + request.headers.count("transfer-encoding") <= 1);
  fuzz::require(!(head->is_chunked && head->content_length != 0));
  for (const net::Header& field : request.headers.all()) {
    fuzz::require(net::is_token(field.name) && net::is_field_value(field.value));
  }
  const auto target = net::parse_target(request.target, {});
  fuzz::require(target.has_value() && target->path == request.path);
  return 0;
}
