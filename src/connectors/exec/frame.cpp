#include "connectors/exec/frame.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "doc/json.h"

namespace keyturn::connectors::exec {
namespace {

constexpr doc::ParseLimits kFrameLimits{
    .bytes_max = kFrameBytesMax, .depth_max = 64, .values_max = 4'000'000};

struct Address {
  sockaddr_un name{};
  Fd folder;
};

Result<Address> address_of(const std::string& data_folder) {
  Address address;
  address.folder.reset(::open(data_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!address.folder) return refuse("io_error", data_folder + ": " + errno_text(errno));
  const std::string path = "/proc/self/fd/" + std::to_string(address.folder.get()) + "/exec.sock";
  address.name.sun_family = AF_UNIX;
  std::memcpy(address.name.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<Fd> stream_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return refuse("io_error", "cannot make a socket: " + errno_text(errno));
  return fd;
}

}  // namespace

std::string frame_of(const doc::Value& message) {
  const std::string json = doc::write_json(message);
  const auto size = static_cast<std::uint32_t>(json.size());
  std::string out{static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                  static_cast<char>(size >> 8), static_cast<char>(size)};
  return out + json;
}

Result<std::optional<doc::Value>> take_frame(std::string& buffer) {
  if (buffer.size() < 4) return std::nullopt;
  std::size_t size = 0;
  for (int i = 0; i < 4; ++i)
    size = size << 8 | static_cast<unsigned char>(buffer[static_cast<std::size_t>(i)]);
  if (size > kFrameBytesMax) return refuse("bad_frame", "a message is too long");
  if (buffer.size() < 4 + size) return std::nullopt;
  auto parsed = doc::parse_json(std::string_view(buffer).substr(4, size), kFrameLimits);
  buffer.erase(0, 4 + size);
  if (!parsed) return refuse("bad_frame", parsed.error().message);
  return std::optional(std::move(*parsed));
}

Result<doc::Value> read_frame(int fd, std::string& buffer) {
  std::array<char, 1 << 16> block;
  for (;;) {
    auto frame = take_frame(buffer);
    if (!frame) return std::unexpected(frame.error());
    if (*frame) return std::move(**frame);
    const ssize_t n = ::recv(fd, block.data(), block.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return refuse("io_error", "the exec helper is gone");
    buffer.append(block.data(), static_cast<std::size_t>(n));
  }
}

Result<void> send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse("io_error", "the exec helper is gone: " + errno_text(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> send_with(int socket, std::string_view bytes, const std::vector<Fd>& descriptors) {
  if (descriptors.empty()) return send_all(socket, bytes);
  std::array<int, kFdsMax> numbers{};
  const std::size_t count = std::min(descriptors.size(), kFdsMax);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = descriptors[i].get();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof numbers)> control{};
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(header), numbers.data(), count * sizeof(int));
  ssize_t n = 0;
  do {
    n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return refuse("io_error", "the exec helper is gone: " + errno_text(errno));
  return send_all(socket, bytes.substr(static_cast<std::size_t>(n)));
}

ssize_t receive(int socket, char* out, std::size_t size, std::deque<Fd>& descriptors) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFdsMax * sizeof(int))> control{};
  iovec part{out, size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0) return n;
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(at) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return n;
}

Result<Fd> listen_at(const std::string& data_folder) {
  auto address = address_of(data_folder);
  if (!address) return std::unexpected(address.error());
  auto fd = stream_socket();
  if (!fd) return fd;
  // Whoever holds the spool's lock owns this name: a socket that is left is of a helper that ended.
  ::unlinkat(address->folder.get(), "exec.sock", 0);
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(fd->get(), reinterpret_cast<sockaddr*>(&address->name), sizeof address->name);
  ::umask(before);
  if (bound != 0 || ::listen(fd->get(), 16) != 0) {
    return refuse("io_error",
                  "cannot listen at " + data_folder + "/exec.sock: " + errno_text(errno));
  }
  return fd;
}

Result<Fd> connect_to(const std::string& data_folder) {
  auto address = address_of(data_folder);
  if (!address) return std::unexpected(address.error());
  auto fd = stream_socket();
  if (!fd) return fd;
  if (::connect(fd->get(), reinterpret_cast<sockaddr*>(&address->name), sizeof address->name) !=
      0) {
    return refuse("io_error",
                  "no exec helper at " + data_folder + "/exec.sock: " + errno_text(errno));
  }
  if (!peer_is_trusted(fd->get()))
    return refuse("io_error", "another user's process listens at exec.sock");
  return fd;
}

std::string program_identity(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + ":" +
         std::to_string(status.st_size) + ":" + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

pid_t peer_pid(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

bool peer_is_trusted(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

}  // namespace keyturn::connectors::exec
