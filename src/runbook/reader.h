// Reads a runbook's document, with every problem in its place. Private to runbook/.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "runbook/document.h"

namespace keyturn::runbook {

// What there is beside the document, to tell a slip early; null: not known.
struct Beside {
  const catalog::Catalog* tools = nullptr;
  const std::vector<catalog::Param>* inputs = nullptr;  // of the runbook
  Known known;
};

std::vector<Trigger> read_triggers(const doc::Value& triggers, const std::string& pointer,
                                   const Beside& beside, doc::Problems& problems);

class StepReader {
 public:
  StepReader(const Beside& beside, doc::Problems& problems)
      : beside_(beside), problems_(problems) {}

  std::vector<Step> read_steps(const doc::Value& steps, const std::string& pointer);
  std::vector<std::pair<std::string, Expression>> read_outputs(const doc::Value& outputs,
                                                               const std::string& pointer);
  Template read_template(const doc::Value& value, const std::string& pointer);

 private:
  Step read_step(const doc::Value& value, const std::string& pointer);
  std::string read_id(doc::ObjectReader& in);
  void read_kind(doc::ObjectReader& in, Step& step);
  void read_action(doc::ObjectReader& in, Step& step);
  void read_approve(doc::ObjectReader& in, Step& step);
  void read_branches(doc::ObjectReader& in, Step& step);
  void read_conditions(doc::ObjectReader& in, Step& step);
  void read_retry(doc::ObjectReader& in, Step& step);
  void read_failure(doc::ObjectReader& in, Step& step);
  void check_tool(doc::ObjectReader& in, std::string_view key, const std::string& tool,
                  const doc::Value& args, std::string_view args_key);
  void check_effect(doc::ObjectReader& in, const Step& step);

  // ---- read_slips.cpp: what would only be told when a run comes to it
  void warn(std::string code, std::string message, const doc::Value& at,
            const std::string& pointer);
  // What expressions read of other steps must have been before.
  void check_paths(const std::vector<std::string>& paths, const doc::Value& at,
                   const std::string& pointer);
  void check_output(const std::string& id, const std::string& name, const doc::Value& at,
                    const std::string& pointer);
  void check_result(const std::string& field, const doc::Value& at, const std::string& pointer);
  void check_texts(const Template& texts, const doc::Value& at, const std::string& pointer);
  void check_people(const Plan& plan, const doc::Value& at, const std::string& pointer);
  void set_outputs_of(const Step& step);

  Beside beside_;
  doc::Problems& problems_;
  Expressions expressions_;
  std::set<std::string> ids_;                             // of the document so far
  std::set<std::string> known_;                           // that may be read here
  std::map<std::string, std::set<std::string>> outputs_;  // of those that were read, by id
  std::size_t depth_ = 0;
};

}  // namespace keyturn::runbook
