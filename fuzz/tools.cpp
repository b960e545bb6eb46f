// Any tools.yaml is refused with a place, or loads; what check_args() accepts renders.
#include <string>

#include "catalog/tool.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "require.h"

using namespace keyturn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tree = doc::parse_yaml(text, "t");
  if (!tree) return 0;
  doc::Problems problems;
  const auto tools = catalog::Catalog::load(*tree, problems);
  fuzz::require(tools.has_value() != doc::has_errors(problems));
  if (!tools) return 0;
  static const auto none = doc::parse_json("{}");
  static const auto some = doc::parse_json(R"({"p": "x", "q": 3})");
  for (const catalog::Tool& tool : tools->tools()) {
    for (const doc::Value* args : {&*none, &*some}) {
      const auto checked = catalog::check_args(tool, *args);
      if (!checked) {
        fuzz::require(checked.error().code == "invalid_args");
        continue;
      }
      if (tool.kind == catalog::ToolKind::kExec) {
        fuzz::require(catalog::render_argv(tool, *checked).at(0) == tool.exec[0]);
      } else if (tool.kind == catalog::ToolKind::kSql) {
        (void)catalog::render_sql(tool, *checked);
        (void)catalog::sql_parameters(tool, *checked);
      }
      (void)catalog::render_env(tool, *checked);
    }
  }
  return 0;
}
