// What Keyturn itself knows: its configuration and its people. One snapshot decides one case.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "catalog/pins.h"
#include "catalog/tool.h"
#include "people/directory.h"
#include "people/emergency.h"
#include "people/standing.h"
#include "policy/document.h"
#include "trust/document.h"

namespace keyturn::gate {

// The active configuration. Immutable; replaced whole by events on the streams "policy", "tools",
// "config" (identity.yaml and the seal).
struct Configuration {
  std::shared_ptr<const policy::Document> policy;
  // Those of tools.yaml, and of its upstreams as far as their definitions are pinned.
  std::shared_ptr<const catalog::Catalog> tools;
  std::shared_ptr<const trust::Document> identity;  // without an identity.yaml: of nobody
  std::string policy_text, tools_text, identity_text;
  bool sealed = false;
  catalog::LoadOptions host;  // what this machine asks of new tools; not in the digest
  // SHA-256 over policy, tools, groups, seal and, where there is one, identity.yaml: its digest is
  // in every case.
  std::string digest;
};

struct World {
  std::shared_ptr<const Configuration> configuration;
  people::Directory directory;
  people::Emergencies emergencies;
  people::Standings standing;
  catalog::Pins pins;  // of MCP tools
};

}  // namespace keyturn::gate
