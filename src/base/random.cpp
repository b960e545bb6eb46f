#include "base/random.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace keyturn {
namespace {

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "keyturn: %s: %s\n", what, std::strerror(errno));
  std::abort();
}

void fill_from_kernel(void* out, std::size_t size) {
  auto* to = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t got = getrandom(to, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      die("getrandom");
    }
    to += got;
    size -= static_cast<std::size_t>(got);
  }
}

// Random bytes read ahead, one page a thread. The kernel wipes the page in a forked child, where
// `left` is then 0: parent and child never hand out the same bytes.
struct Page {
  std::size_t left;
  unsigned char bytes[4096 - sizeof(std::size_t)];
};

class ReadAhead {
 public:
  ReadAhead() {
    void* memory =
        mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) die("mmap");
    if (madvise(memory, sizeof(Page), MADV_WIPEONFORK) != 0) die("madvise(MADV_WIPEONFORK)");
    page_ = static_cast<Page*>(memory);
  }
  ~ReadAhead() {
    explicit_bzero(page_, sizeof(Page));
    munmap(page_, sizeof(Page));
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  void take(void* out, std::size_t size) {
    if (page_->left < size) {
      fill_from_kernel(page_->bytes, sizeof page_->bytes);
      page_->left = sizeof page_->bytes;
    }
    page_->left -= size;
    unsigned char* from = page_->bytes + page_->left;
    std::memcpy(out, from, size);
    explicit_bzero(from, size);
  }

 private:
  Page* page_;
};

}  // namespace

void SystemRandom::fill(void* out, std::size_t size) {
  constexpr std::size_t kLargest = 256;
  if (size > kLargest) {
    fill_from_kernel(out, size);
    return;
  }
  thread_local ReadAhead ahead;
  ahead.take(out, size);
}

}  // namespace keyturn
