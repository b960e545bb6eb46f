#include "channels/entra.h"

#include "identity/accounts.h"
#include "trust/document.h"

namespace keyturn::channels {

const people::Person* person_at_entra(const gate::World& world, const Secret& key,
                                      std::string_view account) {
  constexpr std::string_view kTeams = "teams:";
  const std::size_t slash = account.find('/');
  if (!account.starts_with(kTeams) || slash == std::string_view::npos) return nullptr;
  const std::string tenant(account.substr(kTeams.size(), slash - kTeams.size()));
  if (tenant.empty() || !world.configuration || !world.configuration->identity) return nullptr;
  for (const auto& [name, provider] : world.configuration->identity->providers) {
    if (provider.kind != trust::ProviderKind::kEntra ||
        !provider.issuer.contains("/" + tenant + "/"))
      continue;
    const Result<std::string> there =
        identity::account_of(key, provider, account.substr(slash + 1));
    const people::Person* person = there ? world.directory.by_account(*there) : nullptr;
    if (person != nullptr) return person;
  }
  return nullptr;
}

}  // namespace keyturn::channels
