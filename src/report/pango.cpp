#include "report/pango.h"

#include <dlfcn.h>

namespace keyturn::report {
namespace {

// clang-format off
#define KEYTURN_PANGO_LOAD(member)                                                              \
  out.member = reinterpret_cast<decltype(out.member)>(::dlsym(library, #member));               \
  if (out.member == nullptr) return refuse("no_pdf", "this machine's Pango lacks " #member);
// clang-format on

Result<Pango> load() {
  void* const library = ::dlopen("libpangocairo-1.0.so.0", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    return refuse("no_pdf",
                  "a PDF needs Pango and cairo (Debian: apt-get install "
                  "libpangocairo-1.0-0 fonts-dejavu-core); the HTML report says the same");
  }
  Pango out;
  KEYTURN_PANGO_FUNCTIONS(KEYTURN_PANGO_LOAD)
  return out;
}

}  // namespace

Result<const Pango*> pango() {
  static const Result<Pango> loaded = load();
  if (!loaded) return std::unexpected(loaded.error());
  return &*loaded;
}

}  // namespace keyturn::report
