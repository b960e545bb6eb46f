// Messages between the server and the exec helper: JSON texts with their length in front (4 bytes,
// big-endian), over a Unix stream socket that only the owner of the data folder can connect to.
#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/fd.h"
#include "doc/value.h"

namespace keyturn::connectors::exec {

constexpr std::size_t kFrameBytesMax = 48 << 20;

std::string frame_of(const doc::Value& message);
// Takes the first whole frame off the front of `buffer`; nullopt when there is none yet. Refuses a
// frame that is too long or no JSON (bad_frame): the connection is then of no use.
Result<std::optional<doc::Value>> take_frame(std::string& buffer);

// Blocking, for the client's reader: the next frame, or io_error when the other side is gone.
Result<doc::Value> read_frame(int fd, std::string& buffer);

Result<void> send_all(int socket, std::string_view bytes);  // never raises SIGPIPE

// Descriptors go with the first byte of a frame, and are there no later than the frame is.
inline constexpr std::size_t kFdsMax = 4;
// `bytes` is not empty; at most kFdsMax of them.
Result<void> send_with(int socket, std::string_view bytes, const std::vector<Fd>& descriptors);
// Like recv() without waiting: -1 and errno, 0 at the end. What came with it is appended.
ssize_t receive(int socket, char* out, std::size_t size, std::deque<Fd>& descriptors);

// DATA/exec.sock. Paths beyond sun_path are reached through the open folder (/proc/self/fd/N).
Result<Fd> listen_at(const std::string& data_folder);
Result<Fd> connect_to(const std::string& data_folder);
// Which program stands at a path: the same text for the same file, another once an update has
// replaced it. "" when there is none.
std::string program_identity(const std::string& path);

// True when the other end runs as our own user, or as root.
bool peer_is_trusted(int fd);
pid_t peer_pid(int fd);  // who made the other end; 0 when that cannot be told

}  // namespace keyturn::connectors::exec
