#include "connectors/mcp/known_secrets.h"

#include <algorithm>

namespace keyturn::connectors::mcp {
namespace {

constexpr std::size_t kSecretsMax = 256;

}  // namespace

void KnownSecrets::learn(const std::string& name, const Secret& value) {
  const auto is_it = [&](const Known& one) { return one.value.reveal() == value.reveal(); };
  if (value.empty() || std::ranges::any_of(known_, is_it)) return;
  known_.push_back({name, value});
  redactor_.add(name, value);
  if (known_.size() <= kSecretsMax) return;
  while (known_.size() > kSecretsMax / 2) known_.pop_front();
  redactor_ = {};
  for (const Known& one : known_) redactor_.add(one.name, one.value);
}

}  // namespace keyturn::connectors::mcp
