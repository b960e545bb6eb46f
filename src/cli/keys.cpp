#include "cli/keys.h"

#include <filesystem>

#include "cli/arguments.h"

namespace keyturn::cli {

Result<ledger::VerifierKey> key_of(const std::string& word) {
  Result<ledger::VerifierKey> key = ledger::parse_vkey(word);
  if (key || !std::filesystem::is_regular_file(word)) return key;
  const Result<std::string> text = read_file(word);
  if (!text) return std::unexpected(text.error());
  std::string_view line = *text;
  while (line.ends_with('\n') || line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  return ledger::parse_vkey(line);
}

}  // namespace keyturn::cli
