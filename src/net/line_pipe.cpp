#include "net/line_pipe.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "base/task_impl.h"
#include "net/await.h"

namespace keyturn::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kPipeReadBytes = 64 * 1024;

// What came and nobody has taken, line by line.
class Lines {
 public:
  void add(std::string_view bytes) {
    text_.erase(0, std::exchange(begin_, 0));
    text_ += bytes;
  }
  bool take(std::string& line) {
    while (true) {
      const std::size_t end = text_.find('\n', begin_ + looked_);
      looked_ = end == std::string::npos ? text_.size() - begin_ : 0;
      if (end == std::string::npos) return false;
      line.assign(text_, begin_, end - begin_);
      begin_ = end + 1;
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) return true;
    }
  }
  std::size_t size() const { return text_.size() - begin_; }

 private:
  std::string text_;
  std::size_t begin_ = 0, looked_ = 0;
};

}  // namespace

struct LinePipe::Impl : std::enable_shared_from_this<Impl> {
  Impl(Loop& l, int read_fd, int write_fd, std::size_t max)
      : loop(l), in(l.executor(), read_fd), out(l.executor(), write_fd), line_bytes_max(max) {
    out.non_blocking(true);
  }

  Loop& loop;
  asio::posix::stream_descriptor in, out;
  std::size_t line_bytes_max;
  Lines lines;
  std::array<char, kPipeReadBytes> block{};
  bool is_writing = false;
  std::deque<std::shared_ptr<Waiter>> turns;

  void close() {
    error_code ignored;
    in.close(ignored);
    out.close(ignored);
  }

  // What the kernel takes at once; 0 with no error: nothing now.
  std::size_t write_now(std::string_view bytes, error_code& error) {
    const std::size_t size = out.write_some(asio::buffer(bytes), error);
    if (error == asio::error::would_block || error == asio::error::try_again) error = {};
    return size;
  }

  // False: it is closed, or takes nothing for so long.
  Task<bool> write_all(std::string_view bytes, Duration patience) {
    while (!bytes.empty()) {
      error_code error;
      bytes.remove_prefix(write_now(bytes, error));
      if (error) co_return false;
      if (bytes.empty()) break;
      asio::steady_timer timer(loop.executor(), patience);
      timer.async_wait([watched = weak_from_this()](error_code over) {
        const auto impl = watched.lock();
        if (!over && impl) impl->close();
      });
      const auto [failed] =
          co_await out.async_wait(asio::posix::descriptor_base::wait_write, kAwait);
      if (failed) co_return false;
    }
    co_return true;
  }
};

LinePipe::LinePipe(Loop& loop, int read_fd, int write_fd, std::size_t line_bytes_max)
    : impl_(std::make_shared<Impl>(loop, read_fd, write_fd, line_bytes_max)) {}

LinePipe::~LinePipe() {
  impl_->close();
}

void LinePipe::close() {
  impl_->close();
}

Task<Result<std::string>> LinePipe::read() {
  Impl& impl = *impl_;
  std::string line;
  while (!impl.lines.take(line)) {
    if (impl.lines.size() > impl.line_bytes_max) {
      impl.close();
      impl.lines = {};
      co_return refuse("too_large",
                       "a line has more than " + std::to_string(impl.line_bytes_max) + " bytes");
    }
    const auto [error, size] = co_await impl.in.async_read_some(asio::buffer(impl.block), kAwait);
    if (error) co_return refuse("closed", "the pipe is closed");
    impl.lines.add({impl.block.data(), size});
  }
  co_return line;
}

Task<Result<void>> LinePipe::write(std::string line, Duration patience) {
  const std::shared_ptr<Impl> impl = impl_;
  if (impl->is_writing) {
    const auto turn = std::make_shared<Waiter>(impl->loop);
    impl->turns.push_back(turn);
    co_await turn->wait(Duration::max());
  }
  impl->is_writing = true;
  line += '\n';
  const bool done = co_await impl->write_all(line, patience);
  impl->is_writing = !impl->turns.empty();
  if (impl->is_writing) {
    impl->turns.front()->fire();
    impl->turns.pop_front();
  }
  if (!done) co_return refuse("closed", "the pipe is closed");
  co_return Result<void>{};
}

}  // namespace keyturn::net
