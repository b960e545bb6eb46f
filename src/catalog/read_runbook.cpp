#include "catalog/runbook_reader.h"

namespace keyturn::catalog {

Tool RunbookReader::read() {
  std::string name;
  if (const doc::Value* metadata = in_.object("metadata")) {
    doc::ObjectReader in(*metadata, in_.pointer_to("metadata"), problems_);
    name = in.require_string("name");
    tool_.description = in.string("description").value_or("");
    if (!name.empty() && !is_identifier(name, false))
      in.problem(
          "invalid_name",
          "\"" + name + "\" is no name of a runbook: letters, digits, \"_\" and \"-\", at most 100",
          "name");
  } else {
    in_.problem("missing_field", "needs metadata: {name: NAME}");
  }
  tool_.name = std::string(kRunbookPrefix) + name;
  tool_.kind = ToolKind::kRunbook;
  tool_.operation = in_.string("operation").value_or("execute");
  tool_.definition = in_.value();
  if (const doc::Value* inputs = in_.object("inputs"))
    read_params(*inputs, in_.pointer_to("inputs"));
  read_resource();
  if (in_.value().find("resource") == nullptr) tool_.resource = {"runbook", name, "", {}};
  for (const Param& input : tool_.params) {
    if (input.secret)
      add("secret_input",
          "an input of a runbook is shown in its plan and recorded; let the step's tool take the "
          "secret from a reference or a credential",
          input.schema, in_.pointer_to("inputs") + "/" + doc::pointer_escape(input.name));
  }
  return std::move(tool_);
}

}  // namespace keyturn::catalog
