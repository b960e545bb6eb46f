#include "cli/runbook_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "catalog/documents.h"
#include "cli/arguments.h"
#include "cli/remote.h"
#include "doc/json.h"
#include "runbook/document.h"

namespace keyturn::cli {
namespace {

bool is_yaml(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// A folder may hold other documents of Keyturn as well: policy.yaml beside its runbooks.
bool is_of_tools(std::string_view text) {
  for (const std::string_view kind : {"kind: Runbook", "kind: Credentials"}) {
    if (text.starts_with(kind) || text.contains("\n" + std::string(kind))) return true;
  }
  return false;
}

Attempt<catalog::SourceFile> source_of(const std::string& name) {
  Result<std::string> text = read_file(name);
  if (!text) return std::unexpected(Failure{Exit::kUsage, text.error(), {}});
  return catalog::SourceFile{name, std::move(*text)};
}

Attempt<void> add_folder(const std::string& folder, std::vector<catalog::SourceFile>& out) {
  std::vector<std::string> inside;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (is_yaml(entry.path())) inside.push_back(entry.path().string());
  }
  std::ranges::sort(inside);
  std::size_t found = 0;
  for (const std::string& name : inside) {
    Attempt<catalog::SourceFile> file = source_of(name);
    if (!file) return std::unexpected(file.error());
    const auto is_same = [&](const catalog::SourceFile& known) {
      return std::filesystem::equivalent(known.name, name, error);
    };
    if (!is_of_tools(file->text) || std::ranges::any_of(out, is_same)) continue;
    out.push_back(std::move(*file));
    ++found;
  }
  if (found == 0) return usage("there is no runbook (a *.yaml with kind: Runbook) in " + folder);
  return {};
}

// The files as they are named, and those of folders.
Attempt<std::vector<catalog::SourceFile>> sources_of(const std::string& tools,
                                                     std::vector<std::string> names) {
  if (!tools.empty()) names.insert(names.begin(), tools);
  std::vector<catalog::SourceFile> out;
  for (const std::string& name : names) {
    std::error_code error;
    if (std::filesystem::is_directory(name, error)) {
      if (Attempt<void> added = add_folder(name, out); !added)
        return std::unexpected(added.error());
      continue;
    }
    Attempt<catalog::SourceFile> file = source_of(name);
    if (!file) return std::unexpected(file.error());
    out.push_back(std::move(*file));
  }
  return out;
}

}  // namespace

int check_runbooks(Session& session, const std::string& tools_file,
                   const std::vector<std::string>& files) {
  const Attempt<std::vector<catalog::SourceFile>> sources = sources_of(tools_file, files);
  if (!sources) return complain(session, sources.error());
  const std::string text = catalog::join_documents(*sources);
  doc::Problems problems;
  const std::optional<catalog::Catalog> tools = catalog::Catalog::load_text(text, problems);
  std::size_t runbooks = 0;
  if (tools) runbooks = runbook::check_runbooks(*tools, problems);
  doc::FileProblems found;
  catalog::add_problems(found, sources->front().name, text, problems);
  const bool ok = tools && !doc::has_errors(problems);
  if (session.json) {
    doc::Array diagnostics;
    for (const doc::FileProblem& one : found) diagnostics.push_back(doc::to_value(one));
    print_json(session.console, doc::object({{"ok", ok}, {"diagnostics", std::move(diagnostics)}}));
  } else {
    for (const doc::FileProblem& one : found) {
      const Tone tone = one.problem.warning ? Tone::kWarn : Tone::kPlain;
      session.console.out << on_out(session.console, tone, one_line(doc::to_text(one))) << '\n';
    }
    if (ok) session.console.out << fmt::format("good: {} runbooks\n", runbooks);
  }
  return ok ? code(Exit::kOk) : code(Exit::kDenied);
}

}  // namespace keyturn::cli
