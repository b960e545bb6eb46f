#include "connectors/credentials_in_force.h"

namespace keyturn::connectors {

void check_credentials(const doc::Value& tree, const std::vector<catalog::CredentialUse>& uses,
                       doc::Problems& problems) {
  std::optional<credentials::Document> document = credentials::Document{};
  if (!tree.is_null()) document = credentials::read(tree, problems);
  if (!document) return;  // it says itself what is wrong
  for (const catalog::CredentialUse& use : uses) {
    if (const Result<void> good = document->check_use(use.name, use.field, use.sent_to); !good)
      problems.push_back({good.error().code, good.error().message, use.pointer, use.position});
  }
}

std::shared_ptr<const credentials::Document> CredentialsInForce::of(
    const std::shared_ptr<const catalog::Catalog>& catalog) {
  if (catalog == catalog_) return document_;
  catalog_ = catalog;
  document_ = nullptr;
  if (!catalog || catalog->credentials().is_null()) return nullptr;
  doc::Problems problems;
  if (auto read = credentials::read(catalog->credentials(), problems))
    document_ = std::make_shared<const credentials::Document>(std::move(*read));
  return document_;
}

}  // namespace keyturn::connectors
