#include "server/host_call.h"

#include <filesystem>

#include "api/host.h"
#include "doc/json.h"
#include "net/client.h"
#include "server/alone.h"
#include "server/core.h"
#include "server/seal_mark.h"

namespace keyturn::server {
namespace {

Result<doc::Value> answer_of(int status, const std::string& body) {
  Result<doc::Value> parsed = doc::parse_json(body);
  if (!parsed)
    return refuse("bad_answer",
                  "the server's answer is no JSON (status " + std::to_string(status) + ")");
  if (status < 300) return parsed;
  return refuse(std::string(parsed->text("code")), std::string(parsed->text("detail")),
                std::string(parsed->text("pointer")));
}

Result<doc::Value> over_socket(const std::string& socket, const std::string& path,
                               const std::string& body) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = "http://localhost" + path;
  request.headers.set("Content-Type", "application/json");
  request.body = body;
  request.unix_socket = socket;
  Result<net::ClientResponse> response = net::fetch(request);
  if (!response) return std::unexpected(response.error());
  return answer_of(response->status, response->body);
}

Task<net::HttpResponse> one_call(Core& core, std::string url, net::HttpRequest request) {
  api::HostRoutes routes(core.gate(), core.admin(), core.identity(), std::move(url), {});
  co_return co_await routes.handle(std::move(request));
}

}  // namespace

Result<doc::Value> host_call(const Settings& settings, const std::string& path,
                             const doc::Value& body) {
  const std::string socket = settings.data + "/admin.sock";
  const bool breaks_seal = path == "/host/seal/break";
  if (!breaks_seal && std::filesystem::exists(socket)) {
    Result<doc::Value> answer = over_socket(socket, path, doc::write_json(body));
    if (answer || answer.error().code != "cannot_connect") return answer;
  }
  Result<std::unique_ptr<Core>> core = Core::open(settings, false, false);
  if (!core) return std::unexpected(core.error());
  if (const Result<std::string> sound = signed_now(**core, settings); !sound)
    return std::unexpected(sound.error());
  const bool was_sealed = (*core)->gate().world().configuration->sealed;
  if (Result<void> kept = check_seal((*core)->data(), was_sealed); !kept)
    return std::unexpected(kept.error());
  if (breaks_seal) {
    if (was_sealed) {
      if (Result<void> open = unmark_seal((*core)->data()); !open)
        return std::unexpected(open.error());
    }
    const Result<std::string> broken =
        run_alone((*core)->loop(), (*core)->admin().break_seal(std::string(body.text("reason"))));
    if (!broken) return std::unexpected(broken.error());
    return doc::object({{"event", *broken}});
  }
  net::HttpRequest request;
  request.method = "POST";
  request.path = request.target = path;
  request.headers.set("Content-Type", "application/json");
  request.body = doc::write_json(body);
  const net::HttpResponse response =
      run_alone((*core)->loop(), one_call(**core, public_url_of(settings), std::move(request)));
  if ((*core)->gate().world().configuration->sealed) {
    if (Result<void> marked = mark_seal((*core)->data()); !marked)
      return std::unexpected(marked.error());
  }
  return answer_of(response.status, response.body);
}

}  // namespace keyturn::server
