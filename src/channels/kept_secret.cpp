#include "channels/kept_secret.h"

#include "base/task_impl.h"

namespace keyturn::channels {

Result<void> check_form(const NeededSecret& needed, const Secret& value) {
  if (!value.empty() && value.reveal().starts_with(needed.begin)) return {};
  return refuse("malformed_secret",
                needed.name + (value.empty() ? " is empty" : " begins with " + needed.begin) +
                    ": check " + secrets::to_text(needed.reference));
}

Task<Result<Secret>> KeptSecret::get() {
  const Time now = clock_.now();
  const bool may_read = !read_at_ || now >= *read_at_ + kReadSecretAgain || now < *read_at_;
  if ((value_.empty() || doubted_) && may_read) {
    read_at_ = now;
    Result<Secret> found = co_await read_(needed_.reference);
    const Result<void> good =
        found ? check_form(needed_, *found)
              : Result<void>(std::unexpected(
                    Refusal{found.error().code, needed_.name + ": " + found.error().message, ""}));
    if (good) {
      if (found->reveal() != value_.reveal()) ++version_;
      value_ = std::move(*found);
      doubted_ = false;
      trouble_.reset();
    } else if (value_.empty()) {
      trouble_ = good.error();
    }
  }
  if (!value_.empty()) co_return value_;
  if (trouble_) co_return std::unexpected(*trouble_);
  co_return refuse("secret_missing", needed_.name + " is being read");
}

}  // namespace keyturn::channels
