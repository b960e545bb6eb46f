// The exec helper: a small process of its own that starts programs, outlives the server, and
// remembers what became of each (DATA/spool/exec). The server starts it before it needs much
// memory, and talks to it over DATA/exec.sock; a server that starts after a crash finds the old
// helper there, or starts one that reads the spool.
//
// Requests carry "id"; every answer repeats it:
//   {"op": "hello", "program"}           -> {"isolation": {…}, "pid": N, "retiring", "running": N}
//   {"op": "start", "action", "plan", "secrets", "hide", "description"}
//                                        -> {"outcome": {…}} when it is over, or {"refusal":
//                                        {"code", "message"}}: nothing ran
//   {"op": "look", "plan", "secrets", "hide"}
//                                        -> the same; of a program that only looks, which is no
//                                        action: it is not in the spool, and cannot be asked about
//   {"op": "ask", "action"}              -> {"outcome": {…}} (waits for one that runs) | {"state":
//   "not_started" | "unknown"}
//   {"op": "child", "child", "plan", "secrets", "descriptors": 3}, with its standard input, its
//   standard output and its lifeline    -> {"started": PID} or {"refusal"}
//   {"op": "await_child", "child"}       -> {"outcome": {…}} when it has ended | {"state":
//   "unknown"}
// A child is no action: it is not in the spool, and ends when nobody holds the other end of its
// lifeline any more; so it ends with the server, and, as everything does, with the helper.
// "not_started" is final: the action is fenced, and can never start any more.
//
// The server may have been updated since the helper was started. A hello that names another program
// file than the helper's own retires it: it starts nothing more, ends when nothing runs any more,
// and the server starts its own.
#pragma once

#include <string>

namespace keyturn::connectors::exec {

struct HelperOptions {
  std::string data_folder;  // absolute
  int linger_ms = 2000;     // how long to stay with no client and nothing running
};

// Runs until nobody needs it; returns the exit code of the process. `socket_fd` is a connection to
// the server that started it, or -1. Single-threaded; the caller is a fresh process that does
// nothing else.
int run_exec_helper(int socket_fd, HelperOptions options);

// `keyturn exec-helper --data DIR --fd N`: call it first thing in main when argv[1] is
// "exec-helper".
int exec_helper_main(int argc, char** argv);

}  // namespace keyturn::connectors::exec
