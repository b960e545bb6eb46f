// DATA/channels.db: keys and small values beside the record, where losing one costs little. Durable
// over a crash of the process; a power cut may lose the last moments.
//
// Threads: called on, and resumes on, the executor's; it works on a thread of its own, in order.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace keyturn::store::sqlite {

class KeptFile {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // Makes the file when it is not there. Code kept_unreadable: it cannot be opened, or is not ours.
  static Result<std::unique_ptr<KeptFile>> open(const std::string& path,
                                                boost::asio::any_io_executor executor);
  ~KeptFile();

  // By key. Code kept_unreadable.
  Task<Result<Pairs>> read(std::string prefix);
  // nullopt erases. Code kept_unwritable.
  Task<Result<void>> write(std::string key, std::optional<std::string> value);

 private:
  struct Impl;
  explicit KeptFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::store::sqlite
