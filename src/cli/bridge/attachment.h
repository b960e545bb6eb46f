// The way by which Keyturn reaches a process of ours: lines for it come on an event stream, what it
// says is posted. Made again when it is lost, with the same process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "cli/bridge/bridge.h"
#include "cli/bridge/child_side.h"
#include "cli/bridge/process.h"
#include "cli/remote.h"

namespace keyturn::cli::bridge {

class Attachment final : public Attaching {
 public:
  // All but `environment` and `upstream` are borrowed.
  Attachment(Environment environment, std::string upstream, Process& process, Outlet& outlet);
  ~Attachment() override;
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  Result<std::string> attach() override;
  void lost(const std::string& id) override;

  // Until everything that the process said has been brought to Keyturn; at most so long.
  void drain(std::chrono::milliseconds most);
  bool is_silent() const { return silent_; }  // the process says no more
  void stop();

 private:
  void read();  // its threads: what the process says
  void up();    // is posted
  void down();  // what Keyturn says to it
  bool post(const std::string& id, std::uint64_t at, const std::string& bytes);
  void put(std::string line);
  void to_child(const std::string& line);
  net::ClientRequest request(std::string method, const std::string& path) const;
  bool pause(std::chrono::milliseconds duration);

  Environment environment_;
  const std::string upstream_;
  Process& process_;
  Outlet& outlet_;
  ChildSide side_;
  std::atomic<bool> stopping_ = false, silent_ = false;

  std::mutex attaching_;  // one at a time
  std::mutex mutex_;      // of all below
  std::condition_variable changed_;
  std::string id_;        // "" none
  std::string waiting_;   // bytes for Keyturn
  std::uint64_t at_ = 0;  // where they stand in all that was said by this attachment
  std::string heard_;     // the last event's id
  bool in_hand_ = false;  // some of it is on its way
  std::thread reader_, upper_, downer_;
};

}  // namespace keyturn::cli::bridge
