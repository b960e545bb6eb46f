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
      std::move(name),
      {.action = order.action,
       .principal = order.requester,
       .tool = order.tool->name,
       .until = lender.clock->now() + order.tool->timeout + kSlack,
       .use = order.tool->kind == catalog::ToolKind::kExec ? credentials::Binding::Use::kProgram
                                                           : credentials::Binding::Use::kRequest});
  if (!issued) co_return std::unexpected(issued.error());
  const Result<void> noted =
      co_await note(order, "credential.issued", credentials::to_value(*issued));
  if (noted) co_return issued;
  std::ignore = co_await lender.issuer->revoke(*issued);
  co_return std::unexpected(noted.error());
}

std::set<std::string> names_of(const catalog::Tool& tool) {
  std::set<std::string> names;
  for (const catalog::CredentialUse& use : catalog::credential_uses(tool)) names.insert(use.name);
  return names;
}

std::unexpected<Refusal> none_issued() {
  return refuse("no_secret", "no credentials are issued from here");
}

}  // namespace

Task<Result<Lent>> lend(const Lender& lender, const gate::Order& order) {
  if (lender.issuer == nullptr) co_return none_issued();
  Lent lent;
  for (const std::string& name : names_of(*order.tool)) {
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

Task<Result<Lent>> lend_to_look(const Lender& lender, const catalog::Tool& tool, Duration within,
                                doc::Value& used) {
  const std::set<std::string> names = names_of(tool);
  if (!names.empty() && lender.issuer == nullptr) co_return none_issued();
  const std::string tool_name = tool.name;
  Lent lent;
  for (const std::string& name : names) {
    auto issued = co_await lender.issuer->issue(name, {.action = ActionId("act_preview"),
                                                       .principal = "keyturn",
                                                       .tool = tool_name,
                                                       .until = lender.clock->now() + within,
                                                       .use = credentials::Binding::Use::kLook});
    if (!issued) {
      co_await take_back(lender, std::move(lent), used);
      co_return std::unexpected(issued.error());
    }
    lent.emplace(name, std::move(*issued));
  }
  co_return lent;
}

Task<void> take_back(const Lender& lender, Lent lent, doc::Value& used) {
  for (const auto& [name, issued] : lent) {
    doc::Value one = credentials::to_value(issued);
    if (issued.revocable) {
      const Result<void> done = co_await lender.issuer->revoke(issued);
      one.set("ended", done ? "revoked" : "not_revoked");
      if (!done && lender.log)
        lender.log("credentials: " + done.error().message + "; it is tried again");
    }
    used.push(std::move(one));
  }
}

}  // namespace keyturn::connectors
