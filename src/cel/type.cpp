#include "cel/type.h"

namespace keyturn::cel {

struct Type::Rep {
  std::string name;
  std::vector<Type> parameters;
  std::vector<Field> fields;
  bool open = false;
  std::size_t weight = 1;  // nodes, shared ones counted each time
};

namespace {
const std::vector<Type>& no_types() {
  static const std::vector<Type> none;
  return none;
}
const std::vector<Field>& no_fields() {
  static const std::vector<Field> none;
  return none;
}

// {a: a} nested n times has a type of 2^n parts: past this many, it is dyn.
constexpr std::size_t kWeightMax = 4096;
}  // namespace

Type Type::with_parameters(TypeKind kind, std::string name, std::vector<Type> parameters) {
  std::size_t weight = 1;
  for (const Type& p : parameters) weight += p.rep_ ? p.rep_->weight : 1;
  if (weight > kWeightMax) return dyn();
  return {kind,
          std::make_shared<Rep>(Rep{std::move(name), std::move(parameters), {}, false, weight})};
}

Type Type::type() {
  return with_parameters(TypeKind::kType, "type", {});
}
Type Type::type(Type of) {
  return with_parameters(TypeKind::kType, "type", {std::move(of)});
}
Type Type::list(Type of) {
  return with_parameters(TypeKind::kList, "list", {std::move(of)});
}
Type Type::map(Type key, Type value) {
  return with_parameters(TypeKind::kMap, "map", {std::move(key), std::move(value)});
}
Type Type::object(std::string name, std::vector<Field> fields, bool open) {
  return {TypeKind::kObject,
          std::make_shared<Rep>(Rep{std::move(name), {}, std::move(fields), open})};
}
Type Type::opaque(std::string name, std::vector<Type> parameters) {
  return with_parameters(TypeKind::kOpaque, std::move(name), std::move(parameters));
}
Type Type::parameter(std::string name) {
  return {TypeKind::kParameter, std::make_shared<Rep>(Rep{std::move(name), {}, {}})};
}

bool Type::is_optional() const {
  return kind_ == TypeKind::kOpaque && name() == "optional_type";
}
std::string_view Type::name() const {
  return rep_ ? std::string_view(rep_->name) : std::string_view();
}
const std::vector<Type>& Type::parameters() const {
  return rep_ ? rep_->parameters : no_types();
}
const std::vector<Field>& Type::fields() const {
  return rep_ ? rep_->fields : no_fields();
}
bool Type::open() const {
  return rep_ && rep_->open;
}

const Type* Type::field(std::string_view name) const {
  for (const Field& f : fields()) {
    if (f.name == name) return &f.type;
  }
  return nullptr;
}

bool Type::operator==(const Type& other) const {
  if (kind_ != other.kind_) return false;
  if (rep_ == other.rep_) return true;
  return name() == other.name() && parameters() == other.parameters();
}

std::string to_text(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kDyn:
      return "dyn";
    case TypeKind::kNull:
      return "null";
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kInt:
      return "int";
    case TypeKind::kUint:
      return "uint";
    case TypeKind::kDouble:
      return "double";
    case TypeKind::kString:
      return "string";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kTimestamp:
      return "timestamp";
    case TypeKind::kDuration:
      return "duration";
    case TypeKind::kError:
      return "error";
    case TypeKind::kObject:
    case TypeKind::kParameter:
      return std::string(type.name());
    case TypeKind::kType:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kOpaque:
      break;
  }
  std::string out(type.name());
  if (type.parameters().empty()) return out;
  out += '(';
  for (std::size_t i = 0; i < type.parameters().size(); ++i) {
    if (i != 0) out += ", ";
    out += to_text(type.parameter_at(i));
  }
  return out + ')';
}

}  // namespace keyturn::cel
