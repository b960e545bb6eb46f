// keyturn channels: the ways to people, as they stand; trying again; and whether they can work.
#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "base/percent.h"
#include "base/run_task.h"
#include "channels/config.h"
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/listing.h"
#include "cli/remote.h"

namespace keyturn::cli {
namespace {

struct ChannelWords {
  Place place;
  std::string name, action;
};

int list_channels(Session& session) {
  return print_list(session, "/v1/admin/channels", {"CHANNEL", "KIND", "STATE", "DETAIL"},
                    [](const doc::Value& one) {
                      return Row{one_line(one.text("name")), one_line(one.text("kind")),
                                 one_line(one.text("state")), one_line(one.text("detail"))};
                    });
}

int retry_channel(Session& session, const ChannelWords& words) {
  doc::Value body{doc::Object{}};
  if (!words.action.empty()) body.set("action", words.action);
  const Attempt<doc::Value> done =
      Remote(session.environment)
          .post("/v1/admin/channels/" + percent_encoded(words.name) + "/retry", body);
  if (!done) return complain(session, done.error());
  if (session.json)
    print_json(session.console, *done);
  else
    session.console.out << fmt::format(
        "{} given up before: tried again. What waited is tried now, too.\n",
        done->integer("retried"));
  return code(Exit::kOk);
}

Task<Result<net::ClientResponse>> fetched(net::ClientRequest request) {
  co_return net::fetch(request);
}

Task<Result<Secret>> resolved(secrets::SecretReference reference) {
  co_return secrets::resolve(reference);
}

channels::Checks checks_of(const channels::Configured& channel, const server::Settings& settings) {
  const SystemClock clock;
  boost::asio::io_context io;
  return run_task(io, channel.test({.clock = clock,
                                    .fetch = fetched,
                                    .secret = resolved,
                                    .public_url = server::public_url_of(settings)}));
}

void print_checks(Session& session, const std::string& name, const channels::Checks& checks) {
  Console& console = session.console;
  console.out << on_out(console, Tone::kBold, name) << '\n';
  for (const channels::Check& one : checks) {
    console.out << "  "
                << (one.good ? on_out(console, Tone::kGood, "ok   ")
                             : on_out(console, Tone::kBad, "WRONG"))
                << "  " << one_line(one.what);
    if (!one.words.empty()) console.out << ": " << one_line(one.words);
    console.out << '\n';
  }
}

const std::vector<channels::Configured>& all_of(const server::Settings& settings) {
  static const std::vector<channels::Configured> none;
  return settings.channels ? *settings.channels : none;
}

std::string none_such(const ChannelWords& words, const std::vector<channels::Configured>& all) {
  if (words.place.config.empty() && !std::filesystem::exists("keyturn.yaml"))
    return "there is no keyturn.yaml here: say where it is with --config FILE";
  std::string names;
  for (const channels::Configured& one : all) names += (names.empty() ? "" : ", ") + one.name;
  if (names.empty()) return "no channel is configured: keyturn.yaml has none under channels";
  return "no channel \"" + words.name + "\" is configured; there are: " + names;
}

// Asks the other sides themselves, with what keyturn.yaml says; no server is needed. Exit code 0:
// all of it is good.
int test_channels(Session& session, const ChannelWords& words) {
  const Attempt<server::Settings> settings = settings_of(words.place);
  if (!settings) return complain(session, settings.error());
  doc::Array all;
  bool good = true, found = false;
  for (const channels::Configured& channel : all_of(*settings)) {
    if (!words.name.empty() && words.name != channel.name && words.name != channel.kind) continue;
    found = true;
    const channels::Checks checks = checks_of(channel, *settings);
    doc::Array list;
    for (const channels::Check& one : checks) {
      good = good && one.good;
      list.push_back(doc::object({{"what", one.what}, {"good", one.good}, {"words", one.words}}));
    }
    all.push_back(
        doc::object({{"name", channel.name}, {"kind", channel.kind}, {"checks", std::move(list)}}));
    if (!session.json) print_checks(session, channel.name, checks);
  }
  if (!found) {
    return complain(session, usage(none_such(words, all_of(*settings))).error());
  }
  if (session.json)
    print_json(session.console, doc::object({{"good", good}, {"channels", std::move(all)}}));
  return code(good ? Exit::kOk : Exit::kFailed);
}

}  // namespace

void add_channels(CLI::App& app, Session& session) {
  CLI::App* channels = branch(app, "channels", "The ways to people: Slack, Teams, webhooks, mail");
  CLI::App* list = leaf(*channels, session, "list", "Every way to people and out of here");
  list->callback([&session] { session.exit = list_channels(session); });
  auto words = std::make_shared<ChannelWords>();
  CLI::App* test = leaf(*channels, session, "test",
                        "Ask the other side whether a channel of keyturn.yaml can work");
  test->add_option("NAME", words->name, "One channel; all of them without");
  add_place(*test, words->place);
  test->callback([&session, words] { session.exit = test_channels(session, *words); });
  CLI::App* retry = leaf(*channels, session, "retry", "Try again what a channel gave up");
  retry->add_option("NAME", words->name, "The channel")->required();
  retry->add_option("--action", words->action, "What was given up of one action only");
  retry->callback([&session, words] { session.exit = retry_channel(session, *words); });
}

}  // namespace keyturn::cli
