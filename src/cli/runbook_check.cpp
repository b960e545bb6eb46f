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
#include "server/files.h"

namespace keyturn::cli {
namespace {

Attempt<catalog::SourceFile> source_of(const std::string& name) {
  Result<std::string> text = read_file(name);
  if (!text) return std::unexpected(Failure{Exit::kUsage, text.error(), {}});
  return catalog::SourceFile{name, std::move(*text)};
}

// As the server reads them.
Attempt<void> add_folder(const std::string& folder, std::vector<catalog::SourceFile>& out) {
  const Result<std::vector<std::string>> inside = server::runbook_files(folder);
  if (!inside) return std::unexpected(Failure{Exit::kUsage, inside.error(), {}});
  std::size_t found = 0;
  for (const std::string& name : *inside) {
    Attempt<catalog::SourceFile> file = source_of(name);
    if (!file) return std::unexpected(file.error());
    const auto is_same = [&](const catalog::SourceFile& known) {
      std::error_code unknown;
      return std::filesystem::equivalent(known.name, name, unknown);
    };
    if (server::stands_beside(file->text) || std::ranges::any_of(out, is_same)) continue;
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
