// Reads one tool of tools.yaml, with every problem in its place. Private to catalog/.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/tool.h"
#include "doc/read.h"

namespace keyturn::catalog {

// Letters, digits, "_" and "-" ("." too with `dots`), at most 100.
bool is_identifier(std::string_view text, bool dots);
bool is_absolute(std::string_view path);

// Where in an HTTP request a template stands.
enum class HttpPlace { kPath, kQuery, kHeader, kJson, kText, kForm };

// Keeps count of which parameters the definition uses.
class ToolReader {
 public:
  ToolReader(const doc::Value& value, std::string pointer, const LoadOptions& options,
             doc::Problems& problems)
      : in_(value, std::move(pointer), problems), options_(options), problems_(problems) {}

  Tool read(const std::string& name);

 protected:  // and of an MCP server: upstream_reader.h
  void read_resource();
  void read_env_entry(const std::string& variable, const doc::Value& value,
                      const std::string& pointer);
  CredentialRef read_credential(const doc::Value& value, const std::string& pointer);
  void read_cwd();
  void read_sandbox();
  void read_limits();
  std::optional<SecretRef> read_secret(const doc::Value& value, const std::string& pointer);
  void read_params(const doc::Value& params, const std::string& place);
  void add(std::string code, std::string message, const doc::Value& at, std::string pointer) {
    problems_.push_back({std::move(code), std::move(message), std::move(pointer), at.position()});
  }

  doc::ObjectReader in_;
  const LoadOptions& options_;
  doc::Problems& problems_;
  Tool tool_;

 private:
  void read_input_schema();
  void read_operation();
  void read_mode();
  void read_output();
  void refuse_misfits();
  void check_params_used();

  void read_exec();
  // An argv template, with its problems; its parameters are ticked off.
  std::vector<std::string> read_argv(std::string_view key);
  void check_argv_element(std::string_view key, const std::string& element, std::size_t index);
  void read_env();
  void read_open_door(doc::ObjectReader& in);
  void read_bound_paths(doc::ObjectReader& in);
  void check_open_door();

  void read_sql();
  void read_statement(doc::ObjectReader& sql);

  void read_preview();
  std::vector<std::string> read_look(std::string_view key);
  void read_sql_preview();

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  void read_http();
  void read_kubernetes();
  void read_http_server(doc::ObjectReader& in, HttpCall& call);
  std::string read_http_path(doc::ObjectReader& in);
  Pairs read_http_pairs(doc::ObjectReader& in, std::string_view key, HttpPlace where);
  void read_http_headers(doc::ObjectReader& in, HttpCall& call);
  void read_http_header(const doc::Member& member, const std::string& pointer, HttpCall& call);
  void read_http_body(doc::ObjectReader& http, HttpCall& call);
  void read_http_answer(doc::ObjectReader& in, HttpCall& call);
  static bool has_dry_run(const HttpCall& call);
  void read_http_preview(HttpCall& call);
  void finish_http(HttpCall call, std::string_view word);
  std::vector<int> read_statuses(doc::ObjectReader& in, std::string_view key, int least, int most);
  void check_http_template(const std::string& text, const doc::Value& place,
                           const std::string& pointer, HttpPlace where);
  void check_json_template(const doc::Value& value, const std::string& pointer);
  std::string read_api_word(doc::ObjectReader& in, std::string_view key, bool needed);
  std::string read_object_name(doc::ObjectReader& in, std::string_view key);
  void read_kubernetes_path(doc::ObjectReader& in, bool named, HttpCall& call);
  void read_kubernetes_body(doc::ObjectReader& in, const std::string& verb, HttpCall& call);

  const Param* param(const std::string& name) const;
  // A parameter that a template names: ticked off, or a problem. `where` words the place.
  const Param* use(const std::string& name, const doc::Value& place, const std::string& pointer);
  std::set<std::string> used_;
};

}  // namespace keyturn::catalog
