#include "people/names.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <cctype>
#include <memory>
#include <stdexcept>
#include <unordered_map>

#include "base/ascii.h"
#include "base/bytes.h"

namespace keyturn::people {
namespace {

constexpr std::size_t kFoldsKeptMax = 4096;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

// "Alice <alice@example.com>" -> "alice@example.com"
std::string_view address_in(std::string_view text) {
  text = trimmed(text);
  const std::size_t open = text.rfind('<');
  if (open != std::string_view::npos && text.ends_with('>')) {
    text = trimmed(text.substr(open + 1, text.size() - open - 2));
  }
  constexpr std::string_view kMailto = "mailto:";
  if (text.size() > kMailto.size()) {
    bool is_mailto = true;
    for (std::size_t i = 0; i < kMailto.size(); ++i) {
      is_mailto = is_mailto && std::tolower(static_cast<unsigned char>(text[i])) == kMailto[i];
    }
    if (is_mailto) text.remove_prefix(kMailto.size());
  }
  return trimmed(text);
}

std::string casefold(std::string_view text) {
  if (first_invalid_utf8(text)) return std::string(text);
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
  if (U_FAILURE(error)) throw std::runtime_error("ICU: no NFKC_Casefold data");
  const icu::UnicodeString folded = fold->normalize(
      icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())}), error);
  if (U_FAILURE(error)) throw std::runtime_error("ICU: NFKC_Casefold failed");
  std::string out;
  folded.toUTF8String(out);
  return out;
}

struct SpoofCheckerCloser {
  void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
};

}  // namespace

namespace {

std::string fold(std::string_view text) {
  std::string out(trimmed(casefold(address_in(text))));
  const std::size_t at = out.rfind('@');
  const std::size_t plus = out.find('+');
  if (at != std::string::npos && plus != std::string::npos && plus > 0 && plus < at) {
    out.erase(plus, at - plus);
  }
  return out;
}

}  // namespace

// The same few names are asked for again and again.
std::string fold_identifier(std::string_view text) {
  static thread_local std::unordered_map<std::string, std::string> kept;
  const std::string key(text);
  if (const auto found = kept.find(key); found != kept.end()) return found->second;
  if (kept.size() >= kFoldsKeptMax) kept.clear();
  return kept.emplace(key, fold(text)).first->second;
}

std::string skeleton(std::string_view text) {
  const std::string folded = casefold(text);
  if (first_invalid_utf8(folded)) return folded;
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<USpoofChecker, SpoofCheckerCloser> checker(uspoof_open(&error));
  if (U_FAILURE(error)) throw std::runtime_error("ICU: no confusables data");
  std::string out(folded.size() * 4 + 16, '\0');
  const auto capacity = static_cast<int32_t>(out.size());
  int32_t size =
      uspoof_getSkeletonUTF8(checker.get(), 0, folded.data(), static_cast<int32_t>(folded.size()),
                             out.data(), capacity, &error);
  if (error == U_BUFFER_OVERFLOW_ERROR) {
    error = U_ZERO_ERROR;
    out.assign(static_cast<std::size_t>(size), '\0');
    size = uspoof_getSkeletonUTF8(checker.get(), 0, folded.data(),
                                  static_cast<int32_t>(folded.size()), out.data(), size, &error);
  }
  if (U_FAILURE(error)) throw std::runtime_error("ICU: no skeleton");
  out.resize(static_cast<std::size_t>(size));
  return casefold(out);  // "0" has the skeleton "O", "o" has "o"
}

bool is_plain_name(std::string_view text) {
  if (text.empty() || text.size() > 256 || first_invalid_utf8(text)) return false;
  if (trimmed(text).size() != text.size()) return false;
  for (std::size_t offset = 0; offset < text.size();) {
    const char32_t c = next_code_point(text, offset);
    const auto point = static_cast<UChar32>(c);
    if (c == ' ') continue;
    if (u_isgraph(point) == 0 || u_charType(point) == U_PRIVATE_USE_CHAR ||
        u_hasBinaryProperty(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0 || c == 0x2800) {
      return false;
    }
  }
  return true;
}

bool is_valid_id(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  for (const char c : text) {
    const bool word = is_alphanumeric(c);
    if (!word && std::string_view("._@+-").find(c) == std::string_view::npos) return false;
  }
  return std::string_view("._@+-").find(text.front()) == std::string_view::npos;
}

}  // namespace keyturn::people
