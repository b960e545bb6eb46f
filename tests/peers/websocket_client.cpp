// keyturn_websocket_client URL [CA] [IDLE_MS] [BYTES_MAX]: sends each line of standard input, then
// reads until the other side is through. Prints "< TEXT" of each message, and last "! CODE".
#include <iostream>
#include <string>
#include <vector>

#include "base/task_impl.h"
#include "net/loop.h"
#include "net/websocket.h"

namespace {

using namespace keyturn;

Task<void> talk(net::Loop& loop, std::string url, net::WebSocketOptions options,
                std::vector<std::string> lines) {
  auto connected = co_await net::connect_websocket(loop, url, options);
  if (!connected) {
    std::cout << "! " << connected.error().code << std::endl;
    loop.stop();
    co_return;
  }
  const std::shared_ptr<net::WebSocket> socket = *connected;
  for (const std::string& line : lines) {
    if (line == "PING")
      (void)co_await socket->ping();
    else if (line == "CLOSE")
      co_await socket->close();
    else
      (void)co_await socket->write(line);
  }
  while (true) {
    const Result<std::string> message = co_await socket->read();
    if (!message) {
      std::cout << "! " << message.error().code << std::endl;
      break;
    }
    std::cout << "< " << *message << std::endl;
  }
  loop.stop();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) return 2;
  net::WebSocketOptions options;
  if (arguments.size() > 1) options.ca_file = arguments[1];
  if (arguments.size() > 2)
    options.idle_timeout = std::chrono::milliseconds(std::stol(arguments[2]));
  if (arguments.size() > 3) options.message_bytes_max = std::stoul(arguments[3]);
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) lines.push_back(line);
  net::Loop loop;
  loop.spawn(talk(loop, arguments[0], options, lines));
  loop.run();
}
