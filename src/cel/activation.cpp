#include <algorithm>

#include "cel/activation_impl.h"
#include "cel/select.h"

namespace keyturn::cel {

Activation::Impl::Impl(std::shared_ptr<PathTable> paths)
    : paths_(std::move(paths)), names_(paths_->roots()), roots_(names_->size()) {
  for (std::size_t i = 0; i < roots_.size(); ++i) roots_[i].slot = (*names_)[i].second;
  found_.resize(paths_->size());
}

Activation::Impl::Root* Activation::Impl::find_root(Slot slot) {
  for (Root& root : roots_) {
    if (root.slot == slot) return &root;
  }
  return nullptr;
}

void Activation::Impl::set(std::string_view root, Value value, Resolver* resolver) {
  if (looked_) forget();
  for (std::size_t i = 0; i < roots_.size(); ++i) {
    if ((*names_)[i].first != root) continue;
    roots_[i].is_set = true;
    roots_[i].resolver = resolver;
    roots_[i].value = std::move(value);
    return;
  }
}

void Activation::Impl::clear() {
  forget();
  for (Root& root : roots_) {
    root.is_set = false;
    root.resolver = nullptr;
    root.value = Value();
  }
}

void Activation::Impl::forget() {
  std::fill(found_.begin(), found_.end(), nullptr);
  owned_.clear();
  looked_ = false;
}

const Value& Activation::Impl::remember(Slot slot, const Value& value) {
  if (slot >= found_.size()) found_.resize(paths_->size());
  found_[slot] = &value;
  return value;
}

const Value& Activation::Impl::look_up(Slot slot) {
  looked_ = true;
  const PathStep& step = paths_->step(slot);
  if (step.parent == kNoSlot) {
    const Root* root = find_root(slot);
    if (root != nullptr && root->is_set && root->resolver == nullptr) {
      return remember(slot, root->value);
    }
    const bool lazy = root != nullptr && root->is_set;
    return remember(slot,
                    owned_.emplace_back(Value::error(
                        (lazy ? "not readable as a whole: " : "no such attribute: ") + step.name)));
  }
  const Root* root = find_root(step.parent);
  if (root != nullptr && root->resolver != nullptr) {
    Value value = root->resolver->resolve(step.name);  // may look up other slots
    return remember(slot, owned_.emplace_back(std::move(value)));
  }
  const Value& parent = read(step.parent);
  if (parent.is_map() && parent.find(step.name) == nullptr) {
    return remember(slot, owned_.emplace_back(Value::no_such_key(path_text(*paths_, slot))));
  }
  Value scratch;
  const Value& value = select_field(parent, step.name, scratch);
  if (&value != &scratch) return remember(slot, value);
  return remember(slot, owned_.emplace_back(std::move(scratch)));
}

Value Activation::Impl::has(Slot slot) {
  const PathStep& step = paths_->step(slot);
  const Root* root = step.parent == kNoSlot ? nullptr : find_root(step.parent);
  if (root == nullptr || root->resolver == nullptr) {
    return has_field(read(step.parent), step.name);
  }
  const Value& value = read(slot);
  if (!value.is_error()) return Value::boolean(true);
  return value.text().starts_with("no such key") ? Value::boolean(false) : value;
}

Activation::Activation(const Environment& environment)
    : impl_(std::make_unique<Impl>(environment.paths())) {}
Activation::~Activation() = default;
Activation::Activation(Activation&&) noexcept = default;
Activation& Activation::operator=(Activation&&) noexcept = default;

void Activation::set(std::string_view root, Value value) {
  impl_->set(root, std::move(value), nullptr);
}
void Activation::set(std::string_view root, Resolver& resolver) {
  impl_->set(root, Value(), &resolver);
}
void Activation::clear() {
  impl_->clear();
}

Value Activation::get(std::string_view path) const {
  PathTable& table = *impl_->paths();
  Slot slot = kNoSlot;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    slot = slot == kNoSlot ? table.root(name) : table.child(slot, name);
    if (slot == kNoSlot) return Value::error("too many paths");
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return slot == kNoSlot ? Value::error("an empty path") : impl_->read(slot);
}

}  // namespace keyturn::cel
