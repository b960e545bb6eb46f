// The end of an attachment where the server's process is. One process outlives the attachments that
// Keyturn reaches it by (a lost one is made again): ids of one must mean nothing in the next, and a
// process is initialized once.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/message.h"

namespace keyturn::cli::bridge {

namespace rpc = keyturn::mcp;

// Pure, but for its mutex. Lines without line breaks; "" is none.
class ChildSide {
 public:
  struct Down {
    std::string to_child;
    std::string to_keyturn;  // the answer that is known already
  };
  // What Keyturn says to the process.
  Down down(std::string_view line);

  struct Up {
    std::string to_keyturn;
    std::string to_child;  // the answer when nobody else is there to give one
  };
  // What the process says. `is_attached`: Keyturn is there.
  Up up(std::string_view line, bool is_attached);

  // A new attachment: what is on its way belongs to nobody any more. Gives lines for the process:
  // the answers to what it has asked.
  std::vector<std::string> begin();

 private:
  struct Request {
    doc::Value id;  // Keyturn's
    std::string method;
  };
  Down request_down(rpc::Message message);
  std::string answer_up(rpc::Message message);
  std::string notification_up(rpc::Message message);

  std::mutex mutex_;
  std::int64_t last_ = 0;
  std::map<std::string, Request> requests_;          // by the id that the process knows
  std::map<std::string, std::int64_t> known_as_;     // Keyturn's id -> the process's
  std::map<std::int64_t, doc::Value> tokens_;        // of progress: ours -> Keyturn's
  std::map<std::string, doc::Value> asks_;           // the process's requests that are open
  std::optional<doc::Value> first_answer_;           // to initialize
  bool is_initializing_ = false, was_told_ = false;  // notifications/initialized
  std::optional<doc::Value> waits_for_first_;        // Keyturn's id of an initialize
};

}  // namespace keyturn::cli::bridge
