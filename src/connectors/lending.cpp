#include "connectors/lending.h"

#include <set>

#include "base/task_impl.h"
#include "catalog/credentials.h"

namespace keyturn::connectors {
namespace {

constexpr Duration kSlack = std::chrono::seconds(30);  // beyond a tool's timeout

Task<Result<void>> note(const gate::Order& order, std::string type, doc::Value credential) {
  if (!order.note) co_return Result<void>{};
  co_return co_await order.note(std::move(type),
                                doc::object({{"credential", std::move(credential)}}));
}

Task<Result<credentials::Issued>> lend_one(const Lender& lender, const gate::Order& order,
                                           std::string name) {
  auto issued = co_await lender.issuer->issue(
      std::move(name), {.action = order.action,
                        .principal = order.requester,
                        .tool = order.tool->name,
                        .until = lender.clock->now() + order.tool->timeout + kSlack});
  if (!issued) co_return std::unexpected(issued.error());
  const Result<void> noted =
      co_await note(order, "credential.issued", credentials::to_value(*issued));
  if (noted) co_return issued;
  std::ignore = co_await lender.issuer->revoke(*issued);
  co_return std::unexpected(noted.error());
}

}  // namespace

Task<Result<Lent>> lend(const Lender& lender, const gate::Order& order) {
  if (lender.issuer == nullptr)
    co_return refuse("no_secret", "no credentials are issued from here");
  std::set<std::string> names;
  for (const catalog::CredentialUse& use : catalog::credential_uses(*order.tool))
    names.insert(use.name);
  Lent lent;
  for (const std::string& name : names) {
    auto issued = co_await lend_one(lender, order, name);
    if (!issued) {
      co_await give_back(lender, std::move(lent), order);
      co_return std::unexpected(issued.error());
    }
    lent.emplace(name, std::move(*issued));
  }
  co_return lent;
}

Task<void> give_back(const Lender& lender, Lent lent, const gate::Order& order) {
  for (const auto& [name, issued] : lent) {
    if (!issued.revocable) continue;  // it ends by itself
    const Result<void> done = co_await lender.issuer->revoke(issued);
    if (!done && lender.log)
      lender.log("credentials: " + done.error().message + "; it is tried again");
    const Result<void> noted =
        co_await note(order, done ? "credential.revoked" : "credential.not_revoked",
                      doc::object({{"id", issued.id}, {"name", issued.name}}));
    if (!noted && lender.log)
      lender.log("credentials: " + issued.id +
                 ": the record could not take how it ended: " + noted.error().message);
  }
}

}  // namespace keyturn::connectors
