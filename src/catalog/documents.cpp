#include "catalog/documents.h"

#include <algorithm>

namespace keyturn::catalog {
namespace {

constexpr std::string_view kMark = "---", kFile = "--- # file: ";

bool begins_document(std::string_view line) {
  if (!line.starts_with(kMark)) return false;
  const std::string_view rest = line.substr(kMark.size());
  const std::size_t word = rest.find_first_not_of(" \t\r");
  return word == std::string_view::npos || (word > 0 && rest[word] == '#');
}

bool is_blank(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t word = line.find_first_not_of(" \t\r");
    if (word != std::string_view::npos && line[word] != '#') return false;
    at = end + 1;
  }
  return true;
}

}  // namespace

std::string join_documents(const std::vector<SourceFile>& files) {
  if (files.size() == 1) return files.front().text;
  std::string out;
  for (const SourceFile& file : files) {
    if (!out.empty() && !out.ends_with('\n')) out += '\n';
    out += std::string(kFile) + file.name + "\n" + file.text;
  }
  return out;
}

std::vector<DocumentPart> split_documents(std::string_view whole) {
  std::vector<DocumentPart> out;
  DocumentPart part;
  std::size_t begin = 0;
  std::uint32_t line_number = 1;
  const auto end_part = [&](std::size_t end) {
    part.text = whole.substr(begin, end - begin);
    if (!is_blank(part.text)) out.push_back(part);
  };
  for (std::size_t at = 0; at < whole.size(); ++line_number) {
    const std::size_t end = std::min(whole.find('\n', at), whole.size());
    const std::string_view line = whole.substr(at, end - at);
    if (begins_document(line)) {
      end_part(at);
      begin = std::min(end + 1, whole.size());
      part.first_line = line_number + 1;
      if (line.starts_with(kFile)) {
        part.file = line.substr(kFile.size());
        part.file_line = part.first_line;
      }
    }
    at = end + 1;
  }
  end_part(whole.size());
  if (out.empty()) out.push_back({"", 1, 1, whole});
  return out;
}

void add_problems(doc::FileProblems& to, std::string_view file, std::string_view whole,
                  const doc::Problems& problems) {
  const std::vector<DocumentPart> parts = split_documents(whole);
  for (doc::Problem problem : problems) {
    const DocumentPart* of = nullptr;
    for (const DocumentPart& part : parts) {
      if (part.first_line <= problem.position.line) of = &part;
    }
    const bool named = of != nullptr && !of->file.empty();
    if (named) problem.position.line -= of->file_line - 1;
    doc::add(to, named ? of->file : std::string(file), {std::move(problem)});
  }
}

}  // namespace keyturn::catalog
