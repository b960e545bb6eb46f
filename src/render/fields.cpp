#include "render/fields.h"

#include <algorithm>

#include "base/ascii.h"
#include "doc/json.h"

namespace keyturn::render {
namespace {

bool is_plain_key(const std::string& key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return is_alphanumeric(c) || c == '_' || c == '-';
  });
}

// Would be read as something other than a text.
bool reads_like_json(const std::string& text) {
  const auto parsed = doc::parse_json(text);
  return parsed && !(parsed->is_array() && !parsed->as_array().empty()) &&
         !(parsed->is_object() && !parsed->as_object().empty());
}

template <class Leaf>
void for_each_leaf(const std::string& path, const doc::Value& value, const Leaf& leaf) {
  if (value.is_object() && !value.as_object().empty()) {
    for (const doc::Member& m : value.as_object()) {
      for_each_leaf(join_path(path, m.key), m.value, leaf);
    }
  } else if (value.is_array() && !value.as_array().empty()) {
    for (std::size_t i = 0; i < value.as_array().size(); ++i) {
      for_each_leaf(path + "[" + std::to_string(i) + "]", value.as_array()[i], leaf);
    }
  } else {
    leaf(path, value);
  }
}

}  // namespace

bool Budget::take(std::size_t bytes) {
  if (!complete_ || bytes > bytes_left_ || fields_left_ == 0) {
    complete_ = false;
    return false;
  }
  bytes_left_ -= bytes;
  --fields_left_;
  return true;
}

void add_warnings(Section& section, std::vector<std::string> warnings) {
  for (std::string& warning : warnings) {
    if (std::ranges::find(section.warnings, warning) == section.warnings.end()) {
      section.warnings.push_back(std::move(warning));
    }
  }
}

void add_field(Section& section, Budget& budget, std::string_view name, std::string_view value,
               Style style) {
  if (!budget.take(name.size() + value.size())) {
    add_warnings(section, {"too long: not all of it is shown"});
    return;
  }
  Rendered n = render_text(name);
  Rendered v = render_text(value, style);
  if (value.empty()) v.runs.push_back(own("empty", Mark::kWhitespace));
  section.bytes += v.bytes;
  add_warnings(section, std::move(n.warnings));
  add_warnings(section, std::move(v.warnings));
  section.fields.push_back({std::move(n.runs), std::move(v.runs)});
}

void add_remark(Section& section, Budget& budget, std::string_view name, std::string words) {
  if (!budget.take(name.size() + words.size())) {
    add_warnings(section, {"too long: not all of it is shown"});
    return;
  }
  Rendered n = render_text(name);
  add_warnings(section, std::move(n.warnings));
  section.fields.push_back({std::move(n.runs), {own(std::move(words), Mark::kWhitespace)}});
}

void add_leaves(Section& section, Budget& budget, const std::string& path,
                const doc::Value& value) {
  for_each_leaf(path, value, [&](const std::string& name, const doc::Value& leaf) {
    const bool as_is = leaf.is_string() && !reads_like_json(leaf.as_string());
    add_field(section, budget, name, as_is ? leaf.as_string() : doc::write_json(leaf));
  });
}

std::vector<std::pair<std::string, std::string>> leaf_lines(const doc::Value& value) {
  std::vector<std::pair<std::string, std::string>> out;
  for_each_leaf("", value, [&](const std::string& name, const doc::Value& leaf) {
    out.emplace_back(name, doc::write_json(leaf));
  });
  return out;
}

std::string join_path(const std::string& path, const std::string& key) {
  if (!is_plain_key(key)) return path + "[" + doc::write_json(doc::Value(key)) + "]";
  return path.empty() ? key : path + "." + key;
}

}  // namespace keyturn::render
