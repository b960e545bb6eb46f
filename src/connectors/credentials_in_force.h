// The credentials.yaml of a configuration: what is wrong with it, and the one in force.
#pragma once

#include <memory>
#include <vector>

#include "catalog/credentials.h"
#include "credentials/document.h"
#include "doc/read.h"

namespace keyturn::connectors {

// For catalog::LoadOptions::check_credentials: problems of the document (null: there is none), and
// tools that name what is not in it.
void check_credentials(const doc::Value& tree, const std::vector<catalog::CredentialUse>& uses,
                       doc::Problems& problems);

// Reads the document again only when the catalog is another one.
class CredentialsInForce {
 public:
  // Null: there is none. A catalog whose document does not load any more has none.
  std::shared_ptr<const credentials::Document> of(
      const std::shared_ptr<const catalog::Catalog>& catalog);

 private:
  std::shared_ptr<const catalog::Catalog> catalog_;
  std::shared_ptr<const credentials::Document> document_;
};

}  // namespace keyturn::connectors
