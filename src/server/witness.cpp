#include "server/witness.h"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "audit/witness.h"
#include "base/task_impl.h"
#include "net/loop.h"
#include "net/server.h"
#include "server/core.h"

namespace keyturn::server {
namespace {

class WitnessHttp final : public net::HttpHandler {
 public:
  explicit WitnessHttp(audit::WitnessService& service) : service_(service) {}

  Task<net::HttpResponse> handle(net::HttpRequest request, net::RequestContext&) override {
    if (request.path == "/add-checkpoint") {
      if (request.method != "POST") co_return answer({405, "POST a checkpoint\n"});
      co_return answer(service_.add_checkpoint(request.body));
    }
    if (request.path == "/" && request.method == "GET")
      co_return answer({200, "keyturn witness\n" + service_.key().text() + "\n"});
    co_return answer({404, "POST /add-checkpoint (C2SP tlog-witness)\n"});
  }

 private:
  static net::HttpResponse answer(const audit::WitnessReply& reply) {
    net::HttpResponse response;
    response.status = reply.status;
    response.headers = {{"Content-Type", reply.content_type}, {"Cache-Control", "no-store"}};
    response.body = reply.body;
    return response;
  }
  audit::WitnessService& service_;
};

Task<void> stop(net::Server& server, net::Loop& loop) {
  co_await server.stop(std::chrono::seconds(3));
  loop.stop();
}

Result<store::sqlite::DataDir> open_folder(const std::string& path) {
  if (std::filesystem::exists(path + "/keys/ledger.key")) return store::sqlite::DataDir::open(path);
  SystemRandom random;
  return make_data_dir(path, random);
}

Result<void> run(const WitnessOptions& options) {
  Result<store::sqlite::DataDir> data = open_folder(options.data);
  if (!data) return std::unexpected(data.error());
  const SystemClock clock;
  const std::string own =
      "keyturn.witness/" +
      to_hex(crypto::Ed25519Key::from_seed(data->ledger_seed()).public_key()).substr(0, 8);
  Result<std::unique_ptr<audit::WitnessService>> service =
      audit::WitnessService::open(data->path(), options.name.empty() ? own : options.name,
                                  data->ledger_seed(), options.logs, clock);
  if (!service) return std::unexpected(service.error());
  if (options.key_only) {
    std::printf("%s\n", (*service)->key().text().c_str());
    return {};
  }
  net::Loop loop;
  WitnessHttp handler(**service);
  net::ServerOptions http;
  http.address = options.address;
  http.port = options.port;
  http.hosts.insert(http.hosts.end(), options.hosts.begin(), options.hosts.end());
  http.limits.body_bytes_max = 64 << 10;
  http.limits.connections_max = 256;
  http.log = say;
  Result<std::unique_ptr<net::Server>> server = net::Server::listen(loop, std::move(http), handler);
  if (!server) return std::unexpected(server.error());
  std::printf("witnessing on http://%s:%u\nkey: %s\n", options.address.c_str(), (*server)->port(),
              (*service)->key().text().c_str());
  std::fflush(stdout);
  bool stopping = false;
  loop.on_signals({SIGTERM, SIGINT}, [&](int) {
    if (!std::exchange(stopping, true)) loop.spawn(stop(**server, loop));
  });
  loop.run();
  return {};
}

}  // namespace

int witness(const WitnessOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const Result<void> done = run(options);
  if (!done) std::fprintf(stderr, "keyturn: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}

}  // namespace keyturn::server
