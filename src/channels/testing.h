// For the tests of channels: what a channel is given, over a real gate, with the other side in the
// hands of the test.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/task_impl.h"
#include "channels/channel.h"
#include "channels/ports.h"
#include "doc/yaml.h"
#include "gate/testing.h"
#include "gate/whom.h"

namespace keyturn::channels::testing {

class MemoryKeep final : public Keep {
 public:
  std::map<std::string, std::string> all;

  Task<Result<std::vector<std::pair<std::string, std::string>>>> read(std::string prefix) override {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [key, value] : all) {
      if (key.starts_with(prefix)) out.emplace_back(key, value);
    }
    co_return out;
  }
  Task<Result<void>> write(std::string key, std::optional<std::string> value) override {
    if (value)
      all[key] = *value;
    else
      all.erase(key);
    co_return Result<void>{};
  }
};

// A gate, and ports of which the test answers `fetch` and `secret`.
struct Stand {
  gate::testing::Bench bench;
  Desk desk{*bench.gate, "https://keyturn.example", Secret(std::string(32, 'F'))};
  Links links{*bench.gate};
  MemoryKeep keep;
  net::Loop loop;
  std::vector<net::ClientRequest> requests;
  std::function<Result<net::ClientResponse>(const net::ClientRequest&)> answer =
      [](const net::ClientRequest&) { return net::ClientResponse{.status = 204}; };
  std::map<std::string, std::string> secrets;  // by the name of their reference
  std::vector<std::string> log;

  Ports ports() {
    return {.desk = desk,
            .links = links,
            .keep = keep,
            .loop = loop,
            .clock = bench.clock,
            .random = bench.random,
            .fetch = [this](net::ClientRequest request) { return fetch(std::move(request)); },
            .secret = [this](secrets::SecretReference what) { return secret(std::move(what)); },
            .log = [this](const std::string& line) { log.push_back(line); }};
  }
  Task<Result<net::ClientResponse>> fetch(net::ClientRequest request) {
    requests.push_back(request);
    co_return answer(request);
  }
  Task<Result<Secret>> secret(secrets::SecretReference what) {
    if (!secrets.contains(what.name))
      co_return refuse("secret_missing", "there is no " + what.name);
    co_return Secret(secrets[what.name]);
  }

  // As it is now.
  Matter matter(const ActionId& id) {
    Matter out;
    out.record = bench.run(
        bench.gate->find({PrincipalKind::kHost, "host", "", Assurance::kToken, "host"}, id));
    REQUIRE(out.record);
    out.asked = gate::asked_people(bench.gate->world(), *out.record);
    for (const auto& moment : out.record->timeline) {
      const bool escalated = moment.type == "review.escalated";
      if (escalated || moment.type == "review.reminded") ++out.calls;
      if (escalated) ++out.escalations;
    }
    return out;
  }
  // Carries what is due, as the courier does; how many errands that were.
  std::size_t carry_all(Channel& channel, const ActionId& id, KeptPlaces& kept) {
    const Matter now = matter(id);
    std::size_t carried = 0;
    for (Errand& errand : channel.due(now, kept)) {
      const auto at = kept.find(errand.place);
      if (at != kept.end() && (at->second.word == errand.word || at->second.dead == errand.word))
        continue;
      const doc::Value memo = at == kept.end() ? doc::Value() : at->second.memo;
      const Carried done = bench.run(channel.carry(now, errand, memo));
      ++carried;
      Kept& place = kept[errand.place];
      if (done)
        place = {errand.word, *done, "", "", bench.clock.now()};
      else if (done.error().kind == Undelivered::Kind::kNever)
        place.dead = errand.word, place.why = done.error().why;
      last_failure = done ? std::nullopt : std::optional(done.error());
      if (!done && place.word.empty() && place.dead.empty()) kept.erase(errand.place);
    }
    return carried;
  }
  std::optional<Undelivered> last_failure;
};

// The problems of a reader, a line each.
template <class Read>
std::string problems_of(std::string_view yaml, Read read) {
  const auto tree = doc::parse_yaml(yaml, "keyturn.yaml");
  REQUIRE(tree);
  doc::Problems problems;
  read(*tree, problems);
  std::string out;
  for (const doc::Problem& problem : problems) out += doc::to_text(problem, "keyturn.yaml") + "\n";
  return out;
}

}  // namespace keyturn::channels::testing
