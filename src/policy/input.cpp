#include "policy/input.h"

namespace keyturn::policy {
namespace {

using doc::ObjectReader;

doc::Value history_value(const HistoryInput& h) {
  return doc::object({{"count_1h", h.count_1h},
                      {"count_24h", h.count_24h},
                      {"count_7d", h.count_7d},
                      {"denied_24h", h.denied_24h},
                      {"first_time", h.first_time}});
}

void read_text(ObjectReader& in, std::string_view key, std::string& out) {
  if (auto text = in.string(key)) out = std::move(*text);
}

void read_texts(ObjectReader& in, std::string_view key, std::vector<std::string>& out) {
  if (auto list = in.strings(key)) out = std::move(*list);
}

void read_count(ObjectReader& in, std::string_view key, std::int64_t& out) {
  if (const auto n = in.integer(key, 0, INT64_MAX)) out = *n;
}

void read_time(ObjectReader& in, std::string_view key, Time& out) {
  const auto text = in.string(key);
  if (!text) return;
  if (const auto time = from_rfc3339(*text)) {
    out = *time;
  } else {
    in.problem("invalid_time", "must be a time such as 2026-11-21T05:04:43Z", key);
  }
}

void read_action(ObjectReader in, PolicyInput& input) {
  read_text(in, "tool", input.tool);
  read_text(in, "operation", input.operation);
  read_text(in, "reason", input.reason);
  if (const doc::Value* args = in.object("args")) input.args = *args;
  in.finish();
}

void read_resource(ObjectReader in, Resource& resource, doc::Problems& problems) {
  read_text(in, "kind", resource.kind);
  read_text(in, "name", resource.name);
  read_text(in, "env", resource.env);
  if (const doc::Value* labels = in.object("labels")) {
    resource.labels.clear();
    ObjectReader each(*labels, in.pointer_to("labels"), problems);
    for (const doc::Member& label : labels->as_object()) {
      resource.labels[label.key] = each.string(label.key).value_or("");
    }
  }
  in.finish();
}

void read_actor(ObjectReader in, ActorInput& actor) {
  read_text(in, "id", actor.id);
  read_text(in, "owner", actor.owner);
  read_texts(in, "groups", actor.groups);
  read_texts(in, "delegated_by", actor.delegated_by);
  in.finish();
}

void read_request(ObjectReader in, RequestInput& request) {
  read_time(in, "time", request.time);
  read_text(in, "channel", request.channel);
  read_texts(in, "taint", request.taint);
  read_text(in, "incident", request.incident);
  read_text(in, "break_glass", request.break_glass);
  read_text(in, "runbook", request.runbook);
  read_text(in, "step", request.step);
  read_count(in, "repeats_of_denied", request.repeats_of_denied);
  if (in.value().find("deferred_since") != nullptr) {
    Time since{};
    read_time(in, "deferred_since", since);
    request.deferred_since = since;
  }
  in.finish();
}

void read_history(ObjectReader in, HistoryInput& history) {
  read_count(in, "count_1h", history.count_1h);
  read_count(in, "count_24h", history.count_24h);
  read_count(in, "count_7d", history.count_7d);
  read_count(in, "denied_24h", history.denied_24h);
  if (const auto first = in.boolean("first_time")) history.first_time = *first;
  in.finish();
}

void read_risk(ObjectReader in, std::optional<Risk>& risk) {
  Risk read;
  if (const auto score = in.integer("score", 0, 100)) read.score = *score;
  read_texts(in, "why", read.why);
  in.finish();
  risk = std::move(read);
}

void read_calendar(ObjectReader in, std::optional<CalendarState>& calendar) {
  CalendarState read;
  for (const doc::Member& member : in.value().as_object()) {
    if (!member.key.starts_with("in_")) continue;
    CalendarState::Window window{member.key.substr(3), in.boolean(member.key).value_or(false), {}};
    read.windows.push_back(std::move(window));
  }
  for (const doc::Member& member : in.value().as_object()) {
    for (auto& window : read.windows) {
      if (member.key == window.name + "_ends") read_time(in, member.key, window.ends);
    }
  }
  in.finish();
  calendar = std::move(read);
}

}  // namespace

doc::Value to_value(const CalendarState& calendar) {
  doc::Value out = doc::Object{};
  for (const auto& window : calendar.windows) {
    out.set("in_" + window.name, window.open);
    if (window.open) out.set(window.name + "_ends", to_rfc3339(window.ends));
  }
  return out;
}

doc::Value to_value(const PolicyInput& input) {
  const RequestInput& r = input.request;
  doc::Value request = doc::object({{"time", to_rfc3339(r.time)},
                                    {"channel", r.channel},
                                    {"taint", doc::array_of(r.taint)},
                                    {"incident", r.incident},
                                    {"break_glass", r.break_glass},
                                    {"runbook", r.runbook},
                                    {"step", r.step},
                                    {"repeats_of_denied", r.repeats_of_denied}});
  if (r.deferred_since) request.set("deferred_since", to_rfc3339(*r.deferred_since));
  doc::Value labels = doc::Object{};
  for (const auto& [key, value] : input.resource.labels) labels.set(key, value);
  doc::Value facts = input.facts;
  if (facts.is_null()) facts = doc::object({{"uninspectable", false}, {"why", doc::Array{}}});
  doc::Value out = doc::object(
      {{"action", doc::object({{"tool", input.tool},
                               {"operation", input.operation},
                               {"args", input.args},
                               {"reason", input.reason}})},
       {"resource", doc::object({{"kind", input.resource.kind},
                                 {"name", input.resource.name},
                                 {"env", input.resource.env},
                                 {"labels", std::move(labels)}})},
       {"actor", doc::object({{"id", input.actor.id},
                              {"owner", input.actor.owner},
                              {"groups", doc::array_of(input.actor.groups)},
                              {"delegated_by", doc::array_of(input.actor.delegated_by)}})},
       {"request", std::move(request)},
       {"facts", std::move(facts)},
       {"claims", input.claims}});
  if (input.history) out.set("history", history_value(*input.history));
  if (input.risk) {
    out.set("risk",
            doc::object({{"score", input.risk->score}, {"why", doc::array_of(input.risk->why)}}));
  }
  if (input.calendar) out.set("calendar", to_value(*input.calendar));
  return out;
}

PolicyInput input_from_value(const doc::Value& tree, const PolicyInput& base,
                             doc::Problems& problems) {
  PolicyInput input = base;
  ObjectReader in(tree, "", problems);
  const auto part = [&](std::string_view key, auto read) {
    if (const doc::Value* value = in.object(key)) {
      read(ObjectReader(*value, "/" + std::string(key), problems));
    }
  };
  part("action", [&](ObjectReader r) { read_action(std::move(r), input); });
  part("resource", [&](ObjectReader r) { read_resource(std::move(r), input.resource, problems); });
  part("actor", [&](ObjectReader r) { read_actor(std::move(r), input.actor); });
  part("request", [&](ObjectReader r) { read_request(std::move(r), input.request); });
  part("history", [&](ObjectReader r) {
    if (!input.history) input.history.emplace();
    read_history(std::move(r), *input.history);
  });
  part("risk", [&](ObjectReader r) { read_risk(std::move(r), input.risk); });
  part("calendar", [&](ObjectReader r) { read_calendar(std::move(r), input.calendar); });
  if (const doc::Value* facts = in.object("facts")) input.facts = *facts;
  if (const doc::Value* claims = in.object("claims")) input.claims = *claims;
  in.finish();
  return input;
}

}  // namespace keyturn::policy
