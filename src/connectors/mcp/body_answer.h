// An answer that is there at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/task_impl.h"
#include "connectors/mcp/backend.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {

class BodyAnswer final : public Answer {
 public:
  // Without a body.
  explicit BodyAnswer(int with_status) { status = with_status; }
  BodyAnswer(int with_status, rpc::Message message) {
    status = with_status;
    headers.set("Content-Type", "application/json");
    piece_ = Piece{.raw = doc::write_json(message.value), .message = std::move(message)};
  }
  Task<Result<std::optional<Piece>>> next() override {
    co_return std::exchange(piece_, std::nullopt);
  }

 private:
  std::optional<Piece> piece_;
};

inline std::shared_ptr<Answer> json_answer(rpc::Message message, int status = 200) {
  return std::make_shared<BodyAnswer>(status, std::move(message));
}
// `message`: one of ours.
inline std::shared_ptr<Answer> json_answer(doc::Value message, int status = 200) {
  auto read = rpc::read(std::move(message));
  return json_answer(*std::move(read), status);
}

}  // namespace keyturn::connectors::mcp
