// Open streams are counted, by caller and in all. Private to api/.
#pragma once

#include <string>

#include "api/impl.h"

namespace keyturn::api {

// One open stream of a caller; counts itself.
class Seat {
 public:
  Seat(Service& service, std::string who) : service_(service), who_(std::move(who)) {
    ++service_.streams_of[who_];
    ++service_.http.streams;
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() {
    --service_.http.streams;
    const auto found = service_.streams_of.find(who_);
    if (found != service_.streams_of.end() && --found->second == 0)
      service_.streams_of.erase(found);
  }

 private:
  Service& service_;
  std::string who_;
};

// Code too_many_streams.
inline Result<void> admit_stream(Service& s, const Call& call) {
  const auto found = s.streams_of.find(call.caller.principal.id);
  const std::size_t own = found == s.streams_of.end() ? 0 : found->second;
  if (own >= s.options.streams_per_caller_max || s.http.streams >= s.options.streams_max)
    return refuse("too_many_streams", "too many open streams; close one first");
  return {};
}

}  // namespace keyturn::api
