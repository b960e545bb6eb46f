#include "net/line_pipe.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <thread>

#include "base/task_impl.h"

namespace keyturn::net {
namespace {

using namespace std::chrono_literals;

template <class T>
Task<void> keep(Task<T> task, std::optional<T>& into, Loop& loop) {
  into.emplace(co_await std::move(task));
  loop.stop();
}

struct Rig {
  Rig() {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    pipe = std::make_unique<LinePipe>(loop, in[0], out[1], 1000);
    says = in[1];
    hears = out[0];
  }
  ~Rig() {
    hush();
    if (hears >= 0) ::close(hears);
  }
  template <class T>
  T await(Task<T> task) {
    std::optional<T> result;
    loop.spawn(keep(std::move(task), result, loop));
    loop.run();
    return std::move(*result);
  }
  void say(std::string_view bytes) const {
    CHECK(::write(says, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void hush() {
    if (says >= 0) ::close(says);
    says = -1;
  }
  std::string read() {
    const auto line = await(pipe->read());
    return line ? *line : line.error().code;
  }
  Loop loop;
  std::unique_ptr<LinePipe> pipe;
  int says = -1, hears = -1;
};

Task<void> note(Task<Result<void>> written, std::string name, std::string& into) {
  const auto done = co_await std::move(written);
  into += name + (done ? "+" : "-");
}

}  // namespace

TEST_CASE("lines come whole, however they were cut, until the end") {
  Rig rig;
  rig.say("one\ntwo\r\n\n\r\nthr");
  CHECK(rig.read() == "one");
  CHECK(rig.read() == "two");
  std::thread other([&] {
    rig.say("ee");
    rig.say("\nfour\nhalf");
    rig.hush();
  });
  CHECK(rig.read() == "three");
  CHECK(rig.read() == "four");
  CHECK(rig.read() == "closed");
  CHECK(rig.read() == "closed");
  other.join();
}

TEST_CASE("a line that does not end is too large") {
  Rig rig;
  rig.say("first\n" + std::string(1001, 'x'));
  CHECK(rig.read() == "first");
  CHECK(rig.read() == "too_large");
  CHECK(rig.read() == "closed");
}

TEST_CASE("lines go out in order, also those that the other side takes late") {
  Rig rig;
  const std::string big(200'000, 'b');  // more than a pipe holds
  std::string done;
  rig.loop.spawn(note(rig.pipe->write(big), "big", done));
  rig.loop.spawn(note(rig.pipe->write("small"), "small", done));
  std::string heard;
  std::thread other([&] {
    std::array<char, 4096> block{};
    while (!heard.ends_with("small\n")) {
      const ssize_t n = ::read(rig.hears, block.data(), block.size());
      if (n <= 0) break;
      heard.append(block.data(), static_cast<std::size_t>(n));
    }
    rig.loop.post([&] { rig.loop.stop(); });
  });
  rig.loop.run();
  other.join();
  CHECK(heard == big + "\nsmall\n");
  CHECK(done == "big+small+");
}

TEST_CASE("whoever takes nothing, or is gone, is written to no more") {
  Rig rig;
  const std::string big(200'000, 'b');
  SUBCASE("takes nothing") {
    CHECK(rig.await(rig.pipe->write(big, 20ms)).error().code == "closed");
  }
  SUBCASE("is gone") {
    ::close(std::exchange(rig.hears, -1));
    CHECK(rig.await(rig.pipe->write("x")).error().code == "closed");
  }
  SUBCASE("goes meanwhile") {
    std::thread other([&] {
      char byte = 0;
      CHECK(::read(rig.hears, &byte, 1) == 1);
      ::close(std::exchange(rig.hears, -1));
    });
    CHECK(rig.await(rig.pipe->write(big)).error().code == "closed");
    other.join();
  }
  SUBCASE("is closed by us, whoever waits") {
    std::string done;
    rig.loop.spawn(note(rig.pipe->write(big), "first", done));
    rig.loop.spawn(note(rig.pipe->write("second"), "second", done));
    rig.loop.post([&] { rig.pipe->close(); });
    CHECK(rig.read() == "closed");
    rig.loop.post([&] { rig.loop.stop(); });
    rig.loop.run();
    CHECK(done == "first-second-");
  }
}

}  // namespace keyturn::net
