// The same echo as echo_beast.cpp through net/: `echo_net PORT`. GET /wait parks until the server
// ends, which shows what a parked request costs: VmRSS with many of them, over their number.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/task_impl.h"
#include "net/server.h"

namespace {

using namespace keyturn;

class Echo final : public net::HttpHandler {
 public:
  Task<net::HttpResponse> handle(net::HttpRequest request, net::RequestContext& context) override {
    if (request.path == "/wait") return wait(context);
    return echo(std::move(request));
  }

 private:
  static Task<net::HttpResponse> echo(net::HttpRequest request) {
    co_return net::json_response(
        200, request.body.empty() ? R"({"echo":null})" : R"({"echo":)" + request.body + "}");
  }
  static Task<net::HttpResponse> wait(net::RequestContext& context) {
    const auto waiter = std::make_shared<net::Waiter>(context.loop());
    co_await context.park(*waiter, std::chrono::hours(1));
    co_return net::json_response(200, "{}");
  }
};

}  // namespace

int main(int argc, char** argv) {
  net::Loop loop;
  Echo echo;
  net::ServerOptions options;
  options.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  const auto server = net::Server::listen(loop, options, echo);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("%d\n", (*server)->port());
  std::fflush(stdout);
  loop.run();
}
