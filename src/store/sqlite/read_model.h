// The embedded read model: read.db, which follows journal.db by a cursor.
#pragma once

#include <memory>
#include <string>

#include "store/journal.h"
#include "store/read_model.h"

namespace keyturn::store::sqlite {

struct ReadModelOptions {
  std::string path;          // DATA/read.db; may be deleted whenever no process uses it
  std::string journal_path;  // DATA/journal.db, open already
};

// Starts to follow at once, on a thread of its own. A read.db that is of another version, damaged,
// or not of this journal (a restored backup) is thrown away and built again. Refuses with code
// read_model_unavailable. `journal` (whose on_commit wakes it) and the executor's context outlive
// it.
[[nodiscard]] Result<std::unique_ptr<ReadModel>> open_read_model(
    ReadModelOptions options, Journal& journal, boost::asio::any_io_executor executor);

}  // namespace keyturn::store::sqlite
