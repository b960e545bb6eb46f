#include "server/insights.h"

#include "base/task_impl.h"
#include "report/insights.h"

namespace keyturn::server {
namespace {

constexpr std::size_t kRepeatsMax = 20;

double seconds_of(int bucket) {
  return std::chrono::duration<double>(store::bucket_start(bucket)).count();
}

}  // namespace

Task<Result<doc::Value>> insights_of(store::ReadModel& lists, const gate::World& world, Time from,
                                     Time to) {
  const people::Directory& directory = world.directory;
  Result<std::vector<store::Figure>> figures = co_await lists.figures(from, to);
  if (!figures) co_return std::unexpected(figures.error());
  Result<std::vector<store::Repeats>> repeats = co_await lists.repeats(from, to, kRepeatsMax);
  if (!repeats) co_return std::unexpected(repeats.error());
  report::InsightsInput in{.from = from, .to = to, .seconds_of = seconds_of};
  for (store::Figure& one : *figures)
    in.figures.push_back(
        {one.day, std::move(one.what), std::move(one.name), std::move(one.detail), one.n});
  for (store::Repeats& one : *repeats)
    in.repeats.push_back(
        {std::move(one.actor), std::move(one.tool), std::move(one.last), one.times});
  for (const catalog::Tool& tool : world.configuration->tools->tools()) in.tools.insert(tool.name);
  for (const auto& [name, members] : directory.groups()) {
    for (const std::string& id : members) {
      if (directory.person(id)->active) in.members[name].insert(id);
    }
  }
  co_return report::insights(in);
}

}  // namespace keyturn::server
