// Between a client of the Model Context Protocol on stdio and Keyturn's /mcp/UPSTREAM: Streamable
// HTTP's client, of both eras, which outlives lost connections and a Keyturn that starts again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "cli/bridge/door.h"
#include "cli/bridge/headers.h"
#include "cli/bridge/outlet.h"
#include "cli/bridge/workers.h"
#include "mcp/message.h"

namespace keyturn::cli::bridge {

// Where the server's process is one of ours: the way by which Keyturn reaches it. Thread-safe.
class Attaching {
 public:
  virtual ~Attaching() = default;
  // The id of the attachment that stands; makes one where none does. Codes: away, or any other.
  virtual Result<std::string> attach() = 0;
  // Keyturn does not know that one (any more).
  virtual void lost(const std::string& id) = 0;
};

// A request of the client on its way.
struct Asked {
  rpc::Message message;
  std::string line;
  rpc::Era era = rpc::Era::kLegacy;
  std::string key;  // of a tools/call: the same however often it is sent
  std::mutex mutex;
  bool sent = false, cancelled = false;
  std::atomic<bool> begun = false;  // the answer's head came
  std::atomic<bool> cut = false;    // nobody wants the answer
  std::atomic<bool> over = false;   // was answered, or is not to be
  bool listed = false;              // the server's tools were looked at because of it
};
using AskedPtr = std::shared_ptr<Asked>;

std::string new_call_key();

class Bridge {
 public:
  // `attaching` may be null. All are borrowed.
  Bridge(Door& door, Outlet& outlet, Attaching* attaching);
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  // A line that the client wrote. Returns at once.
  void take(std::string line);
  // Waits for the answers to what was asked, at most so long.
  void drain(std::chrono::milliseconds most);
  // Answers everything that is open with these words, and takes nothing any more.
  void fail_all(const std::string& words);
  // Ends the session at Keyturn, and everything that goes on. Returns when it is over.
  void stop();

 private:
  struct Session {
    std::string id;          // Mcp-Session-Id; "" none
    std::string version;     // that both agreed on
    std::string attachment;  // that it was opened through
    std::uint64_t generation = 0;
    bool stands = false;  // initialize was answered
    bool told = false;    // notifications/initialized was sent
  };
  struct Incoming {
    rpc::Message message;
    std::string line;
  };

  // ---- bridge.cpp
  void sequence();  // its thread: what the client said, in order
  void pass(Incoming incoming);
  void hear(std::string_view json);
  AskedPtr take_asked(const doc::Value& id);
  void fail(const AskedPtr& asked, std::int64_t code, const Refusal& why);
  void was_there();  // Keyturn answered
  bool pause(std::chrono::milliseconds duration, const Asked* asked = nullptr);

  // ---- requests.cpp
  void ask(const AskedPtr& asked);
  enum class Next { kDone, kAgain, kWait };
  Next try_once(const AskedPtr& asked, int attempt, Refusal& why);
  Next renewed(const AskedPtr& asked, std::uint64_t generation, Refusal& why);
  Next refused(const AskedPtr& asked, const Came& came, const Session& now,
               const std::string& attachment, int attempt, Refusal& why);
  std::chrono::milliseconds patience();
  Next resume(const AskedPtr& asked, const Came& broken);
  void settle_initialize(const AskedPtr& asked, const net::Headers& headers, std::string_view json,
                         const std::string& attachment);
  bool relay_error(const AskedPtr& asked, const Came& came);
  Sending sending_of(const rpc::Message& message, const std::string& body, const Session& session);
  void list_marks(const AskedPtr& asked);

  // ---- notifications.cpp: what is not answered
  void notify(const Incoming& incoming);
  Next notify_once(const Incoming& incoming, Refusal& why);
  bool is_stale(const rpc::Message& response);
  void cancel(const Incoming& incoming);
  void send_cancellation(const Incoming& incoming, const AskedPtr& asked);

  // ---- session.cpp
  Session session();
  // Opens the session again that everybody knew as `generation`. Codes: away, or another.
  Result<void> renew(std::uint64_t generation);
  Result<void> replay(const Session& old, const std::string& attachment);
  void publish(const Session& fresh);
  // A request of our own: its result. Codes: away, or another.
  Result<doc::Value> ask_quietly(const rpc::Message& message, const Session& session,
                                 const std::string& attachment, net::Headers* headers);
  std::string own_id();
  void remember(const rpc::Message& request);
  void listen();  // its thread: the stream of what belongs to no request
  void end_session();

  Door& door_;
  Outlet& outlet_;
  Attaching* attaching_;
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;  // of all below, unless said otherwise
  std::condition_variable changed_;
  std::deque<Incoming> queue_;
  bool busy_ = false;                     // the sequence has something in hand
  std::map<std::string, AskedPtr> open_;  // by id
  Session session_;
  std::optional<rpc::Message> initialize_;        // as the client said it
  std::optional<rpc::Message> level_;             // its last logging/setLevel
  std::map<std::string, rpc::Message> followed_;  // its resources/subscribe, by uri
  // What the server asks the client, by id, and the session in which it does.
  std::map<std::string, std::pair<doc::Value, std::uint64_t>> server_asks_;
  bool was_there_ = false;  // Keyturn has answered
  bool failed_ = false;

  std::mutex renewing_;
  std::atomic<std::uint64_t> own_ids_ = 0;
  ParameterHeaders marks_;
  std::atomic<bool> is_away_ = false;
  Workers workers_;
  std::thread sequencer_, listener_;
};

}  // namespace keyturn::cli::bridge
