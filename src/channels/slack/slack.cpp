#include "channels/slack/slack.h"

#include "base/task_impl.h"
#include "channels/slack/deliver.h"
#include "channels/slack/door.h"
#include "channels/slack/form.h"
#include "channels/slack/front.h"
#include "channels/slack/socket.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

net::HttpResponse empty_answer() {
  return {.status = 200, .headers = {}, .body = "", .stream = {}};
}

net::HttpResponse answer_of(const doc::Value& said) {
  return said.is_null() ? empty_answer() : net::json_response(200, doc::write_json(said));
}

doc::Value object_of(const Form& form) {
  doc::Value out{doc::Object{}};
  for (const auto& [name, value] : form) out.set(name, value);
  return out;
}

// What the request carries, whichever way its path takes it.
std::optional<doc::Value> payload_of(const net::HttpRequest& request) {
  if (request.path == "/slack/events") {
    Result<doc::Value> out = doc::parse_json(request.body);
    return out && out->is_object() ? std::optional(std::move(*out)) : std::nullopt;
  }
  const std::optional<Form> form = from_form(request.body);
  if (!form) return std::nullopt;
  if (request.path == "/slack/commands") return object_of(*form);
  Result<doc::Value> out = doc::parse_json(field_of(*form, "payload"));
  return out && out->is_object() ? std::optional(std::move(*out)) : std::nullopt;
}

class SlackChannel final : public Channel {
 public:
  SlackChannel(const Ports& ports, Settings settings)
      : office_(std::make_shared<Office>(ports, std::move(settings))),
        front_(std::make_shared<Front>(office_)) {}
  ~SlackChannel() override { stop(); }

  std::string_view name() const override { return kName; }
  std::string_view kind() const override { return kName; }

  Task<Result<void>> start() override {
    if (Result<void> loaded = co_await office_->threads.load(); !loaded) co_return loaded;
    if (std::holds_alternative<BySocket>(office_->settings.by)) {
      socket_.emplace(front_, office_->settings.way_in());
      socket_->start();
    } else {
      door_.emplace(office_->ports, office_->settings.way_in());
      (void)co_await door_->open();
    }
    slack::start(office_, greet(office_));
    co_return Result<void>{};
  }

  void stop() override {
    if (std::exchange(office_->stopping, true)) return;
    if (socket_) socket_->stop();
    front_->homes->stop();
  }

  std::optional<Refusal> trouble() const override {
    if (office_->client.trouble()) return office_->client.trouble();
    if (socket_) return socket_->trouble();
    return door_ ? door_->trouble() : std::nullopt;
  }

  Task<net::HttpResponse> answer(net::HttpRequest request) override {
    const std::string& path = request.path;
    const bool known =
        path == "/slack/interactive" || path == "/slack/commands" || path == "/slack/events";
    if (!door_ || !known)
      co_return net::problem_response(404, "not_found", "there is nothing here");
    if (request.method != "POST")
      co_return net::problem_response(405, "method_not_allowed", "Slack posts here");
    const Result<void> checked = co_await door_->check(request);
    if (!checked) {
      co_await office_->ports.desk.refused(kName, "", checked.error().code);
      co_return net::problem_response(401, checked.error().code, checked.error().message);
    }
    const std::optional<doc::Value> payload = payload_of(request);
    if (!payload)
      co_return net::problem_response(400, "malformed", "this is not what Slack sends here");
    if (path == "/slack/events" && payload->text("type") == "url_verification")
      co_return net::json_response(
          200, doc::write_json(doc::object({{"challenge", payload->text("challenge")}})));
    if (!is_ours(*office_, *payload)) {
      co_await office_->ports.desk.refused(kName, "", "other_workspace");
      co_return net::problem_response(403, "other_workspace", "this is of another workspace");
    }
    if (path == "/slack/interactive") co_return answer_of(co_await interactive(front_, *payload));
    if (path == "/slack/commands") co_return answer_of(co_await command(front_, *payload));
    slack::start(office_, event(front_, *payload));
    co_return empty_answer();
  }

  std::vector<Errand> due(const Matter& matter, const KeptPlaces& kept) override {
    return slack::due(*office_, matter, kept);
  }
  Task<Carried> carry(Matter matter, Errand errand, doc::Value memo) override {
    return slack::carry(office_, std::move(matter), std::move(errand), std::move(memo));
  }
  void on_kept(const std::string& action, const std::string& place, const Kept* kept) override {
    office_->threads.on_kept(action, place, kept);
    constexpr std::string_view kUser = "user:";
    if (kept != nullptr && place.starts_with(kUser) && !place.contains('/'))
      office_->client.one_place(place.substr(kUser.size()), kept->memo.text("channel"));
  }
  void people_changed() override { front_->homes->people_changed(); }

 private:
  // Says what is wrong with the token before anybody is to be told of anything, and looks whether
  // it was mended.
  static Task<void> greet(OfficePtr office) {
    std::string said;
    while (!office->stopping) {
      const auto verified = co_await verify(office);
      const std::string why = verified ? "" : verified.error().what.why;
      if (why != said && !why.empty()) office->ports.log("slack: " + why);
      said = why;
      co_await office->ports.loop.sleep(kReadSecretAgain);
    }
  }

  OfficePtr office_;
  FrontPtr front_;
  std::optional<Socket> socket_;
  std::optional<Door> door_;
};

}  // namespace

std::unique_ptr<Channel> make_slack(const Ports& ports, Settings settings) {
  return std::make_unique<SlackChannel>(ports, std::move(settings));
}

}  // namespace keyturn::channels::slack
