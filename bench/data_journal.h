// The journal of a data folder, for programs that measure it with no server running.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/random.h"
#include "base/task_impl.h"
#include "store/sqlite/data_dir.h"
#include "store/sqlite/journal.h"

namespace keyturn::bench {

template <class T>
T or_exit(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

struct DataJournal {
  explicit DataJournal(const char* folder)
      : data(or_exit(store::sqlite::DataDir::open(folder))),
        journal(or_exit(store::sqlite::open_journal({.path = data.journal_path(),
                                                     .master = data.master_key(),
                                                     .node = "bench",
                                                     .closed_types = {"execution.finished"}},
                                                    clock, random, io.get_executor()))) {}

  SystemClock clock;
  SystemRandom random;
  boost::asio::io_context io;
  store::sqlite::DataDir data;
  std::unique_ptr<store::Journal> journal;
};

}  // namespace keyturn::bench
