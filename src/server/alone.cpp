#include "server/alone.h"

#include <memory>

#include "audit/audit.h"

namespace keyturn::server {
namespace {

Task<Result<std::string>> sign(Core& core, audit::AuditOptions options) {
  Result<std::unique_ptr<audit::Audit>> opened =
      co_await audit::Audit::open(core.journal(), core.clock(), std::move(options));
  if (!opened) co_return std::unexpected(opened.error());
  if (std::optional<Refusal> alarm = (*opened)->alarm()) co_return std::unexpected(*alarm);
  co_return (*opened)->checkpoint();
}

}  // namespace

Result<std::string> signed_now(Core& core, const Settings& settings) {
  return run_alone(core.loop(), sign(core, core.audit_options(settings)));
}

}  // namespace keyturn::server
