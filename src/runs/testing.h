// Runs on a real gate and journal. Tests only.
#pragma once

#include "gate/testing.h"
#include "runs/runs.h"

namespace keyturn::runs::testing {

struct Field : gate::testing::Bench {
  std::unique_ptr<Runs> runs;

  Field(std::string_view tools, std::string_view rules) {
    activate("tools", std::string(tools));
    activate("policy", std::string(rules));
    make();
  }
  ~Field() { runs.reset(); }

  void make() {
    runs = std::make_unique<Runs>(Ports{*gate,
                                        [this](Task<void> task) {
                                          boost::asio::co_spawn(io, std::move(task),
                                                                [](std::exception_ptr thrown) {
                                                                  if (thrown)
                                                                    std::rethrow_exception(thrown);
                                                                });
                                        },
                                        {}});
  }
  void crash() {
    runs.reset();
    open();
    make();
    runs->load();
    gate->recover();
    runs->start();
  }
  gate::RecordPtr start(const std::string& name, doc::Value inputs = doc::Object{},
                        doc::Value claims = doc::Object{}) {
    ActionRequest request;
    request.tool = "runbook." + name;
    request.args = std::move(inputs);
    request.claims = std::move(claims);
    Result<gate::Submitted> made = run(gate->submit(agent("bot"), request));
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    return made->record;
  }
  gate::RecordPtr look(const ActionId& id) { return run(gate->find(host(), id)); }
  static Principal host() { return {PrincipalKind::kHost, "host", "", Assurance::kToken, "host"}; }
  doc::Value show(const ActionId& id) {
    Result<doc::Value> out = run(runs->show(host(), id.str()));
    REQUIRE(out.has_value());
    return *out;
  }
  // The actions of a run's steps: "path#attempt tool state".
  std::vector<std::string> steps(const ActionId& id) {
    std::vector<std::string> out;
    std::set<std::string> seen;
    for (const Event& event : run(real->read_range(0, 10'000, false))) {
      if (event.type != "action.decided") continue;
      const doc::Value* step = event.body.find("run");
      if (step == nullptr || step->text("id") != id.str() || !seen.insert(event.stream).second)
        continue;
      const gate::RecordPtr record = look(ActionId(event.stream.substr(7)));
      out.push_back(std::string(step->text("step")) + "#" +
                    std::to_string(step->integer("attempt")) + " " + record->tool + " " +
                    std::string(to_text(record->state)));
    }
    return out;
  }
  gate::RecordPtr pending(const std::string& step) {
    for (const gate::RecordPtr& record : gate->open_records()) {
      if (record->run && record->run->step == step && record->state == State::kPending)
        return record;
    }
    return nullptr;
  }
};

using Steps = std::vector<std::string>;

}  // namespace keyturn::runs::testing
