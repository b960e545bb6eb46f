// The app's Home tab: what waits for this person. Written anew when that changes, for whoever has
// opened it in the last hours.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "channels/slack/office.h"
#include "gate/gate.h"

namespace keyturn::channels::slack {

class Homes : public std::enable_shared_from_this<Homes> {
 public:
  explicit Homes(OfficePtr office) : office_(std::move(office)) {}
  Task<void> opened(std::string user, std::string team);
  // Who may see what may have changed: what was opened lately is looked at again, and written anew
  // or emptied.
  void people_changed();
  void stop() { open_.clear(); }

 private:
  struct Open {
    std::string person;  // "": not linked when it was opened
    Time until;
    gate::Watch watch;
    bool writing = false, changed = false;
    std::string shown;  // the view that Slack has
  };
  void changed(const std::string& user);
  bool is_outdated(const std::string& user) const;
  static Task<void> look_at_all(std::shared_ptr<Homes> me);
  static Task<void> write(std::shared_ptr<Homes> me, std::string user, std::string team);
  OfficePtr office_;
  std::map<std::string, Open> open_;  // by user
  bool looking_ = false, look_again_ = false;
};

}  // namespace keyturn::channels::slack
