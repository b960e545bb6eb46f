#include "oncall/schedule.h"

#include <algorithm>
#include <functional>

#include "doc/yaml.h"

namespace keyturn::oncall {
namespace {

constexpr Duration kTurnMin = std::chrono::hours(1), kTurnMax = std::chrono::days(366);
constexpr std::size_t kPeopleMax = 1'000;
constexpr doc::ParseLimits kLimits{.bytes_max = kFileBytesMax, .values_max = 50'000};

using ReadTime = std::function<std::optional<Time>(std::string_view)>;

std::optional<Time> read_time(doc::ObjectReader& in, std::string_view key, const ReadTime& read,
                              std::string_view such_as) {
  const std::string text = in.require_string(key);
  if (text.empty()) return std::nullopt;
  const std::optional<Time> time = read(text);
  if (!time)
    in.problem("invalid_time", std::string(key) + " must be a time such as " + std::string(such_as),
               key);
  return time;
}

std::vector<Shift> shifts_of(const doc::Value& list, const std::string& pointer,
                             doc::Problems& problems, const ReadTime& read,
                             std::string_view such_as) {
  std::vector<Shift> out;
  for (std::size_t i = 0; i < list.as_array().size(); ++i) {
    doc::ObjectReader in(list.as_array()[i], pointer + "/" + std::to_string(i), problems);
    Shift shift;
    shift.person = in.require_string("person");
    const std::optional<Time> from = read_time(in, "from", read, such_as);
    const std::optional<Time> until = read_time(in, "until", read, such_as);
    if (from && until && *until <= *from)
      in.problem("out_of_range", "until is not after from: the shift ends before it begins",
                 "until");
    in.finish();
    shift.from = from.value_or(Time{});
    shift.until = until.value_or(Time{});
    out.push_back(std::move(shift));
  }
  return out;
}

class FileReader {
 public:
  FileReader(const doc::Value& tree, doc::Problems& problems)
      : in_(tree, "", problems), problems_(problems) {}

  Schedule read() {
    const std::string name = in_.string("timezone").value_or("UTC");
    std::optional<zone::Zone> zone = zone::Zone::open(name);
    if (!zone) {
      in_.problem("unknown_time_zone",
                  "unknown time zone \"" + name + "\"; such as Europe/Berlin or UTC", "timezone");
      zone = zone::Zone::open("UTC");
    }
    Schedule out;
    out.overrides = read_list("overrides", *zone);
    out.shifts = read_list("shifts", *zone);
    if (const doc::Value* rotation = in_.object("rotation"))
      out.rotation = read_rotation(*rotation, std::move(*zone));
    if (in_.value().is_object() && in_.value().find("rotation") == nullptr &&
        in_.value().find("shifts") == nullptr)
      in_.problem("missing_field",
                  "says of nobody when they are on call: needs rotation: {start, every, people} or "
                  "shifts: [{person, from, until}]");
    in_.finish();
    return out;
  }

 private:
  std::vector<Shift> read_list(std::string_view key, const zone::Zone& zone) {
    const doc::Value* list = in_.array(key);
    if (list == nullptr) return {};
    if (list->as_array().size() > kFileShiftsMax)
      in_.problem("too_many", std::string(key) + " has more than 5000 entries", key);
    const ReadTime read = [&](std::string_view text) -> std::optional<Time> {
      if (const auto local = zone::parse_local(text)) return zone.to_utc(*local);
      return from_rfc3339(text);
    };
    return shifts_of(*list, in_.pointer_to(key), problems_, read,
                     "\"2026-01-05T09:00\" (by the clock in timezone) or "
                     "\"2026-01-05T08:00:00Z\"");
  }

  Rotation read_rotation(const doc::Value& value, zone::Zone zone) {
    doc::ObjectReader in(value, in_.pointer_to("rotation"), problems_);
    Rotation out{std::move(zone), {}, kTurnMin, {}};
    const std::string start = in.require_string("start");
    if (const auto local = zone::parse_local(start))
      out.start = *local;
    else if (!start.empty())
      in.problem("invalid_time",
                 "start must be a local time such as \"2026-01-05T09:00\", its zone in timezone",
                 "start");
    if (value.find("every") == nullptr) in.problem("missing_field", "needs every: 7d");
    if (const auto every = in.duration("every")) {
      out.every = *every;
      if (*every < kTurnMin || *every > kTurnMax || *every % kTurnMin != Duration{})
        in.problem("out_of_range", "every is a number of hours or days, from 1h to 366d", "every");
    }
    out.people = in.strings("people").value_or(std::vector<std::string>{});
    if (out.people.empty() || out.people.size() > kPeopleMax)
      in.problem("out_of_range", "people are 1 to 1000, who take turns in this order", "people");
    for (const std::string& person : out.people) {
      if (person.empty()) in.problem("out_of_range", "people has an empty name", "people");
    }
    in.finish();
    return out;
  }

  doc::ObjectReader in_;
  doc::Problems& problems_;
};

// Somebody's shift that runs now.
struct Turn {
  const std::string* person = nullptr;
  Time until;
};

void sooner(std::optional<Time>& next, Time at) {
  next = next ? std::min(*next, at) : at;
}

void look_at(const std::vector<Shift>& shifts, Time now, std::vector<Turn>& running,
             std::optional<Time>& next) {
  for (const Shift& shift : shifts) {
    if (now < shift.from) sooner(next, shift.from);
    if (shift.from <= now && now < shift.until) {
      running.push_back({&shift.person, shift.until});
      sooner(next, shift.until);
    }
  }
}

void look_at(const Rotation& rotation, Time now, std::vector<Turn>& running,
             std::optional<Time>& next) {
  const auto begin = [&](std::int64_t turn) {
    return rotation.zone.to_utc(rotation.start + turn * rotation.every);
  };
  if (now < begin(0)) return sooner(next, begin(0));
  // By the clock, and then by what the clock was changed since: never by more than a day.
  std::int64_t turn = (rotation.zone.to_local(now) - rotation.start) / rotation.every;
  while (turn > 0 && now < begin(turn)) --turn;
  while (begin(turn + 1) <= now) ++turn;
  const auto whose = static_cast<std::size_t>(turn) % rotation.people.size();
  running.push_back({&rotation.people[whose], begin(turn + 1)});
  sooner(next, begin(turn + 1));
}

}  // namespace

std::optional<Schedule> load(std::string_view text, doc::Problems& problems) {
  const std::optional<doc::Value> tree = doc::parse_yaml(text, kLimits, problems);
  if (!tree) return std::nullopt;
  Schedule out = FileReader(*tree, problems).read();
  if (doc::has_errors(problems)) return std::nullopt;
  return out;
}

std::vector<Shift> read_shifts(const doc::Value& list, const std::string& pointer,
                               doc::Problems& problems) {
  if (list.as_array().size() > kShiftsMax)
    problems.push_back({"too_many", "more than 400 shifts; send those of the next weeks", pointer,
                        list.position()});
  return shifts_of(list, pointer, problems, from_rfc3339, "\"2026-01-05T08:00:00Z\"");
}

OnDuty on_duty(const Schedule& schedule, Time now) {
  OnDuty out;
  std::vector<Turn> running, replaced;
  std::optional<Time> next_override;
  look_at(schedule.overrides, now, running, next_override);
  out.next = next_override;
  const bool overridden = !running.empty();
  std::vector<Turn>& others = overridden ? replaced : running;
  look_at(schedule.shifts, now, others, out.next);
  if (schedule.rotation) look_at(*schedule.rotation, now, others, out.next);
  for (const Turn& turn : running) {
    Time until = turn.until;
    // Where an override is to begin, the shift of whoever is not part of it ends.
    if (!overridden && next_override) until = std::min(until, *next_override);
    Time& last = out.until.try_emplace(*turn.person, until).first->second;
    last = std::max(last, until);
  }
  return out;
}

}  // namespace keyturn::oncall
